"""`migrate`: a model for a changed taxonomy, without training."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textaxa.errors import ConfigError
from textaxa.fast_path import FastPathModel
from textaxa.heads import build_head
from textaxa.labels import LabelVectors, reads_labels
from textaxa.migration._decisions import carry_decisions, rows_below, summary_of, version_of
from textaxa.migration._label_text import read_anew
from textaxa.migration._network import carry_over, layers_of
from textaxa.migration._plan import Row
from textaxa.migration._refit import add_up, captured
from textaxa.migration._report import MigrationReport, suggestions_of
from textaxa.model import Model
from textaxa.runtime import RuntimeModel
from textaxa.taxonomy import NodeMapping, Taxonomy, map_nodes, read_taxonomy

_HIAGM = (
    "HiAGM: all nodes read all nodes, so new ones start as the mean of their siblings, not from label text; merged "
    "ones are averages."
)
_NOTES = {
    "cascade": "cascade: below the top level no row reads the text, so new nodes start as the mean of their siblings: "
    "they are told apart only once texts teach them.",
    "hiagm-tp": _HIAGM,
    "hiagm-la": _HIAGM,
    "label-text": "label-text: scores come from label texts, so renamed, moved, merged and split nodes are read anew.",
}


_NOT_FITTED = ("linear", "wide", "cascade")
"""Heads whose merged rows are not fitted to the sum."""


@dataclass(frozen=True)
class Migrated:
    """A migrated model, and what was done."""

    model: Any
    report: MigrationReport


def migrate(
    model: Any,
    taxonomy: Taxonomy | str | Path,
    mapping: NodeMapping | None = None,
    *,
    texts: Sequence[str] | None = None,
    version: str | None = None,
) -> Migrated:
    """Give a model for another taxonomy, without training; the one that is given stays as it is.

    Renamed and moved nodes keep what they learned, merged ones add up, parts of a split one and new ones start from
    label text, and removed ones hand their texts to the parent.

    Parameters
    ----------
    model
        A model, or the folder of one; the encoder is shared.
    taxonomy
        The new taxonomy, or its file.
    mapping
        Which node became which, from `textaxa.taxonomy.map_nodes` or `read_mapping`. Left out, nodes are matched by
        code, path and name.
    texts
        Unlabelled texts, if there are any: merged nodes then add up more exactly, and for texts of split nodes the
        report has a suggestion.
    version
        Of the model, for its history; of a folder it is known.

    Raises
    ------
    ConfigError
        A fast path, a model read without PyTorch, or a mapping of other taxonomies.
    TaxonomyError, ModelFileError
        A file cannot be read.
    """
    folder = Path(model) if isinstance(model, str | Path) else None
    ready = _loaded(model)
    new = taxonomy if isinstance(taxonomy, Taxonomy) else read_taxonomy(taxonomy)
    mapping = map_nodes(ready.taxonomy, new) if mapping is None else mapping
    if mapping.old != ready.taxonomy or mapping.new != new:
        raise ConfigError("The mapping is of other taxonomies than the model's and the new one. Make it of these two.")
    rows = rows_below(ready)
    changed, fits = _changed(ready, mapping, rows, texts)
    void = carry_decisions(ready, changed, mapping)
    if "onnx" in ready.summary:
        void.append("onnx/: it is of the old taxonomy and is left out. Export again: textaxa export")
    changed.summary = summary_of(ready, mapping, void, version or version_of(folder))
    changed.summary.pop("onnx", None)
    suggestions = _suggestions(ready, changed, mapping, texts)
    head = ready.settings.head
    notes: tuple[str, ...] = (_NOTES[head],) if head in _NOTES and not mapping.is_identity else ()
    if head in _NOT_FITTED and mapping.kinds["merged"]:
        notes += (f"{head}: rows of merged nodes are averages of their parts, which add up to less than their sum.",)
    return Migrated(changed, MigrationReport(mapping, head, tuple(void), notes, suggestions, fits))


def _loaded(model: Any) -> Any:
    from textaxa.persistence import load_model  # noqa: PLC0415 - only for folders

    ready = load_model(model) if isinstance(model, str | Path) else model
    if isinstance(ready, FastPathModel):
        raise ConfigError(
            "A fast path is two models that were measured together, so it cannot be migrated. "
            "Migrate its strong part (the folder strong/), then make a fast path of it: textaxa optimise"
        )
    if isinstance(ready, RuntimeModel) or not hasattr(ready, "settings"):
        raise ConfigError('This model was read without PyTorch and cannot be migrated. Read it with runtime="torch".')
    return ready


def _changed(
    model: Any, mapping: NodeMapping, rows: np.ndarray, texts: Sequence[str] | None
) -> tuple[Any, dict[int, tuple[float, float]]]:
    if model.settings.head == "linear":
        from textaxa.migration._sparse_rows import migrated_linear  # noqa: PLC0415 - scikit-learn, for these only

        return migrated_linear(model, mapping, rows)[0], {}
    if model.settings.head == "wide":
        from textaxa.migration._wide_rows import migrated_wide  # noqa: PLC0415 - for these only

        return migrated_wide(model, mapping, rows)[0], {}
    return _network(model, mapping, rows, texts)


def _network(
    model: Model, mapping: NodeMapping, rows: np.ndarray, texts: Sequence[str] | None
) -> tuple[Model, dict[int, tuple[float, float]]]:
    settings = model.settings
    width = model.encoder.width if model.head.reads == "vectors" else model.encoder.state_width
    _check_level_weights(model, mapping.new)
    with torch.random.fork_rng(devices=[]):  # what a head starts from is overwritten, but for a new level of a cascade
        torch.manual_seed(0)
        head = build_head(settings.head, mapping.new, width, task=settings.task, settings=settings.head_settings)
    changed = Model(mapping.new, model.encoder, head, settings)
    changed.to(model.scale.mean.device)
    changed.scale.load_state_dict(model.scale.state_dict())
    changed.eval()
    if reads_labels(model.head):
        read_anew(model, changed)
        return changed, {}
    plans = carry_over(model.head, changed.head, mapping, partial(_scaled, model), rows)
    fits = _added_up(model, changed, plans, texts) if mapping.kinds["merged"] and plans else {}
    return changed, fits


def _check_level_weights(model: Model, taxonomy: Taxonomy) -> None:
    weights = getattr(model.settings.head_settings, "level_weights", "equal")
    if not isinstance(weights, str) and len(weights) != taxonomy.n_levels:
        raise ConfigError(
            f"The model was trained with level_weights of {len(weights)} numbers, but the new taxonomy has "
            f"{taxonomy.n_levels} levels. Keep the levels, or train anew."
        )


@torch.no_grad()
def _added_up(
    old: Model, new: Model, plans: list[list[Row]], texts: Sequence[str] | None
) -> dict[int, tuple[float, float]]:
    """Let merged rows add up, level by level: what a level reads of the one above is then right already."""
    vectors = _sample(old, texts)
    before = layers_of(old.head, old.taxonomy, old.encoder.width)
    told = captured(old.head, before, vectors)
    softmax = old.task == "single" and old.settings.head != "binary"
    after, found = layers_of(new.head, new.taxonomy, new.encoder.width), {}
    for at, (layer, plan) in enumerate(zip(after, plans, strict=True)):
        if any(len(row.sources) > 1 for row in plan):
            read = captured(new.head, after, vectors).read[at]
            for row, errors in add_up(plan, layer, read, told, softmax=softmax).items():
                found[int(plan[row].key[-1])] = errors
    return found


def _sample(model: Model, texts: Sequence[str] | None) -> np.ndarray:
    """Give scaled vectors (S, D) of the texts, else of the old taxonomy's label texts."""
    if not texts:
        labels: np.ndarray = LabelVectors(model).all().cpu().numpy()
        return labels
    return _scaled(model, texts)


@torch.no_grad()
def _scaled(model: Model, texts: Sequence[str]) -> np.ndarray:
    raw = torch.from_numpy(model.encoder.encode(list(texts))).to(model.scale.mean.device)
    scaled: np.ndarray = model.scale(raw).cpu().numpy()
    return scaled


def _suggestions(old: Any, new: Any, mapping: NodeMapping, texts: Sequence[str] | None) -> Any:
    if not texts or not mapping.kinds["split"]:
        return ()
    before = [[found.node for found in row] for row in old.predict(list(texts))]
    return suggestions_of(mapping, before, new.node_proba(list(texts)))
