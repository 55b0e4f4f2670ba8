"""``textaxa init``."""

from typing import Annotated

import typer

from textaxa.cli import _options as options


def init(
    table: Annotated[str, typer.Argument(help="The training table; its columns are looked at.")],
    output: Annotated[
        str, typer.Option("-o", "--output", help="The file to write; - is stdout.", metavar="FILE")
    ] = "textaxa.toml",
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Write a full, commented configuration from a table's columns."""
    from textaxa.jobs.init import init as job

    target = None if output == "-" else output
    result = job(table, target, format=input_format, encoding=encoding, delimiter=delimiter, overwrite=overwrite)
    if target is None:
        typer.echo(result.text, nl=False)
        return
    text = ", ".join(result.data.get("text", ())) or "not found: please fill in"
    labels = result.data.get("labels") or result.data.get("path") or result.data.get("paths")
    shown = ", ".join(labels) if isinstance(labels, list) else labels or "not found: please fill in"
    typer.echo(f"Written: {output}. Text: {text}. Labels: {shown}.")
    typer.echo(f"Read it through, then: textaxa train --config {output} --out model/")
