"""A model of two: a cheap one answers the texts of which it is sure enough, a strong one the rest.

Two models over one taxonomy come in, with the confidence from which on the cheap one answers; what comes out is a
model like any other. `textaxa.optimise` makes them and proves the threshold. Light: what computes is the parts' affair.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from textaxa._pieces import Work
from textaxa.calibration import Calibration
from textaxa.decisions import Choice, Decider
from textaxa.decoding import Prediction, terminal_proba
from textaxa.errors import ConfigError
from textaxa.guarantee import Evidence
from textaxa.settings import Checked, ModelSettings
from textaxa.taxonomy import Taxonomy

NAME = "fast-path"
"""What stands for a head in the settings of such a model."""

PARTS = CHEAP, STRONG = "cheap", "strong"


@dataclass
class Ways:
    """How many texts went which way so far; it counts up."""

    cheap: int = 0
    strong: int = 0

    @property
    def share(self) -> float:
        """Give the share of texts that the cheap model answered; 0 before the first text."""
        return self.cheap / max(1, self.cheap + self.strong)


def confidence_of(taxonomy: Taxonomy, node_proba: np.ndarray) -> NDArray[np.float64]:
    """Give the probability of the most probable path of each text, (B,), from node probabilities (B, N)."""
    found: NDArray[np.float64] = terminal_proba(taxonomy, node_proba).max(axis=1).astype(np.float64)
    return found


class FastPathModel:
    """Two models, of which the cheap one answers where its best path is probable enough; one path a text.

    A text's probabilities are all those of the model that answered it, so they are coherent.

    Parameters
    ----------
    cheap, strong
        Models over the same taxonomy, with ``node_proba``.
    threshold
        Probability of its best path, in [0, 1], from which on the cheap model answers.
    summary
        What is known about it. JSON-able.
    places
        The model folders of the parts, by `PARTS`, where they are to be copied from when the model is saved.

    Attributes
    ----------
    ways : Ways
        How many texts went which way.
    work : Work
        What the encoders of the parts have done; an AttributeError where neither has one.

    Raises
    ------
    ConfigError
        Several paths a text, another taxonomy, or a threshold outside of [0, 1].
    """

    tasks = ("single",)
    reads = "texts"

    def __init__(
        self,
        cheap: Any,
        strong: Any,
        threshold: float,
        *,
        summary: dict[str, Any] | None = None,
        places: Mapping[str, Path] | None = None,
    ) -> None:
        _check(cheap, strong, threshold)
        self.cheap, self.strong, self.threshold = cheap, strong, float(threshold)
        self.taxonomy: Taxonomy = strong.taxonomy
        own = cast(Checked, SimpleNamespace(threshold=self.threshold))
        self.settings: ModelSettings = replace(strong.settings, head=NAME, head_settings=own)
        self.summary: dict[str, Any] = summary or {}
        self.places = dict(places or {})
        self.thresholds: np.ndarray | None = None
        self.calibration: Calibration | None = None
        self.evidence: Evidence | None = None
        self.ways = Ways()

    @property
    def task(self) -> str:
        """``single``: one path a text."""
        return self.settings.task

    @property
    def work(self) -> Work:
        """What the encoders of the parts have done at prediction so far."""
        done = [part.work for part in (self.cheap, self.strong) if hasattr(part, "work")]
        if not done:
            raise AttributeError("neither part has an encoder")
        return Work(sum(one.tokens for one in done), sum(one.flop for one in done))

    def node_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Give P(text belongs under node) as float32 (B, N), columns in ``taxonomy.nodes`` order; coherent."""
        proba: np.ndarray = self.cheap.node_proba(texts)
        unsure = np.flatnonzero(confidence_of(self.taxonomy, proba) < self.threshold)
        if len(unsure):
            proba[unsure] = self.strong.node_proba([texts[row] for row in unsure.tolist()])
        self.ways.cheap += len(texts) - len(unsure)
        self.ways.strong += len(unsure)
        return proba if self.calibration is None else self.calibration(proba)

    def answering(self, text: str) -> Any:
        """Give the model that answers a text: the cheap one where it is sure enough, else the strong one."""
        sure = confidence_of(self.taxonomy, self.cheap.node_proba([text]))[0] >= self.threshold
        return self.cheap if sure else self.strong

    def predict(self, texts: Sequence[str], *, top: int = 1) -> list[list[Prediction]]:
        """Give the predicted paths of each text, most probable first."""
        return self.decode(self.node_proba(texts), top=top)

    def decode(self, node_proba: np.ndarray, *, top: int = 1) -> list[list[Prediction]]:
        """Turn node probabilities (B, N) into predictions; `textaxa.decisions.Decider` does it in other ways."""
        return Decider(self, Choice(top=top))(node_proba)


def _check(cheap: Any, strong: Any, threshold: float) -> None:
    if "multi" in (cheap.task, strong.task):
        raise ConfigError(
            "A fast path answers with one path a text, and this model gives several. Leave the fast path out."
        )
    if cheap.taxonomy.fingerprint != strong.taxonomy.fingerprint:
        raise ConfigError("The two models of a fast path have different taxonomies, so neither can answer for both.")
    if not 0 <= threshold <= 1:
        raise ConfigError(f"The threshold of a fast path is {threshold!r}: it must lie in [0, 1].")
