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
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, logsumexp, softmax

from textaxa.errors import ConfigError
from textaxa.explanation._contribution import Contribution
from textaxa.explanation._explanation import ENDS_HERE, LOG_ODDS, NO_CHOICE
from textaxa.explanation._ngrams import lowered_with_places, places
from textaxa.explanation._targets import Target
from textaxa.explanation._words import Parts
from textaxa.linear import LinearModel
from textaxa.linear._features import Features

_STEPS = (16, 64, 256)
"""Points of the integral (Gauss-Legendre); more are taken until the error is small."""

_ENOUGH = 1e-5
"""Error of a sum of contributions, as a share of it, that needs no more points: margins are float32."""

MEANING = "the meaning of the text (encoder)"

_COLUMNS: WeakKeyDictionary[Features, dict[str, dict[str, int]]] = WeakKeyDictionary()
"""Columns of n-grams, which never change, as long as a model lives: of a large one they take a tenth of a second."""

Floats = NDArray[np.float64]


class LinearExplainer:
    """Explains texts by one linear model."""

    method = "contributions of n-grams"

    def __init__(self, model: LinearModel, *, through_encoder: bool = False) -> None:
        self.model = model
        self.counts: Any = getattr(model.features, "counts", model.features)
        self.has_vectors = self.counts is not model.features
        self.through_encoder = through_encoder and self.has_vectors
        self.scores = (_OnePathScores if model.task == "single" else _SeveralPathsScores)(model)
        lines: Any = model.scales
        self.lines = lines  # of every level, from margins to log-odds

    def read(self, text: str) -> "_LinearReading":
        """Read a text."""
        return _LinearReading(self, text, self.model.features([text]))

    def scaled(self, margins: Floats) -> Floats:
        """Turn margins (G, K) into scores of options by the calibration line of every level."""
        return np.asarray(self.lines(self.model.options, self.model.weights, margins), dtype=np.float64)

    def mean_slope(self, target: Target, bias: Floats, margins: Floats, rise: float) -> Floats:
        """Give the mean of the score's slope (K,) by margins on the straight way from ``bias`` to ``margins``."""
        way, mean = margins - bias, np.zeros_like(bias)
        scale = np.asarray(self.lines.lines[self.model.options.level, 0], dtype=np.float64)
        for steps in _STEPS:
            place, weight = np.polynomial.legendre.leggauss(steps)
            on_the_way = bias + (place[:, None] + 1) / 2 * way
            mean = (weight / 2) @ self.scores(self.scaled(on_the_way), target)[1] * scale
            if abs(mean @ way - rise) <= _ENOUGH * max(1, abs(rise)):
                break
        return mean

    @property
    def column_of(self) -> dict[str, dict[str, int]]:
        """The column of every n-gram, by kind."""
        if self.counts not in _COLUMNS:
            first, found = 0, {}
            for kind, terms in self.counts.vocabulary.items():
                found[kind] = {term: first + i for i, term in enumerate(terms)}
                first += len(terms)
            _COLUMNS[self.counts] = found
        return _COLUMNS[self.counts]


class _LinearReading:
    """One text as a linear model reads it."""

    def __init__(self, explainer: LinearExplainer, text: str, features: sparse.csr_matrix) -> None:
        self.explainer = explainer
        self.model = explainer.model
        self.text = text
        self.features = features
        self.margins = self.model.weights.scores(features)[0]
        self.bias = self.model.weights.bias.astype(np.float64)

    @property
    def proba(self) -> Floats:
        """Node probabilities (N,), before those of nodes are calibrated."""
        scores = self.explainer.scaled(self.margins[None])
        return np.asarray(self.model.options.node_proba(scores)[0], dtype=np.float64)

    def contributions(self, targets: Sequence[Target]) -> list[Contribution | None]:
        """Give what the text's n-grams contribute to each target; None where there is no choice.

        Raises
        ------
        ConfigError
            A node never had a training row, so nothing argues for it.
        """
        return [None if target.kind == NO_CHOICE else self._contribution(target) for target in targets]

    def _contribution(self, target: Target) -> Contribution | None:
        at = self.explainer.scaled(np.stack([self.margins, self.bias]))
        score, baseline = self.explainer.scores(at, target)[0].tolist()
        if target.kind == LOG_ODDS and score == np.inf:
            return None  # every training row was labelled with it
        if not np.isfinite([score, baseline]).all():
            raise ConfigError(
                f"Nothing argues for or against {' > '.join(target.path)}: of it or of what it is measured "
                "against, no training row or every one was labelled with it, so its probability is 0 or 1 whatever the "
                "text says. Ask for another path."
            )
        slope = self.explainer.mean_slope(target, self.bias, self.margins, score - baseline)
        weights = self.model.weights.of_features(self.features.indices, slope)
        values = weights * self.features.data
        counted = self.features.indices < self.explainer.counts.width
        parts = self._grams.shared(self.features.indices[counted], values[counted])
        if not self.explainer.has_vectors:
            return Contribution(score, baseline, parts, {})
        meaning = float(values[~counted].sum())
        if self.explainer.through_encoder:
            found = self._meaning(weights[~counted], self.features.indices[~counted])
            parts = Parts(*(np.concatenate(pair) for pair in zip(parts, found, strict=True)))
            meaning -= float(found.value.sum())
        return Contribution(score, baseline, parts, {MEANING: meaning})

    def _meaning(self, weights: Floats, columns: NDArray[np.integer]) -> Parts:
        """Give what the words add to the contribution of the text's vector."""
        from textaxa.explanation._network import vector_contributions  # noqa: PLC0415 - PyTorch

        joined: Any = self.model.features
        slope = np.zeros(joined.encoder.width)
        slope[columns - self.explainer.counts.width] = weights
        return vector_contributions(joined.encoder, self.text, slope * joined.factor, average=joined.mean)

    @cached_property
    def _grams(self) -> "_Grams":
        """Where the n-grams stand that the model knows."""
        lowered, origin = lowered_with_places(self.text)
        settings: Any = self.model.settings.head_settings
        there = set(self.features.indices.tolist())
        found = [
            (known[gram], start, end)
            for kind, known in self.explainer.column_of.items()
            for gram, start, end in places(settings, kind, lowered)
            if known.get(gram) in there
        ]
        column, start, end = np.array(found, dtype=np.int64).reshape(-1, 3).T
        # A character that is two in lower case is marked whole if one of the two is.
        return _Grams(column, origin[start], origin[np.maximum(end - 1, 0)] + 1)


class _Grams(NamedTuple):
    """The places of known n-grams: the column, and where it stands in the text, each int (P,)."""

    column: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def shared(self, columns: NDArray[np.integer], values: Floats) -> Parts:
        """Share the contributions of columns evenly among the places of their n-grams."""
        order = np.argsort(columns)
        known, position, counts = np.unique(self.column, return_inverse=True, return_counts=True)
        of_column = values[order][np.searchsorted(columns[order], known)] if len(known) else np.zeros(0)
        return Parts(self.start, self.end, (of_column / np.maximum(counts, 1))[position])


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
