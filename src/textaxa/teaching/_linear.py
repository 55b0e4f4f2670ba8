"""The linear model: classifiers are corrected where taught rows come to them, as little as it takes.

Vectors of taught and remembered rows come in; weights go out. Each option's correction v solves, exactly,
min |v|^2 / 2 + C · sum of max(0, 1 - y · (old margin + x · v))^2, the loss that trained it, with |v| counted from
where it was. There are few rows, so this is solved over rows, not over features.

Source: Newton's method for the support vector machine in its kernel form, Chapelle (2007), section 3.
"""

from dataclasses import replace
from typing import Any, cast

import numpy as np
from scipy import sparse

from textaxa.errors import ConfigError
from textaxa.linear import LinearModel
from textaxa.linear._classifiers import ALWAYS, NEVER, SCORED, Weights
from textaxa.linear._options import Decision
from textaxa.linear._settings import LinearSettings

_ROUNDS = 30
"""Newton steps at most; the set of rows with a loss stands still after five to ten."""

_BIAS = 1.0
"""What a bias counts among the features, as LinearSVC has it."""


def taught_linear(model: LinearModel, features: sparse.csr_matrix, truth: Any, *, taught: int) -> LinearModel:
    """Give a model whose classifiers have learned from these rows; the given one is left as it is.

    Parameters
    ----------
    model
        A trained model; its vocabulary and the scales of its margins are kept.
    features
        Vectors of rows by its vocabulary, (B, F).
    truth
        Positions of terminals (B,), or true nodes as CSR (B, N).
    taught
        How many of them, from the first, are taught; the others are remembered.

    Raises
    ------
    ConfigError
        The classifiers are logistic regressions.
    """
    own = cast(LinearSettings, model.settings.head_settings)
    if own.classifier != "svm":
        raise ConfigError(
            f"A linear model with classifier = {own.classifier} cannot be taught with a few texts; with svm, the "
            "default, it can. Train it anew with these texts (textaxa train)."
        )
    old = model.weights
    margins = old.scores(features)
    alphas = np.zeros((features.shape[0], old.matrix.shape[0]))
    bias, state = old.bias.copy(), old.state.copy()
    for decision in model.options.decisions(truth):
        if not (decision.rows < taught).any():
            continue
        kernel = (features[decision.rows] @ features[decision.rows].T).toarray() + _BIAS
        for option, yes in _scored(decision, state):
            if state[option] != SCORED:
                margins[:, option] = 0.0
            alpha = _corrected(kernel, margins[decision.rows, option], yes, own.C)
            alphas[decision.rows, option] = alpha
            bias[option] += _BIAS * alpha.sum()
            state[option] = SCORED
    moved = sparse.csr_matrix(alphas.T, dtype=np.float32) @ features
    matrix = sparse.csr_matrix(old.matrix + moved, dtype=np.float32)
    return _copy(model, Weights(matrix, bias.astype(np.float32), state))


def _scored(decision: Decision, state: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Give the options to correct, each with 1 for the rows that take it and -1 for the others.

    An option that no row has ever taken stays as it is.
    """
    found = []
    for at, option in enumerate(decision.options):
        taken = decision.taken == (1 if decision.yes_or_no else at)
        known = state[option] == SCORED or taken.any()
        if known and not (state[option] == ALWAYS and taken.all()) and not (state[option] == NEVER and not taken.any()):
            found.append((int(option), np.where(taken, 1.0, -1.0)))
    return found


def _corrected(kernel: np.ndarray, margin: np.ndarray, yes: np.ndarray, cost: float) -> np.ndarray:
    """Give how much each row adds to the weights, (R,): 0 for those with margin enough."""
    alpha = np.zeros(len(yes))
    active = yes * margin < 1
    for _ in range(_ROUNDS):
        some = np.flatnonzero(active)
        alpha = np.zeros(len(yes))
        if len(some):
            system = kernel[np.ix_(some, some)] + np.eye(len(some)) / (2 * cost)
            alpha[some] = np.linalg.solve(system, yes[some] - margin[some])
        now = yes * (margin + kernel @ alpha) < 1
        if (now == active).all():
            break
        active = now
    return alpha


def _copy(model: LinearModel, weights: Weights) -> LinearModel:
    return LinearModel(
        model.taxonomy,
        replace(model.settings),
        model.features,
        weights,
        model.scales,
        options=model.options,
        summary=dict(model.summary),
    )
