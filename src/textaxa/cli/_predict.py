"""``textaxa predict``."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

if TYPE_CHECKING:
    from textaxa.distributed import PartsResult
    from textaxa.jobs._listener import Event, Listener
    from textaxa.jobs.predict import PredictResult

MANY = "Many files"
ANNIF = "annif"
"""Of its corpora a folder is one table; of other formats many."""

SURE = "How sure"
DECODER = "Decoder"


def predict(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    table: Annotated[
        str,
        typer.Argument(help="Table of texts: CSV, TSV, JSONL, Parquet; - is stdin. A folder, 'a pattern/*', s3://…"),
    ] = "-",
    text: options.Text = None,
    template: options.Template = None,
    output: Annotated[str, typer.Option("-o", "--output", help="Where to write; - is stdout.", metavar="FILE")] = "-",
    top: Annotated[int, typer.Option(help="Paths a text, most probable first.")] = 1,
    accuracy: Annotated[
        float | None,
        typer.Option(help="Promise: this share of the answers is right; stop where that ends.", rich_help_panel=SURE),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Probability that the promise holds.", rich_help_panel=SURE)] = 0.95,
    scope: Annotated[
        str,
        typer.Option(help="What is promised: of all answers, on every level, in every branch.", rich_help_panel=SURE),
    ] = "all",
    outside: Annotated[
        float | None,
        typer.Option(
            help="Say which texts belong nowhere, with this share of false alarms.",
            metavar="SHARE",
            rich_help_panel=SURE,
        ),
    ] = None,
    set_coverage: Annotated[
        float | None,
        typer.Option(
            help="Add a set of paths that holds the true one so often.", metavar="SHARE", rich_help_panel=SURE
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option(help="most-probable, hf-beta, min-risk or greedy.", rich_help_panel=DECODER),
    ] = None,
    beta: Annotated[
        float, typer.Option(help="hf-beta: how many times as much recall counts as precision.", rich_help_panel=DECODER)
    ] = 1.0,
    costs: Annotated[
        str | None,
        typer.Option(
            help="min-risk: table predicted,true,cost; else the tree distance.",
            metavar="TABLE",
            rich_help_panel=DECODER,
        ),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option("--format", help="csv, tsv, jsonl or parquet; told by the output's ending, else as the input."),
    ] = None,
    separator: options.Separator = None,
    input_format: options.InputFormatOnly = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew instead of going on with a run.")] = False,
    runtime: options.Runtime = "auto",
    processes: Annotated[
        int | None,
        typer.Option(help="Processes for models that compute on one core. Default: one a core.", metavar="N"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="Who answers a folder of files: local, ray or spark. Default: local.", rich_help_panel=MANY),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes of the engine. Default: one a core.", rich_help_panel=MANY)
    ] = None,
    block_rows: Annotated[
        int | None, typer.Option(help="Rows of an output file, about. Default: 50,000.", rich_help_panel=MANY)
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Give every row of a table its path: columns path, probability, depth and stopped are added.

    With a folder, a pattern, an address (s3://…) or --engine, many files are read and a folder of files is written.
    """
    from textaxa.cli._progress import rows_progress
    from textaxa.decisions import Choice
    from textaxa.errors import ConfigError
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.predict import predict as job

    if as_json and output == "-":
        raise ConfigError("--json prints what was done on stdout, where the rows would go. Name a file for them (-o).")
    choice = Choice(
        top=top,
        decoder=decoder,
        beta=beta,
        accuracy=accuracy,
        confidence=confidence,
        scope=scope,
        outside=outside,
    )
    how: dict[str, Any] = {
        "text": options.column_names(text),
        "template": template,
        "choice": choice,
        "set_coverage": set_coverage,
        "format": format,
        "separator": separator,
        "input_format": input_format,
        "encoding": encoding,
        "delimiter": delimiter,
        "overwrite": overwrite,
        "restart": restart,
        "runtime": runtime,
    }
    many = {"workers": workers, "block_rows": block_rows}
    if engine is not None or (_is_many(table) and input_format != ANNIF):
        _check_many(table, output, {"--costs": costs, "--processes": processes})
        given = {name: value for name, value in many.items() if value is not None}
        _predict_parts(model, table, output, engine or "local", how | given, as_json=as_json, quiet=quiet)
        return
    if wrong := [f"--{name.replace('_', '-')}" for name, value in many.items() if value is not None]:
        raise ConfigError(f"{wrong[0]} is for many files: name a folder of tables, or add --engine.")
    with nullcontext(nobody) if quiet else rows_progress("predicting") as listener:
        heard = listener if quiet else _telling(listener)
        result = job(model, table, output, costs=costs, processes=processes, listener=heard, **how)
    _tell(result, output, quiet)
    if as_json:
        _print_json(result)


