"""Models that search for the most probable paths, the head ``wide``, and never compute the probability of all nodes."""

from typing import Any

from textaxa.errors import ConfigError


def searches(model: Any) -> bool:
    """Tell whether a model is such a one."""
    return bool(getattr(model, "searches", False))


def check_scores_all(model: Any, what: str, instead: str) -> None:
    """Refuse a model that searches for something that needs the probability of every node.

    Parameters
    ----------
    model
        Any model, or None.
    what
        What needs it, as the subject of a sentence.
    instead
        What to do instead, as a sentence.

    Raises
    ------
    ConfigError
        The model searches.
    """
    if searches(model):
        raise ConfigError(
            f"{what} needs the probability of every node, and this model (head {model.settings.head}) computes only "
            f"those on the most probable paths. {instead}"
        )
