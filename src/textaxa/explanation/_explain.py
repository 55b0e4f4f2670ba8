"""The door of this room: which kind of model it is, what is asked, and contributions brought to words."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.explanation._contribution import Contribution
from textaxa.explanation._explanation import ENDS_HERE, NO_CHOICE, Explanation, LevelExplanation
from textaxa.explanation._occlusion import OcclusionExplainer
from textaxa.explanation._targets import Target, end_columns, targets_of
from textaxa.explanation._words import by_word
from textaxa.fast_path import FastPathModel
from textaxa.runtime import RuntimeModel
from textaxa.taxonomy import Path, Taxonomy

if TYPE_CHECKING:
    from textaxa.linear import LinearModel
    from textaxa.model import Model

Method = Literal["auto", "occlusion"]
METHODS: tuple[Method, ...] = ("auto", "occlusion")

_NO_PLACE = "parts of the text that are no words"


def explain(
    model: "Model | LinearModel",
    text: str,
    *,
    path: Path | None = None,
    against: Path | None = None,
    through_encoder: bool = False,
    method: Method = "auto",
) -> Explanation:
    """Tell which words argued for each level of a path, and which against it.

    Parameters
    ----------
    model
        Any trained model.
    text
        The text. What the encoder does not read of a long one has no contribution.
    path
        The path to explain; None: what the model predicts, with several paths a text all of them.
    against
        The path to measure it against; None: at each level the most probable other child of the node above. With
        several paths a text and no ``against``, each node's own odds are explained.
    through_encoder
        ``linear`` with text vectors: bring what the vector contributes to the words, too (integrated gradients; needs
        PyTorch and takes seconds). False: it stays in one lump.
    method
        ``auto``: what the model allows, exact contributions or integrated gradients; for a model that was read without
        PyTorch ``occlusion``, which leaves words out. That can be asked of every model.

    Returns
    -------
    Contributions in nats, to log-odds before calibration of node probabilities (with ``occlusion`` after it); the
    probabilities are those that ``predict`` tells.

    Raises
    ------
    ConfigError
        The two paths cannot be told apart, or no training row was labelled with one of them.
    MissingExtraError
        A network is to be explained, and captum is not installed (extra ``explain``).
    TaxonomyError
        A path is not in the taxonomy.

    Examples
    --------
    >>> from textaxa.linear import LinearModel
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Sports"), ("Tools",)])
    >>> texts = ["a card game", "a football game", "an alarm clock"]
    >>> model = LinearModel.fit(texts, [[("Games", "Cards")], [("Games", "Sports")], [("Tools",)]], taxonomy)
    >>> text = "my football game"
    >>> games, sports = explain(model, text).levels
    >>> best = sports.strongest()[0]
    >>> sports.against, text[best.start : best.end]
    (('Games', 'Cards'), 'football')
    """
    (found,) = explain_many(
        model, [text], paths=[path], against=[against], through_encoder=through_encoder, method=method
    )
    return found


def explain_many(
    model: "Model | LinearModel",
    texts: Sequence[str],
    *,
    paths: Sequence[Path | None] | None = None,
    against: Sequence[Path | None] | None = None,
    through_encoder: bool = False,
    method: Method = "auto",
) -> list[Explanation]:
    """Explain several texts; what they share (vocabulary, predictions) is made once. Options as in `explain`.

    A linear model takes some milliseconds a text and level. A network runs 16 to some 100 times over a text and level,
    forwards and backwards: choose a few hundred texts at most.

    Raises
    ------
    ConfigError
        There are not as many paths as texts; and what `explain` raises.
    """
    for name, told in (("paths", paths), ("against", against)):
        if told is not None and len(told) != len(texts):
            raise ConfigError(f"There are {len(texts)} texts, but {len(told)} {name}. Give one a text, or None.")
    if not texts:
        return []
    texts = [_readable(text) for text in texts]
    given = paths or [None] * len(texts)
    if isinstance(model, FastPathModel):
        # Each text by the model that answers it.
        rows = zip(texts, given, against or [None] * len(texts), strict=True)
        how: dict[str, Any] = {"through_encoder": through_encoder, "method": method}
        return [explain(model.answering(text), text, path=path, against=other, **how) for text, path, other in rows]
    explainer = _explainer(model, through_encoder, method)
    proba = model.node_proba(texts)
    predicted = ([prediction.path for prediction in row] for row in model.decode(proba))
    wanted = [[one] if one else found for one, found in zip(given, predicted, strict=True)]
    others = against or [None] * len(texts)
    return [
        _explained(explainer, text, tuple(asked), other, row)
        for text, asked, other, row in zip(texts, wanted, others, proba, strict=True)
    ]


def _explainer(model: Any, through_encoder: bool, method: Method = "auto") -> Any:
    if method not in METHODS:
        raise ConfigError(f"The method of an explanation is one of {', '.join(METHODS)}, not {method!r}.")
    if method == "occlusion" or isinstance(model, RuntimeModel):
        return OcclusionExplainer(model)
    if hasattr(model, "encoder"):
        from textaxa.explanation._network import NetworkExplainer  # noqa: PLC0415 - PyTorch, which linear models lack

        return NetworkExplainer(model)
    from textaxa.explanation._linear import LinearExplainer  # noqa: PLC0415 - SciPy

    return LinearExplainer(model, through_encoder=through_encoder)


def _readable(text: str) -> str:
    """Replace halves of surrogate pairs, which no tokenizer reads, one for one: offsets stay."""
    return "".join("�" if "\ud800" <= c <= "\udfff" else c for c in text) if not text.isascii() else text


def _explained(
    explainer: Any, text: str, paths: tuple[Path, ...], against: Path | None, proba: NDArray[np.floating]
) -> Explanation:
    """Explain one text's paths, each node once."""
    taxonomy, task = explainer.model.taxonomy, explainer.model.task
    reading = explainer.read(text)
    asked = targets_of_paths(taxonomy, reading.proba, paths, against, task=task)
    levels = levels_of(taxonomy, text, asked, reading.contributions(asked), proba)
    return Explanation(text, paths, levels, explainer.method)


