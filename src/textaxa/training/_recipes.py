"""How much of the encoder is trained, and for how long: what a preset stands for, and what fits into a time budget.

Settings and a few measured times come in, filled-in settings and their reason go out. Nothing is measured or trained
here.
"""

from dataclasses import dataclass, replace
from typing import Any

from textaxa.settings import EncoderSettings, TrainingSettings

PRESETS = ("fast", "balanced", "best")

TOP_SHARE = 3
"""`balanced` trains every third layer, counted from the top: 2 of 6, 4 of 12."""

TUNED_EPOCHS = 3
"""Epochs of the recipe where the encoder learns."""

TOP_EPOCHS, TOP_RATE = 5, 3.0
"""Where only the top layers do: more epochs, since each is cheap, and so many times the rate of a whole encoder. On the
validation rows of TREC, with 2 of 6 layers: 82.6 % of the paths after 3 epochs at the rate of all layers, 86.4 % at
three times that, and 87.4 % after 5 epochs; of hwu64 88.2 % after 3 and 89.4 % after 5."""

HEAD_EPOCHS = 30
"""Epochs of the recipe where the head alone does, or the encoder starts from nothing."""

_NARROW = 512
"""Encoders up to this width are small (MiniLM and its like) and learn best at a larger rate than base models."""

_UNTRAINED_RATE = 1e-3
"""Encoders that start from nothing (TextRCNN) have nothing to lose by the usual rate of Adam."""

_MARGIN = 1.2
"""Predictions of a few batches are short of what epochs take: checkpoints, other work on the machine."""

_TRIED: tuple[tuple[str, int], ...] = (
    ("best", 3),
    ("best", 2),
    ("balanced", 5),
    ("balanced", 3),
    ("fast", HEAD_EPOCHS),
)
"""What is tried in turn: first what trains more of the encoder, and longer. The order itself was not measured."""


@dataclass(frozen=True)
class Work:
    """How much there is to do.

    Attributes
    ----------
    tokens, valid_tokens : int
        Of the training and of the validation rows.
    rows, valid_rows : int
        How many there are.
    """

    tokens: int
    valid_tokens: int
    rows: int
    valid_rows: int


@dataclass(frozen=True)
class Pace:
    """Seconds that a token takes (``head_row``: a row).

    Attributes
    ----------
    full : float
        In a step that trains all layers.
    top : float
        In one that trains the top layers, on kept states.
    below : float
        Through the layers below, once.
    read : float
        Through all layers, without gradient.
    head_row : float
        In a step that trains the head alone, on stored vectors.
    """

    full: float
    top: float
    below: float
    read: float
    head_row: float


@dataclass(frozen=True)
class Recipe:
    """A preset with its number of epochs, and the seconds that it was predicted to take."""

    preset: str
    epochs: int
    seconds: float


def with_preset(
    encoder: EncoderSettings, preset: str | None, *, depth: int | None, untrained: bool = False
) -> EncoderSettings:
    """Fill in what a preset says of the encoder and the user left empty; without one, ``frozen`` becomes False.

    Parameters
    ----------
    encoder
        As it was given.
    preset
        ``fast``, ``balanced``, ``best`` or None.
    depth
        Layers of the encoder; None for one without (static vectors, textrcnn), of which ``balanced`` trains all.
    untrained
        Whether the encoder starts from nothing: then it learns under every preset.

    Examples
    --------
    >>> encoder = with_preset(EncoderSettings(), "balanced", depth=6)
    >>> encoder.frozen, encoder.trainable_layers
    (False, 2)
    >>> encoder = with_preset(EncoderSettings(trainable_layers=3), "fast", depth=6)
    >>> encoder.frozen, encoder.trainable_layers
    (False, 3)
    """
    frozen, layers = encoder.frozen, encoder.trainable_layers
    if frozen is None:
        frozen = preset == "fast" and layers is None and not untrained
    if preset == "balanced" and layers is None and depth and not frozen:
        layers = max(1, depth // TOP_SHARE)
    return replace(encoder, frozen=frozen, trainable_layers=layers)


def resolved(
    training: TrainingSettings, *, width: int, frozen: bool, untrained: bool = False, top_only: bool = False
) -> TrainingSettings:
    """Fill in what was left to be chosen by the encoder: what of it learns, whether it starts untrained, its width."""
    rate, epochs = _UNTRAINED_RATE if untrained else 1e-4 if width <= _NARROW else 3e-5, TUNED_EPOCHS
    if top_only:
        rate, epochs = TOP_RATE * rate, TOP_EPOCHS
    return replace(
        training,
        epochs=training.epochs or (HEAD_EPOCHS if frozen or untrained else epochs),
        batch_size=training.batch_size or (256 if frozen else 32),
        encoder_rate=rate if training.encoder_rate is None else training.encoder_rate,
    )


def is_open(encoder: EncoderSettings, training: TrainingSettings) -> bool:
    """Tell whether the recipe is left to the time budget: there is one, and nothing that decides was chosen."""
    chosen = (training.preset, training.epochs, encoder.frozen, encoder.trainable_layers)
    return training.time_budget is not None and all(value is None for value in chosen)


def predicted(preset: str, epochs: int, pace: Pace, work: Work) -> float:
    """Give the seconds that a recipe takes, from the first batch to the last validation.

    Examples
    --------
    >>> pace = Pace(full=0.003, top=0.0008, below=0.0004, read=0.001, head_row=0.0001)
    >>> work = Work(tokens=10_000, valid_tokens=1_000, rows=100, valid_rows=10)
    >>> [round(predicted(name, 3, pace, work), 1) for name in ("best", "balanced", "fast")]
    [93.0, 30.2, 11.0]
    """
    both = work.tokens + work.valid_tokens
    if preset == "best":
        return epochs * (work.tokens * pace.full + work.valid_tokens * pace.read)
    if preset == "balanced":
        above = max(0.0, pace.read - pace.below)
        return both * pace.below + epochs * (work.tokens * pace.top + work.valid_tokens * above)
    return both * pace.read + epochs * (work.rows + work.valid_rows) * pace.head_row


def that_fits(pace: Pace, work: Work, *, seconds: float, layers: bool = True) -> Recipe:
    """Give the most accurate recipe that is predicted to end within so many seconds; if none does, the fastest.

    Parameters
    ----------
    pace, work
        What was measured, and what there is to do.
    seconds
        What is left of the time budget.
    layers
        Whether the encoder can be cut, so that ``balanced`` is possible.
    """
    tried = [
        Recipe(preset, epochs, predicted(preset, epochs, pace, work) * _MARGIN)
        for preset, epochs in _TRIED
        if layers or preset != "balanced"
    ]
    return next((one for one in tried if one.seconds <= seconds), min(tried, key=lambda one: one.seconds))


def told(recipe: Recipe, others: Any) -> str:
    """Say in a sentence what was chosen, and what the other presets would take."""
    ways = {"fast": "the head alone", "balanced": "the top layers", "best": "all layers"}
    rest = ", ".join(f"{ways[name]} {_time(seconds)}" for name, seconds in others.items() if name != recipe.preset)
    return (
        f"The time budget fits the preset {recipe.preset!r}: {ways[recipe.preset]}, {recipe.epochs} epochs, about "
        f"{_time(recipe.seconds)} (predicted otherwise: {rest})."
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
