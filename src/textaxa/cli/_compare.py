"""``textaxa compare``."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from rich.table import Table

    from textaxa.jobs.comparison._plan import Plan
    from textaxa.jobs.comparison._result import Comparison, ModelResult

PERCENT = 100


def compare(
    table: Annotated[
        str | None, typer.Argument(help="Table of texts with their labels: CSV, TSV, JSONL, Parquet; - is stdin.")
    ] = None,
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
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            help="Which, with commas; settings behind a colon: linear,chained:feed=true. Default: all usual ones.",
            metavar="MODELS",
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    taxonomy: options.TaxonomyFile = None,
    encoder: options.Encoder = None,
    frozen: Annotated[
        bool | None,
        typer.Option(
            "--frozen/--no-frozen", help="Train the heads only; texts are encoded once.", rich_help_panel=options.MODEL
        ),
    ] = None,
    max_length: options.MaxLength = None,
    test: Annotated[
        str | None,
        typer.Option(help="Table to compare on, same columns.", metavar="TABLE", rich_help_panel=options.RUN),
    ] = None,
    test_share: Annotated[
        float | None,
        typer.Option(help="Share held out where there is no --test. Default: 0.2.", rich_help_panel=options.RUN),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(help="Table to choose the epoch by, same columns.", metavar="TABLE", rich_help_panel=options.RUN),
    ] = None,
    valid_share: options.ValidShare = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    time_budget: Annotated[
        str | None,
        typer.Option(
            help="For all training, shared evenly: 90s, 10m, 1.5h.", metavar="TIME", rich_help_panel=options.RUN
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Runs a model. Default: 3.", rich_help_panel=options.RUN)] = None,
    seed: Annotated[
        int | None, typer.Option(help="First seed, and that of the split.", rich_help_panel=options.RUN)
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Any setting of the file, for all models: training.patience=5.", metavar="SECTION.KEY=VALUE"
        ),
    ] = None,
    config: options.ConfigFile = None,
    out: Annotated[
        str,
        typer.Option(
            "--out", help="Folder of finished runs and models.", metavar="FOLDER", rich_help_panel=options.RUN
        ),
    ] = "compare",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with --out; needs no other option.", rich_help_panel=options.RUN)
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Give up the comparison in --out.", rich_help_panel=options.RUN)
    ] = False,
    html: Annotated[str | None, typer.Option("--html", help="Also write a page.", metavar="FILE")] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train several models on the same rows, score them on others, and recommend one."""
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
        | {"table": table, "valid": valid},
        "taxonomy": {"file": taxonomy},
        "encoder": {"encoder": encoder, "frozen": frozen, "max_length": max_length},
        "training": {"epochs": epochs, "batch_size": batch_size, "seed": seed, "valid_share": valid_share},
    }
    told = {
        "models": tuple(models) if models else None,
        "seeds": seeds,
        "test": test,
        "test_share": test_share,
        "time_budget": options.seconds_of(time_budget),
    }
    plan = _plan(config, merged(flags, parse_settings(setting or [])), told, out, resume)
    _run(plan, out, html=html, resume=resume, overwrite=overwrite, as_json=as_json, quiet=quiet)


def _plan(
    file: str | None, overrides: dict[str, dict[str, Any]], told: dict[str, Any], out: str, resume: bool
) -> "Plan":
    from textaxa.config import read_config
    from textaxa.jobs.compare import resumed_plan
    from textaxa.jobs.comparison._plan import Plan

    if resume and file is None:
        return resumed_plan(out, overrides, **told)
    return Plan(read_config(file, overrides), **{name: value for name, value in told.items() if value is not None})


def _run(
    plan: "Plan", out: str, *, html: str | None, resume: bool, overwrite: bool, as_json: bool, quiet: bool
) -> None:
    from textaxa.cli._compare_progress import comparison_progress
    from textaxa.cli._tables import show_json
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.compare import run_plan
    from textaxa.jobs.comparison._html import check_html_file, write_html

    if html is not None:
        check_html_file(html)
    with nullcontext(nobody) if quiet else comparison_progress() as listener:
        result = run_plan(plan, out, overwrite=overwrite, resume=resume, listener=listener)
    if html is not None:
        write_html(result, html)
    if as_json:
        show_json(result.to_dict())
    else:
        _show(result)


def _show(result: "Comparison") -> None:
    from rich.text import Text

    from textaxa.cli._tables import WIDTH_OF_SCORES, console, show_evaluations

    show_evaluations(result.evaluations)
    console(WIDTH_OF_SCORES).print(_costs(result))
    for name, reason in result.failed.items():
        typer.echo(f"{name} has no result: {reason}")
    for name, reason in result.left_out.items():
        typer.echo(f"{name} was left out: {reason}.")
    typer.echo()
    console().print(Text(result.recommendation.text))
    chosen = next((one for one in result.models if one.name == result.recommendation.model), None)
    if chosen is not None and chosen.folder is not None:
        typer.echo(f"It is kept; use it: textaxa predict {chosen.folder} new.csv -o out.csv")


def _costs(result: "Comparison") -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Against the best, and costs", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.pad_edge = False
    table.add_column("System", overflow="fold")
    title = result.metric_name.capitalize().replace("f1", "F1")
    for name in (f"{title}, difference", "p, corrected", "Training", "Texts/s", "MB", "Parameters"):
        table.add_column(name, justify="right")
    for one in result.models:
        table.add_row(Text(one.name), *_difference(one), *_cost_cells(one))
    return table


def _difference(one: "ModelResult") -> tuple[str, str]:
    if one.against_best is None:
        return "best", ""
    test = one.against_best.test
    low, high = (f"{PERCENT * end:+.1f}" for end in test.interval)
    return f"{PERCENT * test.difference:+.1f} ({low} to {high})", f"{one.against_best.p_corrected:.3f}"


def _cost_cells(one: "ModelResult") -> tuple[str, str, str, str]:
    cut = " (time)" if one.stopped_by_time else ""
    seconds = f"{one.train_seconds:,.1f} s{cut}"
    return seconds, f"{one.texts_per_second:,.0f}", f"{one.megabytes:,.1f}", f"{one.parameters:,}"
