"""From margins to log-odds: one line a level, fitted on rows that the classifiers have not seen.

A support vector machine's margin has no scale of its own: which one makes probabilities depends on how many classes
there are and how well they can be told apart, so it is fitted (log loss), level by level.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from textaxa.linear._classifiers import ALWAYS, NEVER, SCORED, Weights
from textaxa.linear._options import Decision, Options
from textaxa.linear._settings import LinearSettings

_ENOUGH = 30
"""Decisions of held-out rows on one level from which its own line can be fitted; with fewer, all levels share one."""

_RANGE = np.log(0.05), np.log(50.0)
"""Where the logarithm of the scale is looked for."""

_UNFITTED = {"svm": 3.0, "logistic": 1.0}
"""The scale where there are too few held-out rows to fit one."""


class MarginScales:
    """A scale and a shift a level; ``lines`` is float64 (L, 2)."""

    def __init__(self, lines: np.ndarray) -> None:
        self.lines = lines

    def __call__(self, options: Options, weights: Weights, margins: np.ndarray) -> np.ndarray:
        """Turn margins (B, K) into scores as precise: -inf for options never seen, inf for those always taken."""
        scale, shift = self.lines[options.level].T.astype(margins.dtype)
        scores: np.ndarray = margins * scale
        scores += shift
        for state, score in ((NEVER, -np.inf), (ALWAYS, np.inf)):
            scores[:, np.flatnonzero(weights.state == state)] = score
        return scores


def fit_scales(
    settings: LinearSettings,
    options: Options,
    weights: Weights,
    decisions: Sequence[Decision],
    margins: np.ndarray,
) -> MarginScales:
    """Fit the lines on held-out rows.

    Parameters
    ----------
    settings
        Which classifier the margins are of.
    options, weights
        What was decided between, and how.
    decisions
        The options that the held-out rows take.
    margins
        Their margins (B, K).
    """
    told = [_Told(decision, weights, margins) for decision in decisions]
    level = np.array([options.level[one.options[0]] for one in decisions])
    lines = np.zeros((int(options.level.max()) + 1, 2))
    lines[:] = _line([one for one in told if one.count], (_UNFITTED[settings.classifier], 0.0))
    for i, shared in enumerate(lines.copy()):
        lines[i] = _line([one for one, at in zip(told, level, strict=True) if at == i and one.count], tuple(shared))
    return MarginScales(lines)


class _Told:
    """What held-out rows tell about one decision: margins of the scored options, and which of them is right."""

    def __init__(self, decision: Decision, weights: Weights, margins: np.ndarray) -> None:
        self.yes_or_no = decision.yes_or_no
        scored = weights.state[decision.options] == SCORED
        position = np.cumsum(scored) - 1
        known = scored[np.zeros_like(decision.taken) if decision.yes_or_no else decision.taken]
        enough = scored.sum() > (0 if decision.yes_or_no else 1)
        rows = decision.rows[known] if enough else decision.rows[:0]
        self.count = len(rows)
        self.margins = margins[np.ix_(rows, decision.options[scored])]
        taken = decision.taken[known] if enough else decision.taken[:0]
        self.taken = taken if decision.yes_or_no else position[taken]

    def loss(self, scale: float) -> float:
        """Give the summed log loss of a softmax at this scale."""
        scores = scale * self.margins
        return float((logsumexp(scores, axis=1) - scores[np.arange(self.count), self.taken]).sum())


def _line(told: list[_Told], unfitted: tuple[float, float]) -> tuple[float, float]:
    """Give scale and shift of the smallest log loss."""
    if sum(one.count for one in told) < _ENOUGH:
        return unfitted
    if not told[0].yes_or_no:
        best = minimize_scalar(lambda log: sum(one.loss(np.exp(log)) for one in told), bounds=_RANGE, method="bounded")
        return float(np.exp(best.x)), 0.0
    margins, taken = np.concatenate([o.margins[:, 0] for o in told]), np.concatenate([o.taken for o in told])
    if len(np.unique(taken)) < 2:
        return unfitted
    model = LogisticRegression(C=1e3, max_iter=1000).fit(margins[:, None], taken)
    scale = float(np.clip(model.coef_[0, 0], *np.exp(_RANGE)))
    return scale, float(model.intercept_[0])