def targets_of_paths(
    taxonomy: Taxonomy, proba: NDArray[np.floating], paths: Sequence[Path], against: Path | None, *, task: str
) -> list[Target]:
    """Give what is asked about some paths, each node once; as `targets_of` for one path."""
    targets: dict[int, Target] = {}
    for path in paths:
        for target in targets_of(taxonomy, proba, path, against, task=task):
            targets.setdefault(target.node, target)
    return list(targets.values())


def levels_of(
    taxonomy: Taxonomy,
    text: str,
    targets: Sequence[Target],
    contributions: Sequence[Contribution | None],
    proba: NDArray[np.floating],
) -> tuple[LevelExplanation, ...]:
    """Bring the contributions to each target to the words; ``proba`` (N,) is what ``predict`` tells."""
    return tuple(_level(taxonomy, text, *pair, proba) for pair in zip(targets, contributions, strict=True))


def _level(taxonomy: Any, text: str, target: Target, found: Any, proba: NDArray[np.floating]) -> LevelExplanation:
    own = float(proba[target.node])
    if found is None:
        return LevelExplanation(target.path, own, NO_CHOICE)
    words, unplaced = by_word(text, found.parts)
    elsewhere = found.elsewhere | ({_NO_PLACE: unplaced} if unplaced else {})
    told = sum(word.weight for word in words) + sum(elsewhere.values())
    return LevelExplanation(
        target.path,
        own,
        target.kind,
        against=None if target.against is None else taxonomy.path(target.against),
        against_probability=_against_probability(taxonomy, target, proba),
        score=found.score,
        baseline=found.baseline,
        words=words,
        elsewhere=elsewhere,
        error=found.score - found.baseline - told,
    )


def _against_probability(taxonomy: Any, target: Target, proba: NDArray[np.floating]) -> float | None:
    if target.against is None:
        return None
    if target.kind != ENDS_HERE:
        return float(proba[target.against])
    ending = sum(factor * float(proba[n]) for n, factor in end_columns(taxonomy, target.against).items())
    return max(0.0, ending)
