"""Settings of the heads: one dataclass a head, named as in ``--head``."""

from dataclasses import dataclass

from textaxa.settings._schema import Checked, setting

_LABEL_SMOOTHING = (
    "Share of the target spread evenly over the classes of a level. Helps a little where labels are noisy; bends "
    "probabilities towards even."
)
_CLASS_WEIGHTS = (
    "none; balanced: rows of a class weigh inversely to its count; effective: by the effective number of rows "
    "(Cui et al. 2019), gentler. Lifts rare classes at some cost in overall accuracy, and shifts probabilities."
)
_LEVEL_WEIGHTS = (
    "How the levels' losses are added. equal (the evidence favours plain sums: Kurin et al. 2022); numbers, one a "
    "level; uncertainty: learned (Kendall et al. 2018); dwa: by the rate at which each falls (Liu et al. 2019)."
)
_DROPOUT = "Share of the text vector dropped in training."
_WEIGHTINGS = ("none", "balanced", "effective")
_LEVEL_WEIGHTINGS = ("equal", "uncertainty", "dwa")


@dataclass(frozen=True)
class FlatSettings(Checked):
    """``flat``: one softmax over the terminals; a node's probability is the sum over the terminals below it."""

    dropout: float = setting(0.1, _DROPOUT, at_least=0, at_most=0.95)
    label_smoothing: float = setting(0.0, _LABEL_SMOOTHING, at_least=0, at_most=0.9)
    class_weights: str = setting("none", _CLASS_WEIGHTS, choices=_WEIGHTINGS)


@dataclass(frozen=True)
class PerLevelSettings(Checked):
    """``per-level``: one independent linear classifier a level on the text vector."""

    dropout: float = setting(0.1, _DROPOUT, at_least=0, at_most=0.95)
    label_smoothing: float = setting(0.0, _LABEL_SMOOTHING, at_least=0, at_most=0.9)
    class_weights: str = setting("none", _CLASS_WEIGHTS, choices=_WEIGHTINGS)
    level_weights: str | tuple[float, ...] = setting("equal", _LEVEL_WEIGHTS, choices=_LEVEL_WEIGHTINGS, at_least=0)


@dataclass(frozen=True)
class CascadeSettings(Checked):
    """``cascade``: the output of a level runs through an MLP into the next level; the text feeds only the first."""

    hidden: int = setting(256, "Width of the MLP between two levels.", at_least=1)
    dropout: float = setting(0.1, _DROPOUT, at_least=0, at_most=0.95)
    label_smoothing: float = setting(0.0, _LABEL_SMOOTHING, at_least=0, at_most=0.9)
    class_weights: str = setting("none", _CLASS_WEIGHTS, choices=_WEIGHTINGS)
    level_weights: str | tuple[float, ...] = setting("equal", _LEVEL_WEIGHTS, choices=_LEVEL_WEIGHTINGS, at_least=0)


@dataclass(frozen=True)
class ChainedSettings(Checked):
    """``chained``: the text vector and the parent level's output together feed the child level's classifier."""

    feed: str = setting(
        "masked",
        "What the child level sees of its parent level in training. true: the true parent (teacher forcing; learns "
        "fast, but never sees its own mistakes); masked: the true parent, hidden in mask_rate of the rows, so that the "
        "text must be read too (HBGL); predicted: the parent level's own output, as at prediction time; scheduled: "
        "from true to predicted over schedule_share of the steps.",
        choices=("true", "masked", "predicted", "scheduled"),
    )
    mask_rate: float = setting(0.5, "With feed = masked: share of rows whose parent is hidden.", at_least=0, at_most=1)
    schedule_curve: str = setting(
        "linear",
        "With feed = scheduled: how the share of true parents falls (Bengio et al. 2015).",
        choices=("linear", "inverse-sigmoid"),
    )
    schedule_share: float = setting(
        0.5, "With feed = scheduled: share of all steps over which it falls from 1 to 0.", at_least=0.01, at_most=1
    )
    detach: bool = setting(
        False,
        "With predicted output fed: stop the child's gradient there. Left open, the child's loss also teaches the "
        "parent.",
    )
    fed_as: str = setting(
        "probabilities",
        "The parent level's output as probabilities (bounded, like the one-hot truth), or as log-probabilities "
        "(logits), which keep more of what the parent level found unlikely.",
        choices=("probabilities", "logits"),
    )
    dropout: float = setting(0.1, _DROPOUT, at_least=0, at_most=0.95)
    label_smoothing: float = setting(0.0, _LABEL_SMOOTHING, at_least=0, at_most=0.9)
    class_weights: str = setting("none", _CLASS_WEIGHTS, choices=_WEIGHTINGS)
    level_weights: str | tuple[float, ...] = setting("equal", _LEVEL_WEIGHTS, choices=_LEVEL_WEIGHTINGS, at_least=0)


HeadSettings = FlatSettings | PerLevelSettings | CascadeSettings | ChainedSettings

HEAD_SETTINGS: dict[str, type[HeadSettings]] = {
    "flat": FlatSettings,
    "per-level": PerLevelSettings,
    "cascade": CascadeSettings,
    "chained": ChainedSettings,
}

MULTI_PATH_HEADS = ("per-level", "chained")
