"""Contributions of n-grams to the scores of a linear model. Needs no PyTorch.

With x the text's vector, margins are ``m = b + W x``. Where a score is a difference of margins (siblings of one
parent), a feature's contribution is exactly its weight times its value, calibration line included. Other scores, those
of the flat arrangement and of both together among them, bend: they are the logarithm of a sum over terminals, or of a
product along a path. Then the contribution is ``x_j`` times the mean slope of the score on the straight way from the
empty vector to x (integrated gradients), which is the same number where nothing bends, and always adds up. Since the
way is straight and margins are linear, that is an integral over one number, cheap and exact to rounding.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, logsumexp, softmax

from textaxa.errors import ConfigError
from textaxa.explanation._explanation import ENDS_HERE, LOG_ODDS, NO_CHOICE
from textaxa.explanation._ngrams import lowered_with_places, places
from textaxa.explanation._targets import Target
from textaxa.explanation._words import Parts
from textaxa.linear import LinearModel

_STEPS = (16, 64, 256)
"""Points of the integral (Gauss-Legendre); more are taken until the error is small."""

_ENOUGH = 1e-5
"""Error of a sum of contributions, as a share of it, that needs no more points: margins are float32."""

MEANING = "the meaning of the text (encoder)"

Floats = NDArray[np.float64]


class Contribution(NamedTuple):
    """What parts of a text contribute to one target: see `textaxa.explanation.LevelExplanation`."""

    score: float
    baseline: float
    parts: Parts
    elsewhere: dict[str, float]


class LinearExplainer:
    """Explains texts by one linear model."""

    method = "exact contributions"

    def __init__(self, model: LinearModel, *, through_encoder: bool = False) -> None:
        self.model = model
        self.through_encoder = through_encoder
        self.counts: Any = getattr(model.features, "counts", model.features)
        self.scores = (_OnePathScores if model.task == "single" else _SeveralPathsScores)(model)

    def proba(self, text: str) -> Floats:
        """Give the node probabilities (N,) before calibration of nodes."""
        margins = self.model.weights.scores(self.model.features([text]))
        return np.asarray(self.model.options.node_proba(self._scaled(margins))[0], dtype=np.float64)

    def contributions(self, text: str, targets: Sequence[Target]) -> list[Contribution | None]:
        """Give what the text's n-grams contribute to each target; None where there is no choice.

        Raises
        ------
        ConfigError
            A node never had a training row, so nothing argues for it.
        """
        features = self.model.features([text])
        grams = self._places(text, features)
        return [None if t.kind == NO_CHOICE else self._contribution(text, t, features, grams) for t in targets]

    def _contribution(self, text: str, target: Target, features: sparse.csr_matrix, grams: "_Grams") -> Contribution:
        margins = self.model.weights.scores(features)[0]
        bias = self.model.weights.bias.astype(np.float64)
        score, baseline = (float(self.scores(self._scaled(m[None]), target)[0][0]) for m in (margins, bias))
        if not np.isfinite([score, baseline]).all():
            raise ConfigError(
                f"Nothing argues for or against {' > '.join(target.path)}: no training row was labelled with one of "
                "the two nodes, so its probability is 0 whatever the text says. Ask for another path."
            )
        slope = self._mean_slope(target, bias, margins, score - baseline)
        used = features.indices
        weights = np.asarray(self._weights(slope)[used], dtype=np.float64)
        values = weights * features.data
        width = self.counts.width
        meaning = {MEANING: float(values[used >= width].sum())} if self._has_vectors else {}
        of_column = dict(zip(used[used < width].tolist(), values[used < width].tolist(), strict=True))
        parts = grams.shared(of_column)
        if self.through_encoder and self._has_vectors:
            parts, meaning = self._meaning(text, weights, features, parts, meaning[MEANING])
        return Contribution(score, baseline, parts, meaning)

    def _meaning(
        self, text: str, weights: Floats, features: sparse.csr_matrix, parts: Parts, whole: float
    ) -> tuple[Parts, dict[str, float]]:
        """Bring the contribution of the text's vector to its words; what the encoder says of no words is left."""
        from textaxa.explanation._network import vector_contributions  # noqa: PLC0415 - PyTorch

        joined: Any = self.model.features
        slope = np.zeros(joined.encoder.width)
        right = features.indices >= self.counts.width
        slope[features.indices[right] - self.counts.width] = weights[right]
        found = vector_contributions(joined.encoder, text, slope * joined.factor)
        together = Parts(*(np.concatenate(pair) for pair in zip(parts, found, strict=True)))
        return together, {MEANING: whole - float(found.value.sum())}

    @property
    def _has_vectors(self) -> bool:
        return self.counts is not self.model.features

    def _mean_slope(self, target: Target, bias: Floats, margins: Floats, rise: float) -> Floats:
        """Give the mean of the score's slope (K,) by margins on the way from ``bias`` to ``margins``."""
        way = np.where(np.isfinite(margins), margins, 0) - bias
        mean = np.zeros_like(bias)
        for steps in _STEPS:
            place, weight = np.polynomial.legendre.leggauss(steps)
            on_the_way = bias + (place[:, None] + 1) / 2 * way
            mean = (weight / 2) @ self.scores(self._scaled(on_the_way), target)[1] * self._scale
            if abs(mean @ way - rise) <= _ENOUGH * max(1, abs(rise)):
                break
        return mean

    def _weights(self, slope: Floats) -> Floats:
        """Give the weight of every feature (F,) in a score with this slope by margins (K,)."""
        moved = np.flatnonzero(slope)
        return np.asarray(self.model.weights.matrix[moved].T @ slope[moved]).ravel()

    def _scaled(self, margins: Floats) -> Floats:
        scores = self._lines(self.model.options, self.model.weights, margins)
        return np.asarray(scores, dtype=np.float64)

    @property
    def _lines(self) -> Any:
        """The calibration line of every level, from margins to log-odds."""
        return self.model.calibration

    @cached_property
    def _scale(self) -> Floats:
        return np.asarray(self._lines.lines[self.model.options.level, 0], dtype=np.float64)

    @cached_property
    def _column_of(self) -> dict[str, dict[str, int]]:
        first, found = 0, {}
        for kind, terms in self.counts.vocabulary.items():
            found[kind] = {term: first + i for i, term in enumerate(terms)}
            first += len(terms)
        return found

    def _places(self, text: str, features: sparse.csr_matrix) -> "_Grams":
        """Find where the n-grams of a text stand that the model knows."""
        lowered, origin = lowered_with_places(text)
        settings: Any = self.model.settings.head_settings
        there = set(features.indices.tolist())
        column, start, end = [], [], []
        for kind, known in self._column_of.items():
            for gram, first, last in places(settings, kind, lowered):
                found = known.get(gram)
                if found in there:
                    column.append(found)
                    start.append(first)
                    end.append(last)
        # A character that is two in lower case is marked whole if one of the two is.
        ends = origin[np.maximum(np.array(end, dtype=np.int64) - 1, 0)] + 1
        return _Grams(np.array(column, dtype=np.int64), origin[np.array(start, dtype=np.int64)], ends)


