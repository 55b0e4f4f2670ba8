"""The search for one text: the most probable open node goes first, so that a sure text opens a group a level.

It finds what the beam of a batch finds. Nodes are opened from the most probable down, also within a level, because no
node is more probable than its parent; so the nodes opened at a level are the beam's, without those that come after the
last path wanted is found.
"""

import math
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from textaxa.wide._options import ROOT, Options
from textaxa.wide._rows import Float32, Rows
from textaxa.wide._search import Best


def search_one(options: Options, rows: Rows, features: Float32, *, k: int, width: int) -> Best:
    """Find the best ends of paths of one text (D,), opening at most ``width`` nodes a level."""
    best = Best.none(1, k)
    opened: list[_Opened] = []
    # The most probable option of every open group that was not taken yet: minus log-probability, group, rank.
    queue: list[tuple[float, int, int]] = []
    count: list[int] = []

    def open_group(group: int, above: float, level: int) -> None:
        start = int(options.start[group])
        found = _opened(rows.logits(features, start, int(options.start[group + 1])), start, above, level)
        heappush(queue, (-found.log_proba[0], len(opened), 0))
        opened.append(found)

    open_group(ROOT, 0.0, 0)
    n_found = 0
    while queue and n_found < k:
        _, number, rank = heappop(queue)
        siblings = opened[number]
        log_proba, option = siblings.log_proba[rank], siblings.option[rank]
        if rank + 1 < len(siblings.option):
            heappush(queue, (-siblings.log_proba[rank + 1], number, rank + 1))
        group, level = int(options.below[option]), siblings.level
        if group < 0:
            best.log_proba[0, n_found], best.option[0, n_found] = log_proba, option
            n_found += 1
            continue
        if level == len(count):
            count.append(0)
        if count[level] < width:
            count[level] += 1
            open_group(group, log_proba, level + 1)
        elif log_proba > best.lost[0]:
            best.lost[0] = log_proba
    return best


@dataclass(frozen=True, slots=True)
class _Opened:
    """The options of one group, the most probable first, with the log-probability of being at each."""

    option: list[int]
    log_proba: list[float]
    level: int


def _opened(logits: Float32, start: int, above: float, level: int) -> _Opened:
    order = (-logits).argsort(kind="stable")
    sorted_logits = logits[order]
    sorted_logits -= sorted_logits[0]
    sorted_logits += np.float32(above - math.log(float(np.exp(sorted_logits).sum())))
    return _Opened((order + start).tolist(), sorted_logits.tolist(), level)
