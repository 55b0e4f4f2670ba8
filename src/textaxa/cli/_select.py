"""``textaxa select``."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

if TYPE_CHECKING:
    from textaxa.jobs.select import SelectResult

_CHOICE = "The choice"


def select(
    table: Annotated[str, typer.Argument(help="Table of unlabelled texts: CSV, TSV, JSONL, Parquet; - is stdin.")],
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="Folder of the model; without one, texts unlike each other are chosen."),
    ] = None,
    n: Annotated[int, typer.Option("--n", "-n", help="How many texts.", rich_help_panel=_CHOICE)] = 200,
    output: Annotated[str, typer.Option("-o", "--output", help="Where to write; - is stdout.", metavar="FILE")] = "-",
    format: Annotated[
        str | None,
        typer.Option(
            "--format", help="csv, tsv, jsonl, parquet, label-studio or argilla; told by the output's ending."
        ),
    ] = None,
    random_share: Annotated[
        float,
        typer.Option(
            help="Share drawn at random and marked so, to measure accuracy on; from 0 to 1.", rich_help_panel=_CHOICE
        ),
    ] = 0.0,
    labelled: Annotated[
        str | None,
        typer.Option(help="Table of labelled texts, which are passed over.", metavar="TABLE", rich_help_panel=_CHOICE),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed chooses others.", rich_help_panel=_CHOICE)] = 0,
    taxonomy: Annotated[
        str | None,
        typer.Option(help="Without a model: what annotators choose from in a labelling tool.", metavar="FILE"),
    ] = None,
    several: Annotated[bool, typer.Option("--several", help="Without a model: a text may have several paths.")] = False,
    text: options.Text = None,
    template: options.Template = None,
    id: options.Id = None,
    separator: options.Separator = None,
    input_format: options.InputFormatOnly = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Choose the texts to label next: those about which the model is unsure, unlike each other, rare classes first."""
    from textaxa.cli._progress import rows_progress
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.select import select as job

    with nullcontext(nobody) if quiet else rows_progress("reading") as listener:
        result = job(
            table,
            output,
            model=model,
            taxonomy=taxonomy,
            n=n,
            random_share=random_share,
            seed=seed,
            task="multi" if several else "single",
            labelled=labelled,
            text=options.column_names(text),
            template=template,
            id=id,
            separator=separator,
            format=format,
            input_format=input_format,
            encoding=encoding,
            delimiter=delimiter,
            overwrite=overwrite,
            listener=listener,
        )
    _tell(result, n, quiet=quiet or output == "-")


def _tell(result: "SelectResult", wanted: int, *, quiet: bool) -> None:
    for old, new in result.renamed.items():
        note(f"The input's column {old!r} is kept as {new!r}: {old!r} is the result now.")
    if result.chosen < wanted:
        note(f"There are only {result.chosen:,} texts to choose from, and {wanted:,} were asked for.")
    if quiet:
        return
    left = {"without a text": result.blank, "labelled": result.labelled, "of a text seen before": result.duplicates}
    told = ", ".join(f"{count:,} {what}" for what, count in left.items() if count)
    of = f"{result.chosen:,} of {result.rows:,} rows" + (f" (passed over: {told})" if told else "")
    drawn = f", {result.random:,} of them at random" if result.random else ""
    note(f"{of}{drawn} in {result.seconds:,.1f} s: {', '.join(result.files)}")
