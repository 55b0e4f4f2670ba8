"""Answers of a wide model, in whichever way is asked for: the most probable paths, or with a promise.

A model and a `Choice` come in; what turns texts into predictions goes out. Promises need only the most probable path of
a text and the probabilities along it, which a search finds.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textaxa.decisions import Choice, check_choice, evidence_of
from textaxa.decoding import Prediction
from textaxa.errors import ConfigError
from textaxa.guarantee import OUTSIDE, Evidence, Promise, outside_cut, promise
from textaxa.guarantee._answers import climbed, nowhere
from textaxa.wide._head import WideHead
from textaxa.wide._paths import Chains, chain_nodes, chains, log_proba_along
from textaxa.wide._rows import Float32, Int64

if TYPE_CHECKING:
    from textaxa.wide._model import WideModel

MOST_EVIDENCE = 20_000
"""Of more held-out rows an even sample is kept: it says as much, and the file stays small."""


class WideDecider:
    """Turns texts into predictions, as it was chosen.

    Attributes
    ----------
    promise : Promise, or None
        What is promised about the answers.

    Raises
    ------
    ConfigError
        The choice contradicts itself, or asks for a decoder that needs the probability of every node.
    DataError
        The promise cannot be kept with the evidence at hand.
    """

    def __init__(self, model: "WideModel", choice: Choice) -> None:
        check_choice(choice, model.task)
        if choice.decoder not in (None, "most-probable"):
            raise ConfigError(
                f"The decoder {choice.decoder} needs the probability of every node, which the head wide never "
                "computes. Leave it out for the most probable path, or ask for a promise with --accuracy."
            )
        self._model, self._choice = model, choice
        self._outside = None if choice.outside is None else outside_cut(evidence_of(model), choice.outside)
        self.promise: Promise | None = None
        if choice.accuracy is not None:
            evidence = evidence_of(model)
            belonging = evidence if self._outside is None else evidence.select(evidence.surest >= self._outside)
            self.promise = promise(model.taxonomy, belonging, choice.accuracy, choice.confidence, choice.scope)

    def __call__(self, texts: Sequence[str]) -> list[list[Prediction]]:
        """Give the predictions of every text."""
        model, choice = self._model, self._choice
        if self.promise is None and self._outside is None:
            return model.predict(texts, top=choice.top)
        vectors = model.vectors(texts)
        best = best_chains(model.head, vectors, width=model.beam)
        if self.promise is None:
            found = model.predict_of(vectors, top=choice.top)
        else:
            found = climbed(model.taxonomy, best.nodes, best.proba, self.promise)
        if self._outside is not None:
            for i in np.flatnonzero(best.exactly < self._outside).tolist():
                because = "it is less sure than held-out texts that belong are"
                found[i] = [nowhere(float(best.proba[i, 0]), stopped=OUTSIDE, because=because)]
        return found


def best_chains(head: WideHead, vectors: Float32, *, width: int) -> Chains:
    """Give the most probable path that a search finds for texts (B, D)."""
    return chains(head, vectors, head.search(vectors, width=width).nodes[:, 0])


def collect(head: WideHead, vectors: Float32, ends: Int64, tuning: NDArray[np.bool_], *, width: int) -> Evidence:
    """Give what held-out texts say about a head.

    Parameters
    ----------
    head
        The head, calibrated.
    vectors
        Scaled vectors (B, D).
    ends
        The terminals at which their labels end, (B,).
    tuning
        Which of them helped to choose something about the model, bool (B,).
    width
        Of the beam.
    """
    every = -(-len(ends) // MOST_EVIDENCE)
    vectors, ends, tuning = vectors[::every], np.asarray(ends)[::every], tuning[::every]
    found, true = best_chains(head, vectors, width=width), chain_nodes(head, ends)
    row, level = np.nonzero(found.nodes >= 0)
    node = found.nodes[row, level].astype(np.int64)
    along = np.minimum.accumulate(found.proba, axis=1)  # of rounding, a node may seem more probable than its parent
    truth = np.exp(log_proba_along(head, vectors, np.arange(len(ends)), ends)[:, -1])
    return Evidence(
        task="single",
        tuning=np.asarray(tuning, dtype=np.bool_),
        start=np.concatenate([[0], np.cumsum((found.nodes >= 0).sum(axis=1))]).astype(np.int64),
        node=node,
        proba=_shares(along[row, level]),
        right=_belongs(head, true, row, node),
        surest=_shares(found.exactly),
        truth=_shares(truth),
    )


def _belongs(head: WideHead, true: NDArray[np.int32], row: Int64, node: Int64) -> NDArray[np.bool_]:
    """Tell whether texts belong under nodes: whether these are on the way to the true end, in a DAG on any way."""
    if head.taxonomy.is_tree:
        return np.asarray((true[row] == node[:, None]).any(axis=1))
    ends = true[np.arange(len(true)), (true >= 0).sum(axis=1) - 1]
    return np.array(
        [bool(np.isin(n, head.taxonomy.ancestors.row(int(ends[i])))) for i, n in zip(row, node, strict=True)]
    )


def _shares(proba: Any) -> NDArray[np.float64]:
    return np.clip(np.asarray(proba, dtype=np.float64), 0.0, 1.0)
