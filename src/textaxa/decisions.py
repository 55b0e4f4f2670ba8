"""From a model's node probabilities to its answers, in whichever way is asked for: by a decoder, or with a promise.

A model (anything with ``taxonomy, task, thresholds, evidence``) and a `Choice` come in; a `Decider` goes out that turns
node probabilities (B, N) into predictions. Promises are worked out once, from what the model keeps of held-out rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.decoding import FIXED, Prediction, decode
from textaxa.decoding._decoders import check_decoder
from textaxa.errors import ConfigError, DataError
from textaxa.guarantee import (
    OUTSIDE,
    Evidence,
    Promise,
    guaranteed_paths,
    guaranteed_sets,
    is_outside,
    nowhere,
    outside_cut,
    promise,
)

Decide = Callable[[NDArray[np.floating]], list[list[Prediction]]]

TARGETS = (0.9, 0.95, 0.99)
"""Accuracies for which a model tells whether they can be promised."""


@dataclass(frozen=True)
class Choice:
    """How answers are made.

    Attributes
    ----------
    top
        Paths a text, most probable first (single-path tasks, decoder ``most-probable``).
    decoder
        A key of `textaxa.decoding.DECODERS`. None: ``most-probable``, with several paths ``threshold``.
    beta
        Of the decoder ``hf-beta``: how many times as much recall counts as precision.
    costs
        Of the decoder ``min-risk``: as `textaxa.decoding.read_costs` gives them, or a matrix (N, T).
    accuracy
        Share of answers that shall be right, in (0, 1): each text gets the deepest node that can be defended.
    confidence
        Probability that this promise holds.
    scope
        What it is about: ``all``, ``level`` or ``branch``; see `textaxa.guarantee.promise`.
    outside
        Share of false alarms, in (0, 1), that is allowed for saying of a text that it belongs nowhere in the taxonomy.
        None: every text is taken to belong.
    """

    top: int = 1
    decoder: str | None = None
    beta: float = 1.0
    costs: Any = None
    accuracy: float | None = None
    confidence: float = 0.95
    scope: str = "all"
    outside: float | None = None


class Decider:
    """Turns a model's node probabilities (B, N) into predictions.

    Attributes
    ----------
    promise : Promise, or None
        What is promised about the answers.

    Raises
    ------
    ConfigError
        The choice contradicts itself or the model's task, or the model has no evidence to rest a promise on.
    DataError
        The promise cannot be kept with the evidence at hand; the message says how much would be needed.
    """

    def __init__(self, model: Any, choice: Choice) -> None:
        check_choice(choice, model.task)
        self._model = model
        self._outside = None if choice.outside is None else outside_cut(evidence_of(model), choice.outside)
        self.promise = None if choice.accuracy is None else _promise(model, choice.accuracy, choice, self._outside)
        self._decide = _decoded(model, choice) if self.promise is None else _promised(model, self.promise)

    def __call__(self, proba: NDArray[np.floating]) -> list[list[Prediction]]:
        """Give the predictions of every text."""
        found, model = self._decide(proba), self._model
        if self._outside is None:
            return found
        outside = is_outside(model.taxonomy, proba, self._outside, task=model.task)
        top_level = proba[:, model.taxonomy.level_slice(1)].max(axis=1)
        for i in np.flatnonzero(outside).tolist():
            found[i] = _nowhere(float(top_level[i]))
        return found


def _promise(model: Any, accuracy: float, choice: Choice, outside: float | None) -> Promise:
    """Make the promise about the texts that seem to belong."""
    evidence = evidence_of(model)
    belonging = evidence if outside is None else evidence.select(evidence.surest >= outside)
    return promise(model.taxonomy, belonging, accuracy, choice.confidence, choice.scope)


def _nowhere(probability: float) -> list[Prediction]:
    return [nowhere(probability, stopped=OUTSIDE, because="it is less sure than held-out texts that belong are")]


def check_choice(choice: Choice, task: str) -> None:
    """Refuse a choice that contradicts itself or the task.

    Raises
    ------
    ConfigError
        Saying which options do not go together.
    """
    several = task == "multi"
    if several and choice.top != 1:
        raise ConfigError(
            "This model gives several paths a text by itself, so a number of paths (top) cannot be asked."
        )
    if several and choice.decoder not in (None, "threshold"):
        raise ConfigError(
            f"The decoder {choice.decoder!r} gives one path a text, but this model gives several. Leave it out."
        )
    if choice.accuracy is not None and (choice.decoder is not None or choice.top != 1):
        raise ConfigError(
            "accuracy is given together with a decoder or a number of paths (top): a promise is about the one answer "
            "that can be defended. Leave one of them out."
        )
    if choice.decoder is None and (choice.beta != 1 or choice.costs is not None):
        name, decoder = ("costs", "min-risk") if choice.costs is not None else ("beta", "hf-beta")
        raise ConfigError(f"{name} is given, but no decoder that takes it. Choose the decoder {decoder}.")
    check_decoder(choice.decoder or "most-probable", top=choice.top, beta=choice.beta, costs=choice.costs)


def evidence_of(model: Any) -> Evidence:
    """Give what held-out rows say about a model.

    Raises
    ------
    ConfigError
        The model keeps none.
    """
    evidence: Evidence | None = model.evidence
    if evidence is None or not (~evidence.tuning).any():
        raise ConfigError(
            "The model keeps no held-out rows that a promise could rest on: it was trained without validation rows, "
            "with too few of them, or before a change of the taxonomy. Give it labelled rows that it has not seen: "
            "textaxa calibrate MODEL labelled.csv"
        )
    return evidence


def _decoded(model: Any, choice: Choice) -> Decide:
    several = model.task == "multi"
    thresholds = (FIXED if model.thresholds is None else model.thresholds) if several else None
    decoder = "threshold" if several else choice.decoder or "most-probable"
    return lambda proba: decode(
        model.taxonomy,
        proba,
        decoder,
        top=choice.top,
        beta=choice.beta,
        costs=choice.costs,
        threshold=thresholds,
    )


def _promised(model: Any, kept: Promise) -> Decide:
    give = guaranteed_sets if model.task == "multi" else guaranteed_paths
    return lambda proba: give(model.taxonomy, proba, kept)


def promises_of(model: Any) -> dict[float, Promise | str]:
    """Give what can be promised with 95 % confidence at usual accuracies, or why nothing can be."""
    found: dict[float, Promise | str] = {}
    for accuracy in TARGETS:
        try:
            found[accuracy] = promise(model.taxonomy, evidence_of(model), accuracy)
        except (ConfigError, DataError) as error:
            found[accuracy] = str(error)
    return found
