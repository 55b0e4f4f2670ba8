"""``textaxa init``: how to begin, with a table or with no more than a taxonomy."""

from typing import Annotated, Any

import typer

from textaxa.cli import _options as options


def init(
    table: Annotated[str | None, typer.Argument(help="The training table; its columns are looked at.")] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", help="With a table: the file to write; - is stdout.", metavar="FILE")
    ] = "textaxa.toml",
    taxonomy: Annotated[
        str | None,
        typer.Option(
            help="No table: a model from the names and descriptions of these categories.",
            metavar="FILE",
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("--out", help="With --taxonomy: folder of the model.", metavar="FOLDER"),
    ] = None,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    encoder: options.Encoder = None,
    max_length: options.MaxLength = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="With --taxonomy: any setting, as head.label_words=30.", metavar="SECTION.KEY=VALUE"
        ),
    ] = None,
    config: options.ConfigFile = None,
    input_format: options.InputFormat = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
) -> None:
    """Begin: a commented configuration from a table's columns, or a model from a taxonomy alone.

    With a table, the columns of text and labels are guessed and written to a configuration for `textaxa train`. With
    --taxonomy no table is read: texts go where the words of the categories are nearest. The options of columns and
    encoder are for --taxonomy; columns are remembered for the tables to come.
    """
    if table is not None and (taxonomy is not None or out is not None):
        raise typer.BadParameter(
            "a table makes a configuration, --taxonomy FILE --out FOLDER a model without one: give one of them",
            param_hint="TABLE",
        )
    columns: dict[str, Any] = {"text": text, "template": template, "labels": labels, "path": path, "paths": paths}
    if table is not None and any((*columns.values(), separator, paths_separator, encoder, max_length, setting, config)):
        raise typer.BadParameter(
            "columns are guessed from the table, and all else is set in the file that is written; options of columns "
            "and encoder are for --taxonomy",
            param_hint="TABLE",
        )
    if table is not None:
        _configuration(table, output, overwrite, format=input_format, encoding=encoding, delimiter=delimiter)
        return
    if taxonomy is None and config is None:
        raise typer.BadParameter("name a training table, or --taxonomy FILE with --out FOLDER", param_hint="TABLE")
    if out is None:
        raise typer.BadParameter("name the folder of the model", param_hint="--out")
    flags: dict[str, dict[str, Any]] = {
        "data": options.data_options(**columns, separator=separator, paths_separator=paths_separator),
        "taxonomy": {"file": taxonomy},
        "encoder": {"encoder": encoder, "max_length": max_length},
    }
    _model(flags, setting or [], config, out, overwrite=overwrite, quiet=quiet)


def _configuration(table: str, output: str, overwrite: bool, **how: str | None) -> None:
    from textaxa.jobs.init import init as job

    target = None if output == "-" else output
    result = job(table, target, **how, overwrite=overwrite)
    if target is None:
        typer.echo(result.text, nl=False)
        return
    text = ", ".join(result.data.get("text", ())) or "not found: please fill in"
    labels = result.data.get("labels") or result.data.get("path") or result.data.get("paths")
    shown = ", ".join(labels) if isinstance(labels, list) else labels or "not found: please fill in"
    typer.echo(f"Written: {output}. Text: {text}. Labels: {shown}.")
    typer.echo(f"Read it through, then: textaxa train --config {output} --out model/")


def _model(
    flags: dict[str, dict[str, Any]],
    settings: list[str],
    config: str | None,
    out: str,
    *,
    overwrite: bool,
    quiet: bool,
) -> None:
    from textaxa.cli._settings import merged, parse_settings
    from textaxa.config import read_config
    from textaxa.jobs.zero_shot import ZERO_SHOT_HEAD
    from textaxa.jobs.zero_shot import zero_shot as job

    overrides = merged({"head": {"name": ZERO_SHOT_HEAD}}, flags, parse_settings(settings))
    result = job(read_config(config, overrides), out, overwrite=overwrite)
    if quiet:
        return
    typer.echo(f"Made from the words of {len(result.model.taxonomy):,} nodes; no row was read. Saved: {out}")
    typer.echo(f"Use it: textaxa predict {out} new.csv -o out.csv, or textaxa serve {out} --feedback corrections.jsonl")
