"""The validation rows of a run, scored after every epoch."""

from collections.abc import Callable, Sequence

import numpy as np

from textaxa.evaluation import hierarchical_f1
from textaxa.model import Model
from textaxa.training._together import ALONE, Together

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
        Gives the model's node probabilities of the rows, (B, N), as it is when asked; of several processes, of each
        one's share.
    together
        Those that train.
    """

    def __init__(
        self,
        model: Model,
        true_nodes: Sequence[Sequence[int]],
        compute: Callable[[], np.ndarray],
        together: Together = ALONE,
    ) -> None:
        self._model = model
        self._true = true_nodes
        self._compute = compute
        self._together = together

    def __call__(self) -> Scores:
        """Score the model as it decodes in training: uncalibrated, at a threshold of 0.5; the same in all processes."""
        proba = self._together.whole(self._compute(), len(self._true))
        found = [[prediction.node for prediction in row] for row in self._model.decode(proba)]
        right = sum(set(a) == set(b) for a, b in zip(self._true, found, strict=True))
        f1 = hierarchical_f1(self._model.taxonomy, self._true, found)
        return {"hierarchical_f1": float(f1), "path_accuracy": right / len(self._true)}
