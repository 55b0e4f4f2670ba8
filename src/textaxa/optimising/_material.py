"""What candidates are made of and measured on: the given model, the rows, and what the model says of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from textaxa.taxonomy import Path as LabelPath

Labels = Sequence[Sequence[LabelPath]]
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Rows:
    """Texts with their labels."""

    texts: list[str]
    labels: Labels

    def __len__(self) -> int:
        return len(self.texts)

    def taken(self, wanted: np.ndarray) -> "Rows":
        """Give some of the rows, in their order here."""
        return Rows([self.texts[i] for i in wanted], [self.labels[i] for i in wanted])


@dataclass(frozen=True)
class Material:
    """What every candidate is made of.

    Attributes
    ----------
    model
        The given `textaxa.Model`.
    fitting
        Rows that cheaper models are fitted on.
    choosing
        Rows that choose thresholds, scales and what is tried; the given model has not seen them.
    unlabelled
        More texts, which the given model answers.
    scratch
        A folder for files on the way.
    seconds
        For fitting one network, at most.
    seed
        Of everything that is drawn.
    tell
        Is told what is being done.
    """

    model: Any
    fitting: Rows
    choosing: Rows
    unlabelled: list[str]
    scratch: Path
    seconds: float
    seed: int
    tell: Tell


@dataclass
class Candidate:
    """A way to the same answers.

    Attributes
    ----------
    name
        Short: ``bf16``, ``layers-3 bf16``.
    kind
        The maker's name.
    what
        What it does, for a person.
    model
        What computes, as the saved folder will.
    source
        What is saved: a model of PyTorch, or a linear one. None of a fast path, whose parts are saved.
    part
        Its ``onnx/`` folder, where it has one.
    parts
        Of a fast path: the cheap and the strong candidate.
    threshold
        Of a fast path.
    """

    name: str
    kind: str
    what: str
    model: Any
    source: Any = None
    part: Path | None = None
    parts: "tuple[Candidate, Candidate] | None" = None
    threshold: float | None = None


@dataclass(frozen=True)
class Teacher:
    """What the given model says of the texts that others learn from it on.

    Attributes
    ----------
    texts
        The fitting texts, then the unlabelled ones.
    vectors
        Text vectors, float32 (B, D).
    proba
        Node probabilities before calibration, float32 (B, N).
    """

    texts: list[str]
    vectors: np.ndarray
    proba: np.ndarray


@dataclass
class Workshop:
    """Material, and what was found on the way: the engine to compute with, and the teacher's answers.

    Attributes
    ----------
    material
        What was given.
    precision
        Of the fastest engine whose answers are good enough: ``fp32``, ``int8``, ``bf16``.
    fast
        The given model on that engine.
    limit
        The shortest length limit that is good enough; None: that of the given model.
    """

    material: Material
    precision: str = "fp32"
    fast: Candidate | None = None
    limit: int | None = None
    _teacher: Teacher | None = field(default=None, repr=False)

    def teacher(self) -> Teacher:
        """Give what the given model says, worked out once, by the engine that was chosen."""
        if self._teacher is None:
            material = self.material
            texts = [*material.fitting.texts, *material.unlabelled]
            material.tell(f"the given model answers {len(texts):,} texts to learn from")
            model = material.model if self.fast is None else self.fast.model
            vectors = model.encode(texts) if self.fast is not None else model.encoder.encode(texts)
            kept, model.calibration = model.calibration, None
            try:
                proba = model.node_proba_of(vectors)
            finally:
                model.calibration = kept
            self._teacher = Teacher(texts, vectors, proba)
        return self._teacher
