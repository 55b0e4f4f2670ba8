"""From what a search finds to paths with a probability for every node.

The ends of paths come in; log-probabilities along them, predictions, and claims for promises go out. A search does not
keep what it scored on its way down: to score the groups on a few paths again costs less.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textaxa.decoding import BeamPaths, Prediction
from textaxa.decoding._prediction import PredictionMaker
from textaxa.wide._head import WideHead
from textaxa.wide._rows import Float32, Int64
from textaxa.wide._search import Choices, choices

NOT_SURELY_BEST = "the beam was full: a path that it left out may be more probable"
"""Said of an answer of which the search cannot say that it is the best one."""

_OPTIONS = 4_000_000
"""Options scored at once: 50 MB."""


@dataclass(frozen=True)
class Steps:
    """The choices on the way to the ends of P paths: which there were, and which was taken.

    Attributes
    ----------
    path, level
        Of each step: the path, 0 to P - 1, and the level of the group, from 0. ``int64 (S,)``, by path and level.
    scored
        The options of every step.
    taken
        The place in ``scored.log_proba`` of the option that the path takes, ``int64 (S,)``.
    """

    path: Int64
    level: Int64
    scored: Choices
    taken: Int64


def steps(head: WideHead, vectors: Float32, text: Int64, ends: Int64) -> Steps:
    """Give the choices on the way to terminals.

    Parameters
    ----------
    head
        The head.
    vectors
        Scaled text vectors (B, D).
    text, ends
        Of P paths, at least one: the row of the text, and the terminal.
    """
    options = head.options
    table = options.paths(head.taxonomy, ends)
    path, level = np.nonzero(table >= 0)
    option = table[path, level].astype(np.int64)
    group = options.group[option].astype(np.int64)
    # The k paths of a text share groups; a group is scored once a text.
    key, place = np.unique(text[path] * options.n_groups + group, return_inverse=True)
    pairs = choices(options, head.rows, vectors, key // options.n_groups, key % options.n_groups)
    return Steps(path, level, pairs, pairs.begins[place] + option - options.start[group])


def log_proba_along(head: WideHead, vectors: Float32, text: Int64, ends: Int64) -> NDArray[np.float64]:
    """Give log P(the text takes the way of the path down to each level), float64 (P, levels + 1).

    The last column counts where the label ends, too: it is log P(the label is exactly this path). Before a path's end
    every column is log P(the text belongs under the node); after it, the last value is repeated.
    """
    found = np.zeros((len(ends), head.taxonomy.n_levels + 1))
    size = max(1, _OPTIONS // max(1, head.options.largest_group * head.taxonomy.n_levels))
    for at in range(0, len(ends), size):
        some = slice(at, at + size)
        step = steps(head, vectors, text[some], ends[some])
        found[at + step.path, step.level] = step.scored.log_proba[step.taken]
    return np.cumsum(found, axis=1)


@dataclass(frozen=True)
class Chains:
    """The most probable path of each of B texts.

    Attributes
    ----------
    nodes
        From the top level down, -1 below the end; ``int32 (B, levels)``.
    proba
        P(the text belongs under the node), 0 below the end; float64 (B, levels).
    exactly
        P(the label is exactly this path); float64 (B,).
    """

    nodes: NDArray[np.int32]
    proba: NDArray[np.float64]
    exactly: NDArray[np.float64]


def chains(head: WideHead, vectors: Float32, ends: Int64) -> Chains:
    """Give the paths of texts (B, D) to their ends (B,)."""
    along = np.exp(log_proba_along(head, vectors, np.arange(len(ends)), ends))
    nodes = chain_nodes(head, ends)
    return Chains(nodes, np.where(nodes >= 0, along[:, :-1], 0.0), along[:, -1])


def chain_nodes(head: WideHead, ends: Int64) -> NDArray[np.int32]:
    """Give the nodes of the canonical paths to some nodes, ``int32 (P, levels)``, -1 below the end."""
    taxonomy = head.taxonomy
    found = np.full((len(ends), taxonomy.n_levels), -1, dtype=np.int32)
    rows, node = np.arange(len(ends)), np.asarray(ends, dtype=np.int64)
    while len(rows):
        found[rows, np.asarray(taxonomy.depth)[node] - 1] = node
        above = np.asarray(taxonomy.parent)[node].astype(np.int64)
        rows, node = rows[above >= 0], above[above >= 0]
    return found


def predictions(head: WideHead, vectors: Float32, found: BeamPaths) -> list[list[Prediction]]:
    """Give what a search found for texts (B, D) as predictions; ``because`` says where it may have missed the best."""
    text, place = np.nonzero(found.nodes >= 0)
    ends = found.nodes[text, place]
    rows: list[list[Prediction]] = [[] for _ in range(len(found.nodes))]
    if not len(ends):
        return rows
    along = np.exp(log_proba_along(head, vectors, text, ends)).tolist()
    maker = PredictionMaker(head.taxonomy)
    for i, node, values in zip(text.tolist(), ends.tolist(), along, strict=True):
        depth = len(maker.chain(node))
        one = maker.make_along(node, values[:depth], values[-1])
        rows[i].append(one if found.exact[i] else replace(one, because=NOT_SURELY_BEST))
    return rows
