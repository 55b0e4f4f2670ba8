"""``textaxa tune``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note
from textaxa.heads import HEADS

if TYPE_CHECKING:
    from textaxa.jobs._listener import Event
    from textaxa.jobs.tune import TuneResult

SEARCH = "Search"


def tune(
    table: Annotated[
        str | None, typer.Argument(help="Training table: CSV, TSV, JSONL, Parquet. Default: the configuration's.")
    ] = None,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    taxonomy: options.TaxonomyFile = None,
    head: Annotated[
        str | None, typer.Option(help=f"{', '.join(HEADS)}. Default: chained.", rich_help_panel=options.MODEL)
    ] = None,
    encoder: options.Encoder = None,
    frozen: Annotated[
        bool | None,
        typer.Option(
            "--frozen/--no-frozen", help="Train the head only; texts are encoded once.", rich_help_panel=options.MODEL
        ),
    ] = None,
    max_length: options.MaxLength = None,
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="What to search: training.head_rate=1e-4..3e-2:log, head.feed=masked|predicted; again for more. "
            "Default: rates, and the choices of the head.",
            metavar="SETTING=VALUES",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    trials: Annotated[
        int, typer.Option(help="How many, those of an earlier call among them.", rich_help_panel=SEARCH)
    ] = 20,
    time_budget: Annotated[
        str | None,
        typer.Option(help="No trial begins after it: 90s, 10m, 1.5h.", metavar="TIME", rich_help_panel=SEARCH),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="hierarchical_f1 or path_accuracy, on validation rows.", rich_help_panel=SEARCH)
    ] = "hierarchical_f1",
    out: Annotated[
        str, typer.Option("--out", help="Folder of the search.", metavar="FOLDER", rich_help_panel=options.RUN)
    ] = "tuned",
    valid: Annotated[
        str | None, typer.Option(help="Validation table, same columns.", metavar="TABLE", rich_help_panel=options.RUN)
    ] = None,
    valid_share: options.ValidShare = None,
    epochs: options.Epochs = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the split, the trials and the search.", rich_help_panel=options.RUN)
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting, for all trials: training.patience=5.", metavar="SECTION.KEY=VALUE"),
    ] = None,
    config: options.ConfigFile = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Give up another search in --out.", rich_help_panel=options.RUN)
    ] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Search for good settings with Optuna; given again, the search goes on."""
    from textaxa.cli._settings import merged, parse_settings
    from textaxa.config import read_config
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.tune import tune as job

    flags: dict[str, dict[str, Any]] = {
        "data": options.data_options(
            text=text,
            template=template,
            labels=labels,
            path=path,
            paths=paths,
            separator=separator,
            paths_separator=paths_separator,
            input_format=input_format,
            encoding=encoding,
            delimiter=delimiter,
        )
        | {"table": table, "valid": valid},
        "taxonomy": {"file": taxonomy},
        "encoder": {"encoder": encoder, "frozen": frozen, "max_length": max_length},
        "head": {"name": head},
        "training": {"epochs": epochs, "seed": seed, "valid_share": valid_share},
    }
    result = job(
        read_config(config, merged(flags, parse_settings(setting or []))),
        out,
        search=search or (),
        trials=trials,
        time_budget=options.seconds_of(time_budget),
        metric=metric,
        overwrite=overwrite,
        listener=nobody if quiet else _tell,
    )
    if as_json:
        from textaxa.cli._tables import show_json

        show_json(vars(result) | {"file": str(result.file)})
    if not quiet:
        _show(result, metric)


def _tell(event: "Event") -> None:
    settings = ", ".join(
        f"{key}={value:.3g}" if isinstance(value, float) else f"{key}={value}"
        for section in event["settings"].values()
        for key, value in section.items()
    )
    score = (
        f"{event['score']:.4f}" if event["score"] is not None else {"pruned": "cut short"}.get(event["state"], "failed")
    )
    best = "" if event["best"] is None else f" (best {event['best']:.4f})"
    note(f"{event['number'] + 1:>4}  {score}{best}  {event['seconds']:,.1f} s  {settings or 'as given'}")


def _show(result: "TuneResult", metric: str) -> None:
    states = {"complete": "done", "pruned": "cut short", "fail": "failed"}
    counted = ", ".join(f"{count:,} {states[state]}" for state, count in result.trials.items() if count)
    given = "" if result.first is None else f"; as given {result.first:.4f}"
    note(f"Trials: {counted}. Best {metric} on {result.valid_rows:,} validation rows: {result.score:.4f}{given}.")
    note("These rows chose it, so it flatters: measure the model on a test table that no trial has seen.")
    note(f"Use it: textaxa train --config {result.file} --out model/")
