"""``textaxa export``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.export import ExportResult

MEGABYTE = 1_000_000


def export(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights of the encoder as 8-bit integers: smaller, faster, not the same.")
    ] = False,
    valid: Annotated[
        str | None,
        typer.Option(help="Labelled rows on which the change of accuracy is measured.", metavar="TABLE"),
    ] = None,
    max_loss: Annotated[float, typer.Option(help="Points of accuracy that may be lost on them.")] = 0.5,
    force: Annotated[bool, typer.Option("--force", help="Export all the same.")] = False,
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
) -> None:
    """Let a model predict without PyTorch: encoder and head as ONNX files, in the model's folder."""
    from textaxa.jobs.export import export as job

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
        int8=int8,
        valid=valid,
        columns={name: value for name, value in given.items() if value is not None},
        max_loss=max_loss,
        force=force,
        input_format=input_format,
        encoding=encoding,
        delimiter=delimiter,
    )
    _tell(result)


def _tell(result: "ExportResult") -> None:
    typer.echo(
        f"Exported in {result.precision}, {result.size / MEGABYTE:,.1f} MB. In fp32 its probabilities are those of "
        f"PyTorch to {result.difference:.0e}."
    )
    if (measured := result.measured) is not None:
        typer.echo(
            f"{measured.metric} on {measured.rows:,} rows: {measured.torch:.4f} with PyTorch, {measured.onnx:.4f} "
            f"exported, {0.0 - measured.loss:+.2f} points."
        )
    elif result.precision == "int8":
        typer.echo("What the 8-bit weights cost was not measured: give labelled rows with --valid.")
    typer.echo(f"Use it: textaxa predict {result.folder} new.csv -o out.csv")