def _is_many(table: str) -> bool:
    """Tell whether a name stands for more than one file of this machine."""
    return "://" in table or (table != "-" and (Path(table).is_dir() or any(sign in table for sign in "*?")))


def _check_many(table: str, output: str, others: dict[str, Any]) -> None:
    from textaxa.errors import ConfigError

    if output == "-" or table == "-":
        raise ConfigError("Many files are written into a folder, and read from one: name it (-o out/).")
    for flag, value in others.items():
        if value is not None:
            raise ConfigError(f"{flag} is for a single table: leave it out, or predict file by file.")


def _predict_parts(
    model: str, table: str, output: str, engine: str, how: dict[str, Any], *, as_json: bool, quiet: bool
) -> None:
    from textaxa.cli._progress import rows_progress
    from textaxa.cli._tables import show_json
    from textaxa.distributed import predict_parts
    from textaxa.jobs._listener import nobody

    with nullcontext(nobody) if quiet else rows_progress("predicting") as listener:
        heard = listener if quiet else _telling(listener)
        result = predict_parts(model, table, output, engine=engine, listener=heard, **how)
    if not quiet:
        _tell_parts(result, output)
    if as_json:
        show_json(vars(result))


def _tell_parts(result: "PartsResult", output: str) -> None:
    if result.blank:
        note(f"{result.blank:,} rows have no text and so no path.")
    if result.workers:
        each = "process" if result.workers == 1 else "processes"
        note(f"Answered by {result.workers:,} {each} in {result.seconds:,.1f} s.")
    note(f"{result.rows:,} rows in {result.parts:,} files: {output}")


def _telling(listener: "Listener") -> "Listener":
    """Give a listener that also says where an interrupted run goes on."""

    def hear(event: "Event") -> None:
        if event["event"] == "resumed" and "parts" in event:
            note(f"Resumed: {event['parts']:,} of {event['of']:,} parts were written before.")
        elif event["event"] == "resumed":
            note(f"Resumed at row {event['rows'] + 1:,}: {event['rows']:,} rows were answered before.")
        else:
            listener(event)

    return hear


def _tell(result: "PredictResult", output: str, quiet: bool) -> None:
    for old, new in result.renamed.items():
        note(f"The input's column {old!r} is kept as {new!r}: {old!r} is the result now.")
    if not result.rows:
        note("The table has a header but no rows, so the output has only its header.")
    if result.blank:
        more = " …" if result.blank > len(result.blank_rows) else ""
        rows = "row has" if result.blank == 1 else "rows have"
        note(f"{result.blank:,} {rows} no text and so no path: {', '.join(result.blank_rows)}{more}.")
    if result.runtime and not quiet:
        note(f"Computed by {result.runtime}.")
    if result.promise is not None and not quiet:
        _tell_promise(result)
    if not quiet:
        _tell_speed(result, output)


def _tell_speed(result: "PredictResult", output: str) -> None:
    """Say how fast it went, and how deep the answers are, where no promise has told."""
    if result.depths and result.promise is None:
        depths = ", ".join(f"{count:,} at depth {depth}" for depth, count in result.depths.items())
        stopped = ", ".join(f"{count:,} {why}" for why, count in result.stopped.items())
        note(f"Answers: {depths}; stopped: {stopped}.")
    speed = [f"{result.texts_per_second:,.0f} texts/s"]
    if result.tokens:
        speed.append(f"{result.tokens / max(result.seconds, 1e-9):,.0f} tokens/s")
    if result.ceiling is not None:
        speed.append(f"{result.ceiling:.0%} of this machine's rate of float32 matrix products")
    where = "" if output == "-" else f": {output}"
    note(f"{result.rows - result.resumed_at:,} rows in {result.seconds:,.1f} s ({', '.join(speed)}){where}")


def _print_json(result: "PredictResult") -> None:
    from textaxa.cli._tables import show_json
    from textaxa.guarantee import describe

    told = {name: value for name, value in vars(result).items() if name != "promise"}
    promise = None if result.promise is None else describe(result.promise)
    show_json(told | {"promise": promise, "texts_per_second": result.texts_per_second})


def _tell_promise(result: "PredictResult") -> None:
    """Say what was promised, on what it rests, and how deep the answers went."""
    from textaxa.guarantee import describe, unproven

    kept = result.promise
    if kept is None:
        return
    note(describe(kept))
    if missing := unproven(kept):
        note(missing)
    total = sum(result.depths.values())
    if total:
        shares = [
            f"{count / total:.1%} {'no answer' if depth == 0 else f'depth {depth}'}"
            for depth, count in result.depths.items()
        ]
        note(f"Of {total:,} texts: {', '.join(shares)}. {result.stopped.get('leaf', 0) / total:.1%} reached a leaf.")
