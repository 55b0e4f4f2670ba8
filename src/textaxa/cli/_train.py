"""``textaxa train``."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa._processes import launched
from textaxa.cli import _options as options
from textaxa.heads import HEADS

if TYPE_CHECKING:
    from textaxa.config import Config
    from textaxa.jobs.train import TrainResult


def train(
    out: Annotated[str, typer.Option("--out", help="Folder of the model.", metavar="FOLDER")],
    table: Annotated[str | None, typer.Argument(help="Training table: CSV, TSV, JSONL, Parquet; - is stdin.")] = None,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    id: options.Id = None,
    group: options.Group = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    taxonomy: options.TaxonomyFile = None,
    head: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(HEADS)}. Default: chained.", rich_help_panel=options.MODEL),
    ] = None,
    encoder: options.Encoder = None,
    frozen: Annotated[
        bool | None,
        typer.Option(
            "--frozen/--no-frozen",
            help="Train the head only: seconds, for a few points.",
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="How much of the encoder is trained: fast (none), balanced (the top third), best (all). "
            "Default: best, or what fits into --time-budget.",
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    max_length: options.MaxLength = None,
    valid: Annotated[
        str | None, typer.Option(help="Validation table, same columns.", metavar="TABLE", rich_help_panel=options.RUN)
    ] = None,
    valid_share: options.ValidShare = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    seed: Annotated[int | None, typer.Option(help="Seed of this run. Default: 0.", rich_help_panel=options.RUN)] = None,
    time_budget: options.TimeBudget = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Any setting of the file: head.feed=true, training.patience=5.", metavar="SECTION.KEY=VALUE"
        ),
    ] = None,
    config: options.ConfigFile = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option(
            "--feedback",
            help="Corrections that a service kept; can be given again. With --taxonomy no table is needed.",
            metavar="FILE",
        ),
    ] = None,
    references: Annotated[
        bool,
        typer.Option(
            "--references/--no-references", help="Score reference classifiers too.", rich_help_panel=options.RUN
        ),
    ] = True,
    report_to: Annotated[
        str | None,
        typer.Option(
            help="Trackers that losses and scores go to: tensorboard, mlflow, wandb, …",
            metavar="NAMES",
            rich_help_panel=options.RUN,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on after an interruption.", rich_help_panel=options.RUN)
    ] = False,
    overwrite: options.Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model on a table of texts with their categories."""
    from textaxa.cli._settings import merged, parse_settings

    flags: dict[str, dict[str, Any]] = {
        "data": options.data_options(
            text=text,
            template=template,
            labels=labels,
            path=path,
            paths=paths,
            separator=separator,
            paths_separator=paths_separator,
            id=id,
            group=group,
            input_format=input_format,
            encoding=encoding,
            delimiter=delimiter,
        )
        | {"table": table, "valid": valid, "feedback": feedback or None},
        "taxonomy": {"file": taxonomy},
        "encoder": {"encoder": encoder, "frozen": frozen, "max_length": max_length},
        "head": {"name": head},
        "training": {"epochs": epochs, "batch_size": batch_size, "seed": seed, "valid_share": valid_share}
        | {"time_budget": options.seconds_of(time_budget), "preset": preset},
    }
    overrides = merged(flags, parse_settings(setting or []))
    how: dict[str, Any] = {"overwrite": overwrite, "resume": resume, "references": references}
    how["report_to"] = [name.strip() for name in (report_to or "").split(",") if name.strip()]
    _run(_config(config, overrides, out, resume), out, how, as_json=as_json, quiet=quiet)


def _config(file: str | None, overrides: dict[str, dict[str, Any]], out: str, resume: bool) -> "Config":
    from textaxa.config import read_config

    if not resume or file is not None:
        return read_config(file, overrides)
    from textaxa.jobs.train import resumed_config

    return resumed_config(out, overrides)


def _run(config: "Config", out: str, how: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    from textaxa.cli._progress import training_progress
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.train import train as job

    if not launched().main:  # one of several tells
        job(config, out, **how)
        return
    with nullcontext(_tell_json) if as_json else nullcontext(nobody) if quiet else training_progress() as listener:
        result = job(config, out, listener=listener, **how)
    if as_json:
        scores = {name: evaluation.to_dict() for name, evaluation in result.evaluations.items()}
        told = {} if result.feedback is None else {"feedback": result.feedback.to_dict()}
        _tell_json({"event": "result", "out": out, "seconds": round(result.seconds, 3), "evaluations": scores} | told)
    else:
        _show(result)


def _tell_json(event: dict[str, Any]) -> None:
    from textaxa.cli._tables import json_text

    sys.stdout.write(json_text(event) + "\n")
    sys.stdout.flush()


def _show(result: "TrainResult") -> None:
    from textaxa.cli._tables import show_evaluations

    if result.evaluations:
        show_evaluations(result.evaluations)
    seen = f"{result.rows:,} rows" + (f", scored on {result.valid_rows:,} others" if result.valid_rows else "")
    if result.feedback is not None:
        typer.echo(f"{result.feedback.sentence()}.")
    typer.echo(f"Trained on {seen}, in {result.seconds:,.0f} s. Saved: {result.out}")
    typer.echo(f"Use it: textaxa predict {result.out} new.csv -o out.csv")