class _Grams(NamedTuple):
    """Every occurrence of a known n-gram: its column, and where it stands in the text, each int (P,)."""

    column: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def shared(self, of_column: dict[int, float]) -> Parts:
        """Share each column's contribution evenly among the occurrences of its n-gram."""
        columns, position, counts = np.unique(self.column, return_inverse=True, return_counts=True)
        values = np.array([of_column.get(c, 0.0) for c in columns.tolist()], dtype=np.float64)
        return Parts(self.start, self.end, (values / np.maximum(counts, 1))[position])


class _OnePathScores:
    """ln P(node) - ln P(other node) with one path a text, and its slope by the scores of options.

    P(terminal) is proportional to the exponential of the sum over its way of the options' log-softmax, and a node has
    the sum over the terminals below it.
    """

    def __init__(self, model: LinearModel) -> None:
        self.taxonomy = model.taxonomy
        options: Any = model.options
        self.ways: sparse.csr_matrix = options.ways
        self.starts = options.starts
        self.group = np.repeat(np.arange(len(self.starts)), np.diff(self.starts, append=options.n_options))
        self.position = {int(node): i for i, node in enumerate(self.taxonomy.terminals)}

    def __call__(self, scores: Floats, target: Target) -> tuple[Floats, Floats]:
        """Give the score (G,) and its slope (G, K) for scores of options (G, K)."""
        best = np.maximum.reduceat(scores, self.starts, axis=1)
        shifted = scores - np.where(np.isneginf(best), 0, best)[:, self.group]
        taken = np.exp(shifted)
        total = np.add.reduceat(taken, self.starts, axis=1)
        total[total == 0] = 1
        logs = shifted - np.log(total)[:, self.group]
        chances = np.asarray((self.ways @ logs.T).T)
        share = np.zeros_like(chances)
        score = np.zeros(len(scores))
        with np.errstate(invalid="ignore"):  # nodes that were never seen: the caller refuses infinite scores
            for sign, side in ((1, self._terminals(target.node)), (-1, self._others(target))):
                score += sign * logsumexp(chances[:, side], axis=1)
                share[:, side] += sign * softmax(chances[:, side], axis=1)
        along = np.asarray((self.ways.T @ share.T).T)
        inside = np.add.reduceat(along, self.starts, axis=1)
        slope = along - inside[:, self.group] * (taken / total[:, self.group])
        return score, np.where(np.isfinite(scores), slope, 0)

    def _terminals(self, node: int) -> list[int]:
        return [self.position[n] for n in self.taxonomy.descendants.row(node).tolist() if n in self.position]

    def _others(self, target: Target) -> list[int]:
        against = int(target.against or 0)
        return [self.position[against]] if target.kind == ENDS_HERE else self._terminals(against)


