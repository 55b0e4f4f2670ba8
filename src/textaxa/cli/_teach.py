"""``textaxa teach``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.teach import TeachResult


def teach(
    model: Annotated[str, typer.Argument(help="Folder of the model; it is left as it is.")],
    out: Annotated[str, typer.Option("--out", help="Folder of the model that comes out.", metavar="FOLDER")],
    table: Annotated[str | None, typer.Argument(help="Texts with their paths, 5 to 20 a node; - is stdin.")] = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option("--feedback", help="File of corrections by people (.jsonl, .db); again for more.", metavar="FILE"),
    ] = None,
    remember: Annotated[
        str | None,
        typer.Option(help="The training table, or a part: some of its rows are learned along.", metavar="TABLE"),
    ] = None,
    valid: Annotated[
        str | None,
        typer.Option(help="Labelled rows that the model has not seen: calibration and promises.", metavar="TABLE"),
    ] = None,
    add_nodes: Annotated[
        bool, typer.Option("--add-nodes", help="Add the paths that the taxonomy does not have.")
    ] = False,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    seed: Annotated[int, typer.Option(help="Draws the rows that are remembered.")] = 0,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Teach a trained model a few texts, new categories or corrections, in seconds."""
    from textaxa.jobs.teach import teach as job

    given = options.data_options(
        text=text,
        template=template,
        labels=labels,
        path=path,
        paths=paths,
        separator=separator,
        paths_separator=paths_separator,
    )
    result = job(
        model,
        table,
        out=out,
        feedback=feedback or (),
        remember=remember,
        valid=valid,
        add_nodes=add_nodes,
        columns={name: value for name, value in given.items() if value is not None},
        seed=seed,
        input_format=input_format,
        encoding=encoding,
        delimiter=delimiter,
        overwrite=overwrite,
    )
    _tell(result)


def _tell(result: "TeachResult") -> None:
    report = result.report
    if result.feedback is not None:
        typer.echo(f"{result.feedback.sentence()}.")
    if report.added:
        typer.echo(f"Added to the taxonomy: {', '.join(' > '.join(path) for path in report.added)}.")
    kept = f"{report.remembered:,} old rows were learned along" if report.remembered else "no old rows were at hand"
    typer.echo(f"Taught {report.rows:,} texts of {report.nodes:,} nodes in {result.seconds:,.1f} s; {kept}.")
    if result.accuracy is not None:
        before, after = result.accuracy
        typer.echo(f"Right on the validation rows: {before:.1%} before, {after:.1%} now.")
    for sentence in report.void:
        typer.echo(sentence)
    typer.echo(f"Use it: textaxa predict {result.out} new.csv -o out.csv")
