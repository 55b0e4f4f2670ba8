"""Settings that several heads share: each declared once, with its default, its bounds and its reason."""

from typing import Any

from textaxa.settings import setting


def dropout() -> Any:
    """Declare ``dropout``."""
    return setting(0.1, "Share of the text vector dropped in training.", at_least=0, at_most=0.95)


def label_smoothing() -> Any:
    """Declare ``label_smoothing``."""
    return setting(
        0.0,
        "Share of the target spread evenly over the classes of a level. Helps a little where labels are noisy; bends "
        "probabilities towards even.",
        at_least=0,
        at_most=0.9,
    )


def class_weights() -> Any:
    """Declare ``class_weights``."""
    return setting(
        "none",
        "none; balanced: rows of a class weigh inversely to its count; effective: by the effective number of rows "
        "(Cui et al. 2019), gentler. Lifts rare classes at some cost in overall accuracy, and shifts probabilities.",
        choices=("none", "balanced", "effective"),
    )


def level_weights() -> Any:
    """Declare ``level_weights``."""
    return setting(
        "equal",
        "How the levels' losses are added. equal (the evidence favours plain sums: Kurin et al. 2022); numbers, one a "
        "level; uncertainty: learned (Kendall et al. 2018); dwa: by the rate at which each falls (Liu et al. 2019).",
        choices=("equal", "uncertainty", "dwa"),
        at_least=0,
    )


def init() -> Any:
    """Declare ``init``: the head says in ``output_rows`` which rows of which weights stand for which nodes."""
    return setting(
        "random",
        "What the rows that read the text vector start as, one for each class. random; label-names: the direction in "
        "which the encoder sees the class's label text (path and description), so that untrained classes are guessed "
        "by their names.",
        choices=("random", "label-names"),
    )


def several_paths_loss() -> Any:
    """Declare ``several_paths_loss``."""
    return node_loss("With several paths a text: how the yes-or-no answers of the nodes are trained.")


def node_loss(what: str) -> Any:
    """Declare the loss of yes-or-no answers; ``what`` says of which."""
    return setting(
        "bce",
        f"{what} bce: binary cross-entropy; zmlce: every true node scores above 0, every other below, the worst ones "
        "counting most (HPT); focal: easy answers count less (Lin et al. 2017); asymmetric: easy negatives count less "
        "(Ridnik et al. 2021); distribution-balanced: for a long tail of rare nodes (Wu et al. 2020, Huang et al. "
        "2021). Only bce gives probabilities that can be taken at their word.",
        choices=("bce", "zmlce", "focal", "asymmetric", "distribution-balanced"),
    )
