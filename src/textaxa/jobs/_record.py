"""How a model was trained, read back from its folder, to be done again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from textaxa.config import Config
from textaxa.errors import ConfigError, ModelFileError
from textaxa.jobs._provenance import KEY, SIDES
from textaxa.persistence import read_config


@dataclass(frozen=True)
class Record:
    """What a model's folder tells of its training.

    Attributes
    ----------
    config
        What training was told; a time budget has become what it chose.
    rows
        The fingerprints of the training and of the validation rows.
    taxonomy
        The fingerprint of the taxonomy.
    corrections
        How many corrections each file gave.
    summary
        The model's summary.
    remarks
        What may make a difference, by sentences.
    """

    config: Config
    rows: Mapping[str, str]
    taxonomy: str
    corrections: Sequence[int]
    summary: Mapping[str, Any]
    remarks: tuple[str, ...] = ()

    def with_files(
        self,
        *,
        table: str | None,
        valid: str | None,
        taxonomy: str | None,
        feedback: Sequence[str],
        encoder: str | None,
    ) -> "Record":
        """Lay the files of now over those of then."""
        config = self.config
        if feedback and len(feedback) != len(config.data.feedback):
            raise ConfigError(
                f"The model was trained with {len(config.data.feedback)} files of corrections, and {len(feedback)} are "
                "given. Name as many, in the same order."
            )
        data = replace(config.data, table=table or config.data.table, valid=valid or config.data.valid)
        data = replace(data, feedback=tuple(feedback) or data.feedback)
        if data.table == "-" and table is None:
            raise ConfigError("The table came from stdin then. Name the table.")
        return replace(
            self,
            config=replace(
                config,
                data=data,
                taxonomy=replace(config.taxonomy, file=taxonomy or config.taxonomy.file),
                encoder=replace(config.encoder, encoder=encoder or config.encoder.encoder),
            ),
        )


def read_record(folder: Path) -> Record:
    """Read how a model was trained.

    Raises
    ------
    ConfigError
        It was changed after training, or does not tell.
    ModelFileError
        It is no model, or what it tells is damaged.
    """
    config = read_config(folder)
    summary = config["summary"]
    kept = summary.get(KEY)
    if summary.get("history") or summary.get("optimised"):
        raise ConfigError(
            f"{folder} was changed after it was trained (taught, migrated or optimised), so training again gives "
            "another model. Reproduce the model that it was made from."
        )
    if kept is None:
        raise ConfigError(
            f"{folder} does not tell how it was trained: it was not made by `textaxa train`, or by an older version. "
            "Train it again with the same table and settings."
        )
    try:
        settings = Config.from_dict(kept["settings"], source=f"{folder / 'config.json'}")
        rows = {side: str(kept["rows"][side]) for side in SIDES}
        counts = [int(n) for n in kept["corrections"]]
        if len(counts) != len(settings.data.feedback):
            raise ValueError(f"{len(counts)} counts of {len(settings.data.feedback)} files of corrections")
        record = Record(settings, rows, str(kept["taxonomy"]), counts, summary)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{folder}: what config.json tells of its training is damaged ({error!r}).") from error
    return _without_budget(replace(record, remarks=_remarks(kept, summary)), config["training"])


def _remarks(kept: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    if kept.get("resumed"):
        found.append("the run was interrupted and resumed then")
    if summary.get("stopped"):
        found.append(f"the {summary['stopped']} ended the run then; now it goes to its last epoch")
    if "calibrated_on" in summary:
        found.append("the model was calibrated again after training; calibration and promises are not compared")
    return tuple(found)


def _without_budget(record: Record, training: Mapping[str, Any]) -> Record:
    """Train what a time budget chose then, not what it would choose today."""
    config = record.config
    if config.training.time_budget is None:
        return record
    chosen = {name: training[name] for name in ("preset", "epochs") if training.get(name) is not None}
    return replace(record, config=replace(config, training=replace(config.training, time_budget=None, **chosen)))
