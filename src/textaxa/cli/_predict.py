"""``textaxa predict``."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

if TYPE_CHECKING:
    from textaxa.jobs.predict import PredictResult


def predict(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    table: Annotated[str, typer.Argument(help="Table of texts: CSV, TSV, JSONL, Parquet; - is stdin.")] = "-",
    text: options.Text = None,
    template: options.Template = None,
    output: Annotated[str, typer.Option("-o", "--output", help="Where to write; - is stdout.", metavar="FILE")] = "-",
    top: Annotated[int, typer.Option(help="Paths a text, most probable first.")] = 1,
    format: Annotated[
        str | None,
        typer.Option("--format", help="csv, tsv, jsonl or parquet; told by the output's ending, else as the input."),
    ] = None,
    separator: options.Separator = None,
    input_format: options.InputFormatOnly = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Give every row of a table its path: columns path, probability, depth and stopped are added."""
    from textaxa.cli._progress import rows_progress
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.predict import predict as job

    with nullcontext(nobody) if quiet else rows_progress("predicting") as listener:
        result = job(
            model,
            table,
            output,
            text=options.column_names(text),
            template=template,
            top=top,
            format=format,
            separator=separator,
            input_format=input_format,
            encoding=encoding,
            delimiter=delimiter,
            overwrite=overwrite,
            listener=listener,
        )
    _tell(result, output, quiet)


def _tell(result: "PredictResult", output: str, quiet: bool) -> None:
    for old, new in result.renamed.items():
        note(f"The input's column {old!r} is kept as {new!r}: {old!r} is the result now.")
    if not result.rows:
        note("The table has a header but no rows, so the output has only its header.")
    if result.blank:
        more = " …" if result.blank > len(result.blank_rows) else ""
        rows = "row has" if result.blank == 1 else "rows have"
        note(f"{result.blank:,} {rows} no text and so no path: {', '.join(result.blank_rows)}{more}.")
    if not quiet and output != "-":
        note(f"{result.rows:,} rows in {result.seconds:,.1f} s: {output}")
