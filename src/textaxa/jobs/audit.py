"""``textaxa audit``: a labelled table in, what is likely wrong with its labels out."""

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textaxa._extras import require
from textaxa.answers import check_scores_all, opened
from textaxa.audit import (
    LabelError,
    NearDuplicates,
    OnceEncoded,
    Overlap,
    TwoGroups,
    cross_fitted,
    label_errors,
    near_duplicates,
    two_groups,
)
from textaxa.audit import overlaps as overlapping
from textaxa.config import Config
from textaxa.data import Examples, read_examples, require_two_classes, taxonomy_of_labels
from textaxa.data._label_nodes import label_nodes
from textaxa.errors import ConfigError
from textaxa.heads import check_encoder, needs_encoder
from textaxa.jobs._listener import Listener, nobody
from textaxa.jobs._model import columns_for
from textaxa.jobs.train import require_packages
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy, format_path, read_taxonomy

if TYPE_CHECKING:
    from textaxa.model import Model

DEFAULT_HEAD = "linear"
"""Seconds for thousands of rows, and trained as many times as there are folds."""

TOLD_DUPLICATES = 1000
"""Groups of near-duplicates that JSON holds; all of them are counted."""


@dataclass(frozen=True)
class AuditResult:
    """What is likely wrong with the labels of a table.

    Attributes
    ----------
    examples
        The rows as read; positions everywhere below are positions in it.
    taxonomy
        The taxonomy that the labels were held against.
    errors
        Likely label errors, most suspicious first.
    overlaps
        Categories that are taken for each other, those with the most texts first.
    groups
        Categories whose texts fall in two clear groups, the clearest first.
    duplicates
        Rows with nearly the same text, those with different labels first; None where they were not looked for.
    how
        One sentence: which model the probabilities are of, and how they came about.
    seconds
        How long it took.
    """

    examples: Examples
    taxonomy: Taxonomy
    errors: tuple[LabelError, ...]
    overlaps: tuple[Overlap, ...]
    groups: tuple[TwoGroups, ...]
    duplicates: tuple[NearDuplicates, ...] | None
    how: str
    seconds: float

    @property
    def confident(self) -> int:
        """How many rows have an error that is as clear as a typical row of the suggested path."""
        return len({error.row for error in self.errors if error.confident})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give the likely errors as rows of a table, one an error."""
        for error in self.errors:
            found: dict[str, Any] = {"row": self.examples.rows[error.row]}
            if self.examples.ids is not None:
                found["id"] = self.examples.ids[error.row]
            yield found | {
                "text": self.examples.texts[error.row],
                "given": format_path(error.given),
                "suggested": format_path(error.suggested),
                "kind": error.kind,
                "change": error.change,
                "score": round(error.score, 6),
                "given_probability": round(error.given_proba, 6),
                "suggested_probability": round(error.suggested_proba, 6),
                "confident": error.confident,
            }

    def to_dict(self) -> dict[str, Any]:
        """Give everything as values that JSON can hold."""
        duplicates = self.duplicates or ()
        return {
            "source": self.examples.source,
            "rows": len(self.examples),
            "how": self.how,
            "seconds": round(self.seconds, 3),
            "confident_rows": self.confident,
            "errors": list(self.rows()),
            "overlaps": [asdict(one) | {"sentence": one.sentence} for one in self.overlaps],
            "two_groups": [asdict(one) | {"sentence": one.sentence} for one in self.groups],
            "near_duplicate_groups": None if self.duplicates is None else len(duplicates),
            "near_duplicate_conflicts": None if self.duplicates is None else sum(one.conflict for one in duplicates),
            "near_duplicates": [self._group(one) for one in duplicates[:TOLD_DUPLICATES]],
        }

    def _group(self, group: NearDuplicates) -> dict[str, Any]:
        return {
            "rows": [self.examples.rows[row] for row in group.rows],
            "labels": [[format_path(path) for path in self.examples.labels[row]] for row in group.rows],
            "similarity": round(group.similarity, 3),
            "conflict": group.conflict,
        }


def audit(
    config: Config,
    *,
    model: "Model | str | Path | None" = None,
    columns: dict[str, Any] | None = None,
    as_is: bool = False,
    folds: int = 5,
    fine_tune: bool = False,
    duplicates: bool = True,
    similarity: float = 0.8,
    listener: Listener = nobody,
) -> AuditResult:
    """Find what is likely wrong with the labels of a table.

    Parameters
    ----------
    config
        The table, its columns, the taxonomy; without ``model`` also what is trained.
    model
        A model, or the folder of one: its settings are trained anew, or it is used as it is.
    columns
        With ``model``: fields of `textaxa.data.Columns`; what is not given is as in its training.
    as_is
        Use ``model`` as it is. Only right where it has never seen these rows: it agrees with the labels that it learnt,
        wrong ones, too.
    folds
        Models that are trained otherwise, each scoring the rows that it has not seen.
    fine_tune
        Allow an encoder to be fine-tuned that many times.
    duplicates
        Whether near-duplicate texts are looked for.
    similarity
        From which similarity on two texts are nearly the same, in (0, 1].
    listener
        Is told, as plain mappings: ``data``, ``fold`` before each model, ``duplicates``.

    Raises
    ------
    ConfigError
        No table or labels are named; ``as_is`` without a model; an encoder would be fine-tuned without leave.
    DataError
        The table cannot be used; all faults are told together. A label that is not in the taxonomy is one.
    MissingExtraError
        The extra ``train``, or for near-duplicates ``audit``, is not installed.
    """
    started = time.monotonic()
    if duplicates:
        require("datasketch", extra="audit")
    ready = _model(model, as_is=as_is)
    examples, taxonomy = _read(config, ready, columns or {})
    listener({"event": "data", "rows": len(examples), "nodes": len(taxonomy), "levels": taxonomy.n_levels})
    scored = (
        _as_is(ready, examples)
        if ready is not None and as_is
        else _cross_fit(_settings(config, ready, fine_tune=fine_tune), examples, taxonomy, folds, listener)
    )
    nodes, task = label_nodes(taxonomy, examples.labels), scored.task
    found = None
    if duplicates:
        listener({"event": "duplicates", "rows": len(examples)})
        found = near_duplicates(examples.texts, [frozenset(one) for one in examples.labels], similarity=similarity)
    return AuditResult(
        examples,
        taxonomy,
        label_errors(taxonomy, nodes, scored.proba, task=task, vectors=scored.vectors),
        overlapping(taxonomy, nodes, scored.proba, task=task),
        two_groups(examples.texts, examples.labels, scored.vectors),
        found,
        scored.how,
        time.monotonic() - started,
    )


@dataclass(frozen=True)
class _Scored:
    """Node probabilities (B, N) of the rows, their text vectors if there are any, and how they came about."""

    proba: NDArray[np.floating]
    vectors: NDArray[np.float32] | None
    task: str
    how: str


def _model(model: "Model | str | Path | None", *, as_is: bool) -> "Model | None":
    if model is not None:
        ready = opened(model)
        check_scores_all(ready, "An audit", "Leave --model out to train the linear model, or name another head.")
        return ready
    if as_is:
        raise ConfigError("To use a model as it is (--as-is), name it: --model FOLDER.")
    return None


def _read(config: Config, model: "Model | None", given: dict[str, Any]) -> tuple[Examples, Taxonomy]:
    if config.data.table is None:
        raise ConfigError("No table is named. Give it on the command line.")
    columns = config.data.columns() if model is None else columns_for(model, given, labels=True)
    if not columns.has_labels:
        raise ConfigError(
            "No label columns are named. Give --labels category,subcategory (one column a level), --path COLUMN "
            "(one path a row), or --paths COLUMN (several paths a row)."
        )
    known = None if model is None else model.taxonomy
    if config.taxonomy.file is not None:
        known = read_taxonomy(config.taxonomy.file, format=config.taxonomy.format, separator=columns.separator)
    data = config.data
    how: dict[str, Any] = {"format": data.format, "encoding": data.encoding, "delimiter": data.delimiter}
    examples = read_examples(data.table, columns, taxonomy=known, **how)
    require_two_classes(examples)
    return examples, taxonomy_of_labels(examples.labels, known)


def _settings(config: Config, model: "Model | None", *, fine_tune: bool) -> ModelSettings:
    """Give what is trained in each fold: the model's settings, or the configuration's."""
    if model is None:
        if config.head == "wide":
            raise ConfigError(
                "An audit needs the probability of every node, which the head wide never computes. Leave --head out to "
                "train the linear model, or name another head."
            )
        require_packages(config)
        check_encoder(config.head, config.head_settings, config.encoder)
        task = "multi" if config.data.paths else "single"
        settings = ModelSettings(task, config.head, config.head_settings, config.encoder, config.training)
    else:
        settings = _frozen(model.settings) if config.encoder.frozen else model.settings
    if needs_encoder(settings.head) and not settings.encoder.frozen and not fine_tune:
        raise ConfigError(
            f"The encoder of this model ({settings.head}) is fine-tuned, and would be in each fold: hours for what "
            "other models tell nearly as well. Add --frozen to train the head alone, leave --model and --head out to "
            "train the linear model, or add --fine-tune if the time is there. A model that has never seen these rows "
            "can be used --as-is."
        )
    return settings


def _frozen(settings: ModelSettings) -> ModelSettings:
    """Give the settings with the encoder left as it is; passes and rates of fine-tuning have no meaning then."""
    if not needs_encoder(settings.head) or settings.encoder.frozen:
        return settings
    still = replace(settings.encoder, frozen=True, trainable_layers=None)
    return replace(
        settings, encoder=still, training=replace(settings.training, epochs=None, batch_size=None, encoder_rate=None)
    )


def _as_is(model: "Model", examples: Examples) -> _Scored:
    how = f"Every row was scored by the model as it is ({model.settings.head}), which must never have seen the rows."
    return _Scored(model.node_proba(examples.texts), None, model.task, how)


def _cross_fit(
    settings: ModelSettings, examples: Examples, taxonomy: Taxonomy, folds: int, listener: Listener
) -> _Scored:
    if settings.task == "single" and any(len(paths) > 1 for paths in examples.labels):
        raise ConfigError("Rows have several paths, but the model gives one path a text. Audit them without --model.")
    give = OnceEncoded(examples.texts)
    proba = cross_fitted(examples, taxonomy, settings, n_folds=folds, listener=listener, vectors=give)
    how = (
        f"Every row was scored by one of {folds} models ({settings.head}) that had seen neither it nor another row of "
        "the same text."
    )
    return _Scored(proba, give.known(examples.texts), settings.task, how)
