"""``textaxa migrate``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.migrate import MigrateResult


def migrate(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    to: Annotated[str, typer.Option(help="File of the new taxonomy.", metavar="TAXONOMY")],
    out: Annotated[str, typer.Option(help="Folder of the new model.", metavar="FOLDER")],
    map: Annotated[
        str | None,
        typer.Option("--map", help="Table of old, new and, if wanted, share: by path or code.", metavar="TABLE"),
    ] = None,
    texts: Annotated[
        str | None,
        typer.Option(help="Unlabelled texts: merged nodes add up better, split ones get suggestions.", metavar="TABLE"),
    ] = None,
    report: Annotated[
        str | None, typer.Option(help="Table to write: what became of every node.", metavar="FILE")
    ] = None,
    suggestions: Annotated[
        str | None,
        typer.Option(help="Table to write: texts of split nodes, the least sure first.", metavar="FILE"),
    ] = None,
    text: options.Text = None,
    template: options.Template = None,
    separator: options.Separator = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Give a trained model a changed taxonomy: what each node learned goes to what it became."""
    from textaxa.cli._tables import show_json
    from textaxa.jobs.migrate import migrate as job

    given = options.data_options(text=text, template=template)
    more: dict[str, Any] = {} if separator is None else {"separator": separator}
    result = job(
        model,
        to,
        out,
        map=map,
        texts=texts,
        columns={name: value for name, value in given.items() if value is not None},
        report=report,
        suggestions=suggestions,
        input_format=input_format,
        encoding=encoding,
        delimiter=delimiter,
        overwrite=overwrite,
        **more,
    )
    if as_json:
        show_json({"out": str(result.out), "texts": result.texts, **result.report.to_dict()})
        return
    _tell(result)


def _tell(result: "MigrateResult") -> None:
    report = result.report
    changes = ", ".join(f"{count:,} {what}" for what, count in report.counts.items() if count)
    typer.echo(f"Nodes: {changes}.")
    for note in report.notes:
        typer.echo(f"Note: {note}")
    for sentence in report.void:
        typer.echo(f"Void: {sentence}")
    if report.suggestions:
        typer.echo(f"{len(report.suggestions):,} texts of split nodes wait for a person (--suggestions FILE).")
    typer.echo(f"Use it: textaxa predict {result.out} new.csv -o out.csv")