class _SeveralPathsScores:
    """The log-odds of a node with several paths a text, less those of another node if one is named."""

    def __init__(self, model: LinearModel) -> None:
        self.taxonomy = model.taxonomy
        self.given_parent = getattr(model.options, "given_parent", True)

    def __call__(self, scores: Floats, target: Target) -> tuple[Floats, Floats]:
        """Give the score (G,) and its slope (G, N) for scores of nodes (G, N)."""
        score, slope = self._log_odds(scores, target.node)
        if target.kind != LOG_ODDS and target.against is not None:
            other, its_slope = self._log_odds(scores, target.against)
            with np.errstate(invalid="ignore"):
                score, slope = score - other, slope - its_slope
        return score, slope

    def _log_odds(self, scores: Floats, node: int) -> tuple[Floats, Floats]:
        log_proba, chosen = self._log_proba(scores, node)
        with np.errstate(divide="ignore"):
            rest = -np.expm1(log_proba)
            score = log_proba - np.log(rest)
            slope = chosen * expit(-scores) / np.where(rest > 0, rest, 1)[:, None]
        return score, np.where(np.isfinite(scores), slope, 0)

    def _log_proba(self, scores: Floats, node: int) -> tuple[Floats, Floats]:
        """Give ln P(node) (G,), and which nodes' own answers it is made of, 0 or 1, (G, N)."""
        above: dict[int, tuple[Floats, Floats]] = {}
        for one in self.taxonomy.ancestors.row(node).tolist():  # parents come before children
            own, chosen = log_expit(scores[:, one]), np.zeros_like(scores)
            chosen[:, one] = 1
            parents = self.taxonomy.parents.row(one).tolist()
            if parents:
                own, chosen = self._under(own, chosen, [above[parent] for parent in parents])
            above[one] = own, chosen
        return above[node]

    def _under(self, own: Floats, chosen: Floats, parents: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
        """Put a node under the least probable of its parents."""
        logs = np.stack([log for log, _ in parents])
        least = logs.argmin(0)
        rows = np.arange(len(own))
        log, of_parent = logs[least, rows], np.stack([which for _, which in parents])[least, rows]
        if self.given_parent:
            return own + log, chosen + of_parent
        lower = own <= log
        return np.minimum(own, log), np.where(lower[:, None], chosen, of_parent)
