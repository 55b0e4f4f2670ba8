"""The validation rows of a run: scored after every epoch, and asked for thresholds when training is over."""

from collections.abc import Callable, Sequence

import numpy as np

from textaxa.decoding import fitted_thresholds
from textaxa.evaluation import hierarchical_f1
from textaxa.model import Model

Scores = dict[str, float]


class Validation:
    """Validation rows of a model.

    Parameters
    ----------
    model
        The model that is being trained.
    true_nodes
        The nodes of each row, B lists.
    compute
        Gives the model's node probabilities of the rows, (B, N), as it is when asked.
    """

    def __init__(self, model: Model, true_nodes: Sequence[Sequence[int]], compute: Callable[[], np.ndarray]) -> None:
        self._model = model
        self._true = true_nodes
        self._compute = compute

    def __call__(self) -> Scores:
        """Score the model as it decodes now: in training, at a threshold of 0.5."""
        return self._scores(self._compute())

    def choose_thresholds(self) -> Scores:
        """Give the model the thresholds that its settings ask for; give the scores with them."""
        model, proba = self._model, self._compute()
        model.thresholds = fitted_thresholds(model.taxonomy, model.settings.training.threshold, self._true, proba)
        return self._scores(proba)

    def _scores(self, proba: np.ndarray) -> Scores:
        found = [[prediction.node for prediction in row] for row in self._model.decode(proba)]
        right = sum(set(a) == set(b) for a, b in zip(self._true, found, strict=True))
        f1 = hierarchical_f1(self._model.taxonomy, self._true, found)
        return {"hierarchical_f1": float(f1), "path_accuracy": right / len(self._true)}
