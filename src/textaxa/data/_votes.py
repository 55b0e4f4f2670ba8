"""What several people said about one text, and the labels that follow from it.

Comes in: the answers of the annotators of a labelling tool. Goes out: the labels that count, or why there are none.
The rules are the same for every tool:

1. Answers marked as ground truth count, where there are any; else all that were handed in.
2. Of one person, the last answer counts.
3. The labels that most of them gave are the answer. Where two sets of labels have the same number of votes, there is
   none: a coin would put noise into the training rows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LABELLED = "labelled"
NOT_LABELLED = "not labelled"
SKIPPED = "skipped"
DISAGREE = "annotators disagree"


@dataclass(frozen=True)
class Vote:
    """One answer.

    Attributes
    ----------
    annotator
        Who gave it; None where nobody is named, which then is a person of its own.
    labels
        The paths, each a tuple of names or one text with separators.
    when
        What orders the answers of one person in time: a date in ISO 8601, or empty.
    ground_truth
        Whether somebody marked it as the right one.
    """

    annotator: Any
    labels: tuple[Any, ...]
    when: str = ""
    ground_truth: bool = False


def outcome(votes: Sequence[Vote]) -> tuple[tuple[Any, ...], str]:
    """Give the labels, and `LABELLED` or `DISAGREE`; no labels and `NOT_LABELLED` where nobody gave any.

    Examples
    --------
    >>> games, tools = (("Games",),), (("Tools",),)
    >>> outcome([Vote("ann", games), Vote("bob", tools), Vote("cy", games)])
    ((('Games',),), 'labelled')
    >>> outcome([Vote("ann", games), Vote("bob", tools)])
    ((), 'annotators disagree')
    >>> outcome([Vote("ann", games), Vote("bob", tools, ground_truth=True)])
    ((('Tools',),), 'labelled')
    """
    given = [vote for vote in votes if vote.labels]
    counted = [vote for vote in given if vote.ground_truth] or given
    if not counted:
        return (), NOT_LABELLED
    labels = {frozenset(vote.labels): vote.labels for vote in reversed(counted)}
    (first, most), *others = Counter(frozenset(vote.labels) for vote in _last_of_each(counted)).most_common(2)
    if others and others[0][1] == most:
        return (), DISAGREE
    return labels[first], LABELLED


def _last_of_each(votes: Sequence[Vote]) -> list[Vote]:
    last: dict[Any, Vote] = {}
    for place, vote in sorted(enumerate(votes), key=lambda item: (item[1].when, item[0])):
        last[place if vote.annotator is None else ("named", str(vote.annotator))] = vote
    return list(last.values())
