"""``textaxa export``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.export import ExportResult

MEGABYTE = 1_000_000


def export(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    precision: Annotated[
        str,
        typer.Option(
            help="Of the encoder: fp32; int8, which is smaller and faster; bf16, faster still with OpenVINO on "
            "processors that have it. Answers of the last two are slightly other ones."
        ),
    ] = "fp32",
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
        precision=precision,
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
    if not result.fused:
        typer.echo("Operators of this encoder could not be fused, so it is slower than others of its size.")
    if (measured := result.measured) is not None:
        typer.echo(
            f"{measured.metric} on {measured.rows:,} rows: {measured.torch:.4f} with PyTorch, {measured.onnx:.4f} "
            f"exported, {0.0 - measured.loss:+.2f} points."
        )
    elif result.precision != "fp32":
        typer.echo(f"What {result.precision} costs was not measured: give labelled rows with --valid.")
    typer.echo(f"Use it: textaxa predict {result.folder} new.csv -o out.csv")
