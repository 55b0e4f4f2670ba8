"""``textaxa check``."""

from typing import Annotated

import typer

from textaxa.cli import _options as options


def check(
    table: Annotated[str, typer.Argument(help="Table to look over: CSV, TSV, JSONL, Parquet; - is stdin.")],
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    id: options.Id = None,
    group: options.Group = None,
    valid: Annotated[
        str | None,
        typer.Option(
            help="Validation or test table: texts in both, and labels only there, are found.", metavar="TABLE"
        ),
    ] = None,
    taxonomy: Annotated[
        str | None, typer.Option(help="The taxonomy's file; labels outside it are found.", metavar="FILE")
    ] = None,
    max_length: Annotated[int | None, typer.Option(help="Length limit of the encoder in tokens. Default: 256.")] = None,
    config: Annotated[str | None, typer.Option(help="Configuration file; flags win over it.", metavar="FILE")] = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    as_json: options.Json = False,
) -> None:
    """Find what would spoil training: duplicates, blank texts, rare classes, labels outside the taxonomy, …

    Exit status 1 if something is found that training would refuse.
    """
    from textaxa.cli._tables import end_with
    from textaxa.config import read_config
    from textaxa.jobs.check import check as job

    data = options.data_options(
        text=text,
        template=template,
        labels=labels,
        path=path,
        paths=paths,
        separator=separator,
        paths_separator=paths_separator,
        id=id,
        group=group,
        input_format=input_format,
        encoding=encoding,
        delimiter=delimiter,
    )
    overrides = {"data": data, "taxonomy": {"file": taxonomy}, "encoder": {"max_length": max_length}}
    settings = read_config(config, overrides)
    report = job(
        table,
        settings.data.columns(),
        valid=valid or settings.data.valid,
        taxonomy=settings.taxonomy.file,
        taxonomy_format=settings.taxonomy.format,
        max_length=settings.encoder.max_length,
        input_format=settings.data.format,
        encoding=settings.data.encoding,
        delimiter=settings.data.delimiter,
    )
    end_with(report, as_json=as_json)
