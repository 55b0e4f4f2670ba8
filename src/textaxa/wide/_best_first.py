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
    text = _Text(options, rows, features)
    groups = [text.opened(ROOT, 0.0, 0)]
    # The most probable option of every open group that was not taken yet: minus log-probability, group, rank.
    queue = [(-groups[0].log_proba[0], 0, 0)]
    open_nodes: dict[int, int] = {}
    lost, n_found = -math.inf, 0
    while queue and n_found < k:
        _, number, rank = heappop(queue)
        siblings = groups[number]
        log_proba, level = siblings.log_proba[rank], siblings.level
        below = int(options.below[siblings.option[rank]])
        if below < 0:
            best.log_proba[0, n_found], best.option[0, n_found] = log_proba, siblings.option[rank]
            n_found += 1
        elif open_nodes.get(level, 0) < width:
            open_nodes[level] = open_nodes.get(level, 0) + 1
            groups.append(text.opened(below, log_proba, level + 1))
            heappush(queue, (-groups[-1].log_proba[0], len(groups) - 1, 0))
        else:
            lost = max(lost, log_proba)
        if rank + 1 < len(siblings.option):
            # Where the level is full and no path ends, the siblings that are left are only known to be lost.
            if siblings.has_ends or open_nodes.get(level, 0) < width:
                heappush(queue, (-siblings.log_proba[rank + 1], number, rank + 1))
            else:
                lost = max(lost, siblings.log_proba[rank + 1])
    best.lost[0] = lost
    return best


@dataclass(frozen=True, slots=True)
class _Opened:
    """The options of one group, the most probable first, with the log-probability of being at each."""

    option: list[int]
    log_proba: list[float]
    level: int
    has_ends: bool


@dataclass(frozen=True, slots=True)
class _Text:
    """One text, and what it is searched in."""

    options: Options
    rows: Rows
    features: Float32

    def opened(self, group: int, above: float, level: int) -> _Opened:
        """Score the options of a group at which the text is with log-probability ``above``."""
        start, stop = self.options.start[group : group + 2].tolist()
        logits = self.rows.logits(self.features, start, stop)
        order = (-logits).argsort(kind="stable")
        sorted_logits = logits[order]
        sorted_logits -= sorted_logits[0]
        sorted_logits += np.float32(above - math.log(float(np.exp(sorted_logits).sum())))
        has_ends = bool(self.options.has_ends[group])
        return _Opened((order + start).tolist(), sorted_logits.tolist(), level, has_ends)
