"""``textaxa evaluate``."""

from typing import Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note


def evaluate(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    table: Annotated[str, typer.Argument(help="Table of texts with their true labels; - is stdin.")],
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    train: Annotated[
        str | None,
        typer.Option(
            help="The training table: TF-IDF + logistic regression is fitted on it as a reference.", metavar="TABLE"
        ),
    ] = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    as_json: options.Json = False,
    html: Annotated[
        str | None,
        typer.Option(help="Write a report to this file: one page that needs no network.", metavar="FILE"),
    ] = None,
    runtime: options.Runtime = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Score a model on a labelled table, per level and overall. Columns not named are as in training."""
    from textaxa.cli._tables import show_evaluations, show_json
    from textaxa.jobs.evaluate import evaluate as job

    given = options.data_options(
        text=text,
        template=template,
        labels=labels,
        path=path,
        paths=paths,
        separator=separator,
        paths_separator=paths_separator,
    )
    columns = {name: value for name, value in given.items() if value is not None}
    result = job(
        model,
        table,
        columns=columns,
        train=train,
        encoding=encoding,
        delimiter=delimiter,
        input_format=input_format,
        html=html,
        runtime=runtime,
    )
    if result.runtime and not quiet:
        note(f"Computed by {result.runtime}.")
    if as_json:
        references = {name: evaluation.to_dict() for name, evaluation in result.references.items()}
        show_json(result.model.to_dict() | {"references": references})
    else:
        show_evaluations(result.rows)
