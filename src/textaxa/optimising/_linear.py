"""Words counted: a linear model of the labels, and of the given model's answers to texts without labels."""

from collections.abc import Iterator

import numpy as np

from textaxa.data._label_nodes import label_nodes
from textaxa.decoding import fitted_thresholds
from textaxa.linear import LinearModel
from textaxa.optimising._material import Candidate, Labels, Workshop
from textaxa.settings import TrainingSettings


def linear(workshop: Workshop) -> Iterator[Candidate]:
    """Give a linear model of the labels; with unlabelled texts a second one that learns from the answers to them."""
    material = workshop.material
    fitting = material.fitting
    yield _fitted(workshop, fitting.texts, fitting.labels, "linear", "words counted, linear classifiers")
    if material.unlabelled:
        teacher = workshop.teacher()
        model = material.model
        answers = model.decode(teacher.proba[len(fitting) :])
        labels = [*fitting.labels, *(tuple(one.path for one in row) for row in answers)]
        kept = [i for i, row in enumerate(labels) if row]  # with several paths a text may have no answer
        texts, labels = [teacher.texts[i] for i in kept], [labels[i] for i in kept]
        yield _fitted(workshop, texts, labels, "linear-taught", "the same, with the given model's answers")


def _fitted(workshop: Workshop, texts: list[str], labels: Labels, name: str, what: str) -> Candidate:
    material, base = workshop.material, workshop.material.model
    material.tell(f"fitting a linear model on {len(texts):,} texts")
    choosing = material.choosing
    how = {"task": base.task, "training": TrainingSettings(seed=material.seed)}
    found = LinearModel.fit(texts, labels, base.taxonomy, valid=(choosing.texts, choosing.labels), **how)
    found.summary = {**base.summary, **found.summary}
    found.summary.pop("onnx", None)
    if base.task == "multi":
        nodes = label_nodes(base.taxonomy, choosing.labels)
        proba = np.asarray(found.node_proba(choosing.texts))
        found.thresholds = fitted_thresholds(base.taxonomy, "level", nodes, proba)
    return Candidate(name, "linear", what, found, source=found)
