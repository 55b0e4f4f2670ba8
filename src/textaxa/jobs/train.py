"""``textaxa train``: a table and settings in, a model folder out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa._processes import launched
from textaxa.config import Config, read_config
from textaxa.data import Columns, Examples, read_examples, require_two_classes, split_examples, taxonomy_of_labels
from textaxa.errors import ConfigError
from textaxa.evaluation import Evaluation, majority_paths, to_markdown
from textaxa.feedback import FeedbackUsed, feedback_examples, first_feedback, with_feedback
from textaxa.heads import check_encoder, needs_encoder
from textaxa.jobs import _interrupted as interrupted
from textaxa.jobs import _several as together
from textaxa.jobs._listener import Listener, nobody
from textaxa.jobs._model import remember_columns
from textaxa.jobs._output import check_new_folder
from textaxa.jobs._provenance import KEY, provenance
from textaxa.jobs._score import reference_evaluations, score_model
from textaxa.taxonomy import Taxonomy, read_taxonomy

if TYPE_CHECKING:
    from textaxa.model import Model


@dataclass(frozen=True)
class TrainResult:
    """A trained model, and how good it is on rows that it has not seen.

    Attributes
    ----------
    model
        The model, as it was saved.
    out
        Its folder.
    rows, valid_rows
        How many rows it was trained and validated on.
    evaluations
        By the system's name: the model first, then the reference rows. Empty without validation rows.
    seconds
        How long it took, all in all.
    feedback
        What became of corrections; None where none were given.
    """

    model: "Model"
    out: Path
    rows: int
    valid_rows: int
    evaluations: dict[str, Evaluation]
    seconds: float
    feedback: FeedbackUsed | None = None


def train(
    config: Config | str | Path,
    out: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    references: bool = True,
    report_to: Sequence[str] = (),
    listener: Listener = nobody,
) -> TrainResult:
    """Train a model and save it.

    Parameters
    ----------
    config
        What to train on and how, or the name of a configuration file.
    out
        The model's folder. While training runs, checkpoints stand in ``<out>.training/`` beside it.
    overwrite
        Replace a model, and give up an interrupted run, that is there.
    resume
        Go on with an interrupted run of the same configuration.
    references
        Also score the majority class and TF-IDF + logistic regression on the validation rows.
    report_to
        Experiment trackers that losses and scores go to, such as ``tensorboard`` and ``mlflow``.
    listener
        Is told, as plain mappings: ``data``, ``recipe``, ``note``, ``start``, ``step``, ``validation``, ``end``,
        ``saved``.

    Raises
    ------
    ConfigError
        The output is there; no table or labels are named; the interrupted run was another one; an encoder is named for
        a head that has none; a file of corrections is not there; a tracker is not known.
    DataError
        The table or its labels cannot be used; all faults are told together.
    Interrupted
        Ctrl-C, after a checkpoint was written; the message says how to resume.
    """
    settings = config if isinstance(config, Config) else read_config(config)
    target = Path(out)
    with together.all_or_none(settings):
        if launched().main:
            interrupted.sweep(target)
        check_new_folder(target, overwrite=overwrite)
        folder = interrupted.training_folder(target)
        require_packages(settings)
        check_encoder(settings.head, settings.head_settings, settings.encoder)
        _check_trackers(settings.head, report_to)
        columns = _columns(settings)
        if launched().main:
            interrupted.check(folder, resume=resume, overwrite=overwrite)
        first = interrupted.recorded_feedback(folder) if resume else {}
        training, valid, taxonomy, feedback = read_rows(settings, columns, first)
    listener = listener if launched().main else nobody
    if feedback is not None:
        listener({"event": "note", "text": feedback.sentence()})
    return train_examples(
        settings,
        training,
        valid,
        taxonomy,
        target,
        overwrite=overwrite,
        resume=resume,
        references=references,
        report_to=report_to,
        listener=listener,
        feedback=feedback,
    )


def train_examples(
    settings: Config,
    training: Examples,
    valid: Examples,
    taxonomy: Taxonomy,
    out: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    references: bool = True,
    report_to: Sequence[str] = (),
    listener: Listener = nobody,
    feedback: FeedbackUsed | None = None,
) -> TrainResult:
    """Train a model on examples at hand and save it; the part of `train` that comes after reading.

    Parameters
    ----------
    settings
        Its section ``data`` says which columns the examples come from, for the model to remember.
    training, valid
        The rows; ``valid`` may be empty.
    taxonomy
        Every label must be in it.
    out, overwrite, resume, references, report_to, listener
        As `train` takes them.
    feedback
        What became of corrections that are among the rows, for the model to remember.

    Raises
    ------
    ConfigError
        The output is there, another process trains there, or it holds the checkpoints of an interrupted run.
    Interrupted
        Ctrl-C, after a checkpoint was written; the message says how to resume.
    """
    started, folder, columns = time.monotonic(), interrupted.training_folder(out), settings.data.columns()
    listener(
        {"event": "data", "rows": len(training), "valid_rows": len(valid), "nodes": len(taxonomy)}
        | {"levels": taxonomy.n_levels, "source": training.source}
    )
    with together.claimed(folder, out, settings, resume=resume, overwrite=overwrite):
        if feedback is not None and launched().main:
            interrupted.record_feedback(folder, feedback.files)
        resumed = resume and interrupted.has_checkpoint(folder)
        how: dict[str, Any] = {"resume": resume, "listener": listener, "report_to": report_to}
        model = _train_model(settings, training, valid, taxonomy, folder=folder, **how)
        evaluations: dict[str, Evaluation] = {}
        if not launched().main:  # what is left, one process does; the others are free
            return TrainResult(model, out, len(training), len(valid), evaluations, time.monotonic() - started, feedback)
        if len(valid):
            evaluations[f"textaxa {settings.head}"] = score_model(model, valid.texts, valid.labels)
            if references:
                evaluations |= reference_evaluations(taxonomy, training, valid, several=model.task == "multi")
        complete_summary(model, columns, training, valid, evaluations)
        corrections = feedback.files if feedback else {}
        model.summary[KEY] = provenance(settings, training, valid, taxonomy, corrections=corrections, resumed=resumed)
        if feedback is not None:
            model.summary["feedback"] = feedback.to_dict()
        if run := interrupted.run_of(folder):
            model.summary["run"] = run
        _save(model, out)
    listener({"event": "saved", "out": str(out)})
    return TrainResult(model, out, len(training), len(valid), evaluations, time.monotonic() - started, feedback)


def require_packages(config: Config) -> None:
    """Tell at once which extra is missing, not after the table has been read; without an encoder it is ``minilm``."""
    if needs_encoder(config.head) or config.head == "wide" or config.head_values.get("vectors"):
        for package in ("torch", "transformers", "safetensors", "accelerate"):
            require(package, extra="train" if config.encoder.encoder else "minilm")
    else:
        for package in ("sklearn", "safetensors"):
            require(package, extra="train")


def _check_trackers(head: str, names: Sequence[str]) -> None:
    if names:
        from textaxa.training import check_trackers

        check_trackers(head, names)


def _columns(settings: Config) -> Columns:
    if settings.data.table is None and _alone(settings):
        return settings.data.columns() if settings.data.columns().has_labels else Columns(path="path")
    if settings.data.table is None:
        raise ConfigError("No training table is named. Give it on the command line, or as `table` in [data].")
    columns = settings.data.columns()
    if not columns.has_labels:
        raise ConfigError(
            "No label columns are named. Give --labels category,subcategory (one column a level), --path COLUMN "
            "(one path a row), or --paths COLUMN (several paths a row)."
        )
    return columns


def _alone(settings: Config) -> bool:
    """Tell whether corrections may be all the rows there are: then the taxonomy must come from elsewhere."""
    return bool(settings.data.feedback) and settings.taxonomy.file is not None


def read_rows(
    settings: Config, columns: Columns, first: Mapping[str, int]
) -> tuple[Examples, Examples, Taxonomy, FeedbackUsed | None]:
    """Read the rows that a configuration names, and part them: training rows, validation rows, taxonomy, corrections.

    Parameters
    ----------
    settings, columns
        What to read.
    first
        How many corrections an interrupted run read of each file: it goes on with those.

    Raises
    ------
    DataError
        The table or its labels cannot be used; all faults are told together.
    """
    given = None
    if settings.taxonomy.file is not None:
        given = read_taxonomy(settings.taxonomy.file, format=settings.taxonomy.format, separator=columns.separator)
    data = settings.data
    how: dict[str, Any] = {"format": data.format, "encoding": data.encoding, "delimiter": data.delimiter}
    corrections, damaged, counts = first_feedback(data.feedback, first)
    laid: dict[str, Any] = {"several": bool(data.paths), "damaged": damaged}
    used: FeedbackUsed | None = None
    if data.table is None and given is not None:
        examples, used = feedback_examples(corrections, taxonomy=given, **laid)
    else:
        examples = read_examples(data.table, columns, taxonomy=given, **how)
    if not data.feedback:
        require_two_classes(examples)
    if data.valid is not None:
        training, valid = examples, read_examples(data.valid, columns, taxonomy=given, **how)
    else:
        sides = split_examples(examples, settings.training.valid_share, seed=settings.training.seed)
        training, valid = (examples.select(side) for side in sides)
    if data.table is not None and data.feedback:
        training, valid, used = with_feedback(training, valid, corrections, taxonomy=given, **laid)
    require_two_classes(training)  # again: corrections may have brought the second class, or taken it away
    used = used and replace(used, files=counts)
    return training, valid, taxonomy_of_labels((*training.labels, *valid.labels), given), used


def _train_model(
    settings: Config,
    training: Examples,
    valid: Examples,
    taxonomy: Taxonomy,
    *,
    folder: Path,
    **how: Any,
) -> "Model":
    from textaxa.training import train_model

    model: Model = train_model(
        training.texts,
        training.labels,
        taxonomy,
        task="multi" if settings.data.paths else "single",
        encoder=settings.encoder,
        head=settings.head,
        head_settings=settings.head_settings,
        training=settings.training,
        valid=(valid.texts, valid.labels) if len(valid) else None,
        checkpoint_dir=folder,
        **how,
    )
    return model


def complete_summary(
    model: "Model", columns: Columns, training: Examples, valid: Examples, evaluations: dict[str, Evaluation]
) -> None:
    """Add to the model's summary what only the job knows: the table, its columns, the scores beside the references."""
    model.summary |= {
        "source": _printable(Path(training.source).name),
        "rows": len(training),
        "valid_rows": len(valid),
        "columns": remember_columns(columns),
        "majority": [list(path) for path in majority_paths(training.labels, 1)[0]],
        "evaluations": {name: evaluation.to_dict() for name, evaluation in evaluations.items()},
    }
    if evaluations:
        model.summary["validation_table"] = to_markdown(evaluations)


def _printable(name: str) -> str:
    """Give a file's name with bytes that are no characters escaped: JSON and the model card are UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _save(model: "Model", target: Path) -> None:
    from textaxa.persistence import save_model

    save_model(model, target)


def resumed_config(out: str | Path, overrides: dict[str, dict[str, Any]]) -> Config:
    """Give the configuration of an interrupted run, with ``overrides`` laid over it.

    Raises
    ------
    ConfigError
        There is no interrupted run at ``out``.
    """
    values = interrupted.recorded_settings(Path(out))
    for name, section in overrides.items():
        given = {key: value for key, value in section.items() if value is not None}
        values[name] = {**values.get(name, {}), **given}
    return Config.from_dict(values, source=f"the interrupted run of {out}")
