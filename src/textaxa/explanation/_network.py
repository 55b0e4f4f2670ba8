"""Contributions of tokens to the scores of a network: integrated gradients on the embeddings, by captum.

Source: Sundararajan et al. (ICML 2017). The way leads from the text without its words (padding tokens, special tokens
kept) straight to the text; a token has the mean slope on that way times what changed. The contributions add up
to the rise of the score, but for the error of the integral, which is measured; more points are taken while it is large.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from textaxa._extras import require
from textaxa.encoders import Encoder, TokenStates
from textaxa.explanation._contribution import Contribution
from textaxa.explanation._embedded import Embedded, Features, embedded
from textaxa.explanation._explanation import ENDS_HERE, NO_CHOICE
from textaxa.explanation._targets import Target, end_columns
from textaxa.explanation._words import Parts
from textaxa.model import Model
from textaxa.taxonomy import Taxonomy

STEPS = (16, 32, 64, 128, 256)
"""Points of the integral (Gauss-Legendre), until the error is small."""

ENOUGH = 0.02
"""Error of the sum of contributions, as a share of the rise of the score (or in nats, where that is below 1)."""

MOST_TOKENS = 150_000
"""Tokens that are read for one score at one number of points: with longer texts fewer points are taken. About a minute
of a small transformer on one core."""

_BATCH_TOKENS = 4096
"""Tokens read at a time."""

_LEAST = 1e-30
"""Probabilities below this have no logarithm in float32."""

_MOST = 1 - 1e-7
"""Probabilities above this have no odds in float32."""

Score = Callable[[Features], torch.Tensor]
"""From features of S versions of a text to their scores (S,)."""


class NetworkExplainer:
    """Explains texts by one network."""

    method = "integrated gradients"

    def __init__(self, model: Model) -> None:
        require("captum", extra="explain")
        self.model = model

    def read(self, text: str) -> "_NetworkReading":
        """Read a text."""
        with _evaluating(self.model):
            reads = self.model.head.reads
            return _NetworkReading(self.model, embedded(self.model.encoder, text, reads=reads, average=self._average))

    @property
    def _average(self) -> torch.Tensor:
        return self.model.scale.mean


class _NetworkReading:
    """One text as a network reads it."""

    def __init__(self, model: Model, text: Embedded) -> None:
        self.model = model
        self.text = text

    @cached_property
    def proba(self) -> NDArray[np.float64]:
        """Node probabilities (N,), before those of nodes are calibrated."""
        with _evaluating(self.model), torch.no_grad():
            proba = self._node_proba(self.text.features(self.text.vectors[None]))
        return proba[0].double().cpu().numpy()

    def contributions(self, targets: Sequence[Target]) -> list[Contribution | None]:
        """Give what the text's tokens contribute to each target; None where there is no choice."""
        with _evaluating(self.model):
            return [None if target.kind == NO_CHOICE else self._contribution(target) for target in targets]

    def _contribution(self, target: Target) -> Contribution:
        score = _score_of(self.model.taxonomy, target)
        found = integrated(self.text, lambda features: score(self._node_proba(features)))
        return Contribution(found.score, found.baseline, _parts(self.text, found.values), {})

    def _node_proba(self, features: Features) -> torch.Tensor:
        scale, head = self.model.scale, self.model.head
        if isinstance(features, TokenStates):
            scores = head(TokenStates(scale(features.states), features.mask))
        else:
            scores = head(scale(features))
        proba: torch.Tensor = head.node_proba(scores)
        return proba.float()


class Integrated(NamedTuple):
    """What tokens contribute (W, L), the score of the text, and that of the text without its words."""

    values: NDArray[np.float64]
    score: float
    baseline: float


def integrated(text: Embedded, score: Score) -> Integrated:
    """Integrate the slope of a score by the embeddings, with as many points as its error asks for."""
    from captum.attr import IntegratedGradients  # noqa: PLC0415 - a second of import that only this needs

    def forward(vectors: torch.Tensor) -> torch.Tensor:
        return score(text.features(vectors))

    with torch.no_grad():
        ends = forward(torch.stack([text.vectors, text.baseline])).double().tolist()
    gradients, values = IntegratedGradients(forward), np.zeros(text.start.shape)
    for steps in STEPS:
        if steps > STEPS[0] and steps * text.tokens > MOST_TOKENS:
            break
        found = gradients.attribute(
            text.vectors[None],
            text.baseline[None],
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=max(1, _BATCH_TOKENS // max(1, text.tokens)),
        )
        values = found[0].detach().sum(-1).double().cpu().numpy()
        if abs(values.sum() - (ends[0] - ends[1])) <= ENOUGH * max(1, abs(ends[0] - ends[1])):
            break
    return Integrated(values, *ends)


def vector_contributions(
    encoder: Encoder, text: str, slope: NDArray[np.floating], *, average: NDArray[np.floating]
) -> Parts:
    """Give what the tokens of a text contribute to ``slope · vector``.

    Parameters
    ----------
    encoder
        Gives the vector (D,).
    text
        The text.
    slope
        Weights (D,).
    average
        Mean text vector of the training rows (D,).
    """
    require("captum", extra="explain")
    weights = torch.as_tensor(slope, dtype=torch.float32, device=encoder.device)
    with _evaluating(encoder):
        mean = torch.as_tensor(average, dtype=torch.float32, device=encoder.device)
        read = embedded(encoder, text, reads="vectors", average=mean)
        return _parts(read, integrated(read, lambda vectors: vectors @ weights).values)  # type: ignore[operator]


def _parts(text: Embedded, values: NDArray[np.float64]) -> Parts:
    real = text.end > 0
    return Parts(text.start[real], text.end[real], values[real])


def _score_of(taxonomy: Taxonomy, target: Target) -> Callable[[torch.Tensor], torch.Tensor]:
    """Give what turns node probabilities (S, N) into the score of a target (S,)."""
    if target.against is None:
        return lambda proba: _log_odds(proba[:, target.node])
    against = target.against
    if target.kind == ENDS_HERE:
        columns = end_columns(taxonomy, against)
        return lambda proba: _log(proba[:, target.node]) - _log(sum(f * proba[:, n] for n, f in columns.items()))
    return lambda proba: _log(proba[:, target.node]) - _log(proba[:, against])


def _log(proba: Any) -> torch.Tensor:
    found: torch.Tensor = proba.clamp_min(_LEAST).log()
    return found


def _log_odds(proba: torch.Tensor) -> torch.Tensor:
    return torch.logit(proba.clamp(_LEAST, _MOST))


@contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    """Keep a module in evaluation mode for a while."""
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)
