"""``textaxa calibrate``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.calibrate import CalibrateResult


def calibrate(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    table: Annotated[str, typer.Argument(help="Labelled rows that the model has not seen; - is stdin.")],
    out: Annotated[
        str | None, typer.Option(help="Folder of the calibrated model; else the model itself is replaced.")
    ] = None,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    method: Annotated[
        str, typer.Option(help="auto, none, temperature, temperature-per-level, vector, isotonic, venn-abers.")
    ] = "auto",
    proving_share: Annotated[
        float, typer.Option(help="Share of the rows that only prove promises; the others choose.")
    ] = 0.7,
    seed: Annotated[int, typer.Option(help="Seed of that draw.")] = 0,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Make a model's probabilities and promises trustworthy with labelled rows that it has not seen."""
    from textaxa.jobs.calibrate import calibrate as job

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
        out,
        columns={name: value for name, value in given.items() if value is not None},
        method=method,
        proving_share=proving_share,
        seed=seed,
        input_format=input_format,
        encoding=encoding,
        delimiter=delimiter,
        overwrite=overwrite,
    )
    _tell(result)


def _tell(result: "CalibrateResult") -> None:
    typer.echo(f"{result.rows:,} rows: {result.rows - result.proving:,} chose, {result.proving:,} only prove.")
    loss = "" if result.log_loss is None else ": log loss {:.3f} before, {:.3f} after".format(*result.log_loss)
    typer.echo(f"Calibration: {result.method}{loss}.")
    typer.echo("Can this accuracy be promised, with 95% confidence?")
    for accuracy, kept in result.promises.items():
        if isinstance(kept, str):
            typer.echo(f"  {accuracy:.0%}: no. {kept}")
        else:
            (part,) = kept.parts
            answered = f"{part.answered / part.rows:.1%} of the texts get an answer"
            typer.echo(f"  {accuracy:.0%}: yes, and {answered}.")
    typer.echo(f"Use it: textaxa predict {result.out} new.csv --accuracy 0.95 -o out.csv")
