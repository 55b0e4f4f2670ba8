"""Fitting a rising curve a level on pooled conditional probabilities: isotonic regression, and inductive Venn-Abers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from textaxa._extras import require
from textaxa.calibration._maps import END, Curve, Curves, log_odds, straight
from textaxa.calibration._spaces import Float
from textaxa.calibration._told import Told, joined

ENOUGH = 30
"""Decisions of a level from which it has its own curve; with fewer it has that of all levels, and if these have fewer,
nothing is changed."""

_WIDTH = 0.1
"""Scores are pooled in bins of this many nats of log-odds: too little to be seen in a probability, and the curve is
a few hundred numbers. The bins do not depend on the data, so what Venn-Abers proves holds for binned scores."""

_SLOPE = 0.01
"""Share of the old log-odds in the new ones. Isotonic curves have flat steps; this keeps the order there."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Scores in bins: mean log-odds (rising), how many entries, how many of them true."""

    x: Float
    count: Float
    true: Float


Fitter = Callable[[Pool], tuple[Float, Float]]
"""Gives log-odds (rising) and probabilities."""


def fit_isotonic(told: Sequence[Told]) -> Curves:
    """Give isotonic regressions.

    At both ends stands one more entry that speaks against the rest, so that no text makes 0 or 1 of a probability.

    Source: Zadrozny and Elkan, KDD 2002.
    """
    return _fit(told, _isotonic)


def fit_venn_abers(told: Sequence[Told]) -> Curves:
    """Give the merged probabilities of inductive Venn-Abers predictors.

    With p0 and p1 from isotonic regressions to which the score to be judged has been added as false, and as true, the
    probability is p1 / (1 - p0 + p1), which rises with the score as both do.

    Source: Vovk, Petej and Fedorova, Large-scale probabilistic predictors with and without guarantees of validity,
    NeurIPS 2015, sections 2 and 4.
    """
    return _fit(told, _venn_abers)


def _fit(told: Sequence[Told], fitter: Fitter) -> Curves:
    everything = joined(told)
    shared = _curve(everything, fitter) if everything.decisions >= ENOUGH else straight()
    curves = tuple(_curve(one, fitter) if one.decisions >= ENOUGH else shared for one in told)
    return Curves(curves, logs=everything.starts is not None)


def _curve(told: Told, fitter: Fitter) -> Curve:
    x, proba = fitter(_pooled(told))
    y = np.clip(np.log(proba) - np.log1p(-proba), -END, END)
    y = (1 - _SLOPE) * np.maximum.accumulate(y) + _SLOPE * x
    inside = np.abs(x) < END
    x, y = x[inside], y[inside]
    low, high = (y[0] - _SLOPE * (x[0] + END), y[-1] + _SLOPE * (END - x[-1])) if len(x) else (-END, END)
    return Curve(np.concatenate([[-END], x, [END]]), np.clip(np.concatenate([[low], y, [high]]), -END, END))


def _pooled(told: Told) -> Pool:
    odds = told.score if told.starts is None else log_odds(told.score)
    _, place = np.unique(np.floor(odds / _WIDTH), return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    return Pool(np.bincount(place, odds) / count, count, np.bincount(place, told.true).astype(np.float64))


def _isotonic(pool: Pool) -> tuple[Float, Float]:
    count, true = pool.count.copy(), pool.true.copy()
    count[[0, -1]] += 1 if len(count) > 1 else 2
    true[0] += 1
    rising = require("sklearn.isotonic", extra="train").IsotonicRegression(y_min=0, y_max=1)
    rising.fit(pool.x, true / count, sample_weight=count)
    return rising.X_thresholds_, rising.y_thresholds_


def _venn_abers(pool: Pool) -> tuple[Float, Float]:
    # SciPy's is what scikit-learn's calls, without checks that take fifteen times as long as the fit.
    rising = require("scipy.optimize", extra="train").isotonic_regression
    as_false, as_true = np.empty_like(pool.x), np.empty_like(pool.x)
    for i in range(len(pool.x)):
        count, true = pool.count.copy(), pool.true.copy()
        count[i] += 1
        as_false[i] = rising(true / count, weights=count).x[i]
        true[i] += 1
        as_true[i] = rising(true / count, weights=count).x[i]
    return pool.x, as_true / (1 - as_false + as_true)
