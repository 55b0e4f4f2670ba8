"""The page of ``textaxa evaluate --html``: what the report needs of a model and a table, gathered."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textaxa._version import __version__
from textaxa.data import Examples
from textaxa.decisions import Choice, Decider
from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import Evaluation
from textaxa.heads import uses_encoder
from textaxa.jobs._score import Scored
from textaxa.report import CONFIDENCE, HEADLINE, Material, html_page, payload, sample, write_page
from textaxa.taxonomy import Path as LabelPath

if TYPE_CHECKING:
    from textaxa.model import Model

CELLS = 200_000_000
"""Texts × nodes that a report is made from, 800 MB of float32; of more texts a random sample is taken."""


def write_report(
    model: "Model",
    tested: Examples,
    scored: Scored,
    file: str | Path,
    *,
    name: str,
    references: Mapping[str, Evaluation],
) -> None:
    """Write the page.

    Parameters
    ----------
    model
        The model.
    tested, scored
        The rows, and the model's answers to them.
    file
        Where to.
    name
        What the model is called.
    references
        Scores of the reference rows.

    Raises
    ------
    ConfigError
        Something else is there.
    """
    material = _material(model, tested, scored)
    material = replace(
        material,
        name=name,
        references=dict(references),
        facts=_facts(model),
        explain=_explain(model),
        **_promised(model, material.node_proba),
    )
    write_page(html_page(payload(material)), file, command="evaluate")


def _material(model: "Model", tested: Examples, scored: Scored) -> Material:
    rows = sample(len(tested), max(1, CELLS // len(model.taxonomy)))
    chosen = tested if len(rows) == len(tested) else tested.select(rows.tolist())
    proba = model.node_proba(chosen.texts) if scored.node_proba is None else scored.node_proba
    return Material(
        taxonomy=model.taxonomy,
        task=model.task,
        texts=chosen.texts,
        rows=chosen.rows,
        true=[[model.taxonomy.index(path) for path in paths] for paths in chosen.labels],
        predicted=[[one.node for one in scored.predicted[i]] for i in rows.tolist()],
        node_proba=_rows_of(proba, rows),
        evaluation=scored.evaluation,
        uncalibrated=None if scored.uncalibrated is None else _rows_of(scored.uncalibrated, rows),
        source=Path(tested.source).name or tested.source,
        unit=tested.unit,
        counts=_counts(model.summary),
        total_rows=len(tested),
    )


def _rows_of(proba: NDArray[np.floating], rows: NDArray[np.int64]) -> NDArray[np.floating]:
    """Take rows, and copy nothing where all are wanted."""
    return proba if len(proba) == len(rows) else proba[rows]


def _counts(summary: Mapping[str, Any]) -> list[int]:
    stored = summary.get("counts")
    return stored if isinstance(stored, list) and all(isinstance(count, int) for count in stored) else []


def _explain(model: "Model") -> Any:
    from textaxa.explanation import explain

    def words(text: str, path: LabelPath, against: LabelPath, level: int) -> Sequence[tuple[int, int, float]]:
        levels = explain(model, text, path=path, against=against).levels
        return next((one.words for one in levels if len(one.path) == level), ())

    return words


def _calibration(model: "Model") -> str | None:
    found = model.calibration
    return None if found is None else f"{found.method}, chosen on {found.rows:,} rows that were not trained on"


def _promised(model: "Model", proba: NDArray[np.floating]) -> dict[str, Any]:
    """Give the answers with a promise, or why there can be none; nothing where a text has several paths."""
    if model.task == "multi":
        return {}
    try:
        decide = Decider(model, Choice(accuracy=HEADLINE, confidence=CONFIDENCE))
    except (ConfigError, DataError) as error:
        return {"promise_refused": str(error)}
    return {"promised": [row[0].node for row in decide(proba)]}


def _facts(model: "Model") -> dict[str, dict[str, Any]]:
    """Give what the model knows of its training, for people."""
    summary, settings = model.summary, model.settings
    known = {
        "Head": settings.head,
        "Trained": summary.get("trained"),
        "Training rows": summary.get("rows"),
        "Validation rows": summary.get("valid_rows"),
        "Trained on": summary.get("source"),
        "Calibration": _calibration(model),
    }
    facts = {"The model": {name: value for name, value in known.items() if value not in (None, "")}}
    facts["Settings of the head"] = dict(vars(settings.head_settings))
    if uses_encoder(settings.head, settings.head_settings):
        facts |= {"Settings of the encoder": dict(vars(settings.encoder)), "Training": dict(vars(settings.training))}
    versions = summary.get("versions")
    facts["Versions"] = {"textaxa, this page": __version__}
    if isinstance(versions, dict):
        facts["Versions"] |= {f"{name}, in training": version for name, version in versions.items()}
    return {title: values for title, values in facts.items() if values}
