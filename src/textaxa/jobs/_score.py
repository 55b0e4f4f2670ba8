"""Scores of a model and of the reference rows beside it."""

import copy
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textaxa.answers import searches
from textaxa.data import Examples
from textaxa.decoding import Prediction
from textaxa.errors import DataError
from textaxa.evaluation import Evaluation, Task, TfidfReference, evaluate_paths, majority_paths, render
from textaxa.taxonomy import Path, Taxonomy

if TYPE_CHECKING:
    from textaxa.model import Model

Labels = Sequence[tuple[Path, ...]]

MAJORITY = "majority class"
TFIDF = "TF-IDF + logistic regression"

DENSE_LIMIT = 250_000_000
"""Texts × nodes of float32 held at once: 1 GB. Above, texts go in blocks and the threshold-free score is left out."""

RESAMPLED_NODES = 100_000
"""Nodes up to which intervals are drawn: macro scores of a thousand resamples take seconds there, minutes for more."""

BLOCK = 4096

TABLE_WIDTH = 100

REFERENCE_CELLS = 4_000_000
"""Rows × classes that the linear reference is fitted on: a minute or so on two cores. Above, fewer rows are taken."""

REFERENCE_ROWS_PER_CLASS = 2
"""With fewer rows a class than this, a linear reference says nothing and is left out."""


@dataclass(frozen=True)
class Scored:
    """A model's answers to texts, and what they are worth.

    Attributes
    ----------
    evaluation
        Every score.
    predicted
        The answers to every text.
    node_proba
        P(the text belongs under node n), shape (B, N); None where that is too much to be held at once.
    uncalibrated
        The same before the model's calibration; None where it has none, or where it was not asked for.
    """

    evaluation: Evaluation
    predicted: list[list[Prediction]]
    node_proba: np.ndarray | None
    uncalibrated: np.ndarray | None = None


def score_model(model: "Model", texts: Sequence[str], labels: Labels) -> Evaluation:
    """Evaluate a model on texts with their labels."""
    return answers_and_scores(model, texts, labels).evaluation


def answers_and_scores(model: "Model", texts: Sequence[str], labels: Labels, *, uncalibrated: bool = False) -> Scored:
    """Let a model answer texts, and evaluate it on their labels; keep ``uncalibrated`` probabilities where asked to."""
    node_proba: np.ndarray | None = None
    raw: np.ndarray | None = None
    # Also where these texts happen to have one path each, a several-path model's nodes are judged one by one.
    task: Task | None = "multi" if model.task == "multi" else None
    if not searches(model) and len(texts) * len(model.taxonomy) <= DENSE_LIMIT:
        if uncalibrated and model.calibration is not None and model.calibration.method != "none":
            raw = _without_calibration(model).node_proba(texts)
            node_proba = model.calibration(raw)
        else:
            node_proba = model.node_proba(texts)
        predicted = model.decode(node_proba)
    else:
        predicted = [
            row for start in range(0, len(texts), BLOCK) for row in model.predict(texts[start : start + BLOCK])
        ]
    paths = [tuple(p.path for p in row) for row in predicted]
    evaluation = evaluate_paths(
        model.taxonomy, labels, paths, node_proba=node_proba, task=task, intervals=_has_intervals(model.taxonomy)
    )
    return Scored(evaluation, predicted, node_proba, raw)


def _without_calibration(model: "Model") -> "Model":
    """Give the same model, its parts shared, that says what its head says."""
    plain = copy.copy(model)
    plain.calibration = None
    return plain


def score_majority(taxonomy: Taxonomy, majority: tuple[Path, ...], labels: Labels) -> Evaluation:
    """Evaluate the answer that is always the most frequent label of the training rows."""
    return evaluate_paths(taxonomy, labels, [majority] * len(labels), intervals=_has_intervals(taxonomy))


def _has_intervals(taxonomy: Taxonomy) -> bool:
    return len(taxonomy) <= RESAMPLED_NODES


def score_tfidf(
    taxonomy: Taxonomy, training: Examples, texts: Sequence[str], labels: Labels, *, several: bool
) -> dict[str, Evaluation]:
    """Fit the linear reference on training rows and evaluate it; empty where it would say nothing.

    Parameters
    ----------
    taxonomy
        The model's.
    training
        The rows to fit it on.
    texts, labels
        The rows to score it on.
    several
        Whether a text may have several paths.

    Returns
    -------
    One entry, whose name tells when only some of the training rows were taken.
    """
    classes = len(taxonomy) if several else len(set(training.labels))
    rows = min(len(training), REFERENCE_CELLS // max(1, classes))
    if rows < REFERENCE_ROWS_PER_CLASS * classes:
        return {}
    name = TFIDF
    if rows < len(training):
        # The same rows every time; which ones does not matter much, that they are told does.
        chosen = np.sort(np.random.default_rng(0).choice(len(training), size=rows, replace=False))
        training, name = training.select(chosen.tolist()), f"{TFIDF} ({rows:,} rows)"
    try:
        reference = TfidfReference(training.texts, training.labels, several=several)
    except DataError:
        return {}  # texts without a single word: a reference that cannot be had is no reason to lose the model
    return {name: evaluate_paths(taxonomy, labels, reference.predict(texts))}


def reference_evaluations(
    taxonomy: Taxonomy, training: Examples, tested: Examples, *, several: bool
) -> dict[str, Evaluation]:
    """Evaluate both references, fitted on ``training``, on ``tested``."""
    majority = majority_paths(training.labels, 1)[0]
    found = score_tfidf(taxonomy, training, tested.texts, tested.labels, several=several)
    return {**found, MAJORITY: score_majority(taxonomy, majority, tested.labels)}


def text_table(evaluations: Mapping[str, Evaluation]) -> str:
    """Give the scores as the table that the command line shows, in plain text."""
    from rich.console import Console

    console = Console(file=io.StringIO(), width=TABLE_WIDTH)
    with console.capture() as capture:
        console.print(render(evaluations))
    return capture.get().rstrip()
