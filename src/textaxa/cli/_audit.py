"""``textaxa audit``."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textaxa.cli import _options as options
from textaxa.heads import HEADS

if TYPE_CHECKING:
    from textaxa.audit import LabelError
    from textaxa.jobs.audit import AuditResult

FIRST = 10
"""Rows of each table on the screen, if not told otherwise."""

TEXT_WIDTH = 60
"""Characters of a text that the screen shows."""

_TITLES = {"wrong branch": "Wrong branch", "wrong leaf": "Right branch, wrong leaf"}


def audit(
    table: Annotated[str, typer.Argument(help="Table to look into: CSV, TSV, JSONL, Parquet; - is stdin.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Model whose settings are trained anew, so that no row is scored by a model that has seen it.",
            metavar="FOLDER",
            rich_help_panel=options.MODEL,
        ),
    ] = None,
    as_is: Annotated[
        bool,
        typer.Option(
            "--as-is",
            help="Use --model as it is. Only right where it has never seen these rows.",
            rich_help_panel=options.MODEL,
        ),
    ] = False,
    text: options.Text = None,
    template: options.Template = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    separator: options.Separator = None,
    paths_separator: options.PathsSeparator = None,
    id: options.Id = None,
    group: options.Group = None,
    input_format: options.InputFormatOnly = None,
    encoding: options.Encoding = None,
    delimiter: options.Delimiter = None,
    taxonomy: options.TaxonomyFile = None,
    head: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(HEADS)}. Default: linear.", rich_help_panel=options.MODEL),
    ] = None,
    encoder: options.Encoder = None,
    frozen: Annotated[
        bool | None,
        typer.Option("--frozen/--no-frozen", help="Leave the encoder as it is.", rich_help_panel=options.MODEL),
    ] = None,
    fine_tune: Annotated[
        bool,
        typer.Option(
            "--fine-tune", help="Fine-tune the encoder anew in every fold: hours.", rich_help_panel=options.MODEL
        ),
    ] = False,
    folds: Annotated[
        int, typer.Option(min=2, max=100, help="Models that share the rows.", rich_help_panel=options.RUN)
    ] = 5,
    seed: Annotated[
        int | None, typer.Option(help="Seed of folds and models. Default: 0.", rich_help_panel=options.RUN)
    ] = None,
    duplicates: Annotated[
        bool,
        typer.Option(
            "--duplicates/--no-duplicates", help="Look for near-duplicate texts.", rich_help_panel=options.RUN
        ),
    ] = True,
    similarity: Annotated[
        float,
        typer.Option(help="From here on two texts are near-duplicates, in (0, 1].", rich_help_panel=options.RUN),
    ] = 0.8,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any setting: head.vectors=true, head.C=0.5.", metavar="SECTION.KEY=VALUE"),
    ] = None,
    config: options.ConfigFile = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="All likely errors: CSV, TSV, JSONL or Parquet.", metavar="FILE"),
    ] = None,
    first: Annotated[int, typer.Option(min=0, help="Rows of each table on the screen.")] = FIRST,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find likely label errors, categories that overlap, and near-duplicate texts with different labels."""
    from textaxa.cli._settings import merged, parse_settings
    from textaxa.config import read_config
    from textaxa.data import write_rows
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.audit import DEFAULT_HEAD
    from textaxa.jobs.audit import audit as job

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
    flags: dict[str, dict[str, Any]] = {
        "data": data | {"table": table},
        "taxonomy": {"file": taxonomy},
        "encoder": {"encoder": encoder, "frozen": frozen},
        "head": {"name": head or (None if config else DEFAULT_HEAD)},
        "training": {"seed": seed},
    }
    settings = read_config(config, merged(flags, parse_settings(setting or [])))
    if model is not None and (head or encoder or setting):
        raise typer.BadParameter(
            "the model brings its settings: leave --head, --encoder and --set out", param_hint="--model"
        )
    if out == "-" and as_json:
        raise typer.BadParameter("both go to standard output: give one of them", param_hint="--out - and --json")
    with ExitStack() as stack:
        writer = stack.enter_context(write_rows(out, overwrite=overwrite, columns=_columns(data))) if out else None
        result = job(
            settings,
            model=model,
            columns={name: value for name, value in data.items() if name in _COLUMN_FIELDS},
            as_is=as_is,
            folds=folds,
            fine_tune=fine_tune,
            duplicates=duplicates,
            similarity=similarity,
            listener=nobody if quiet or as_json else _tell,
        )
        if writer is not None:
            writer.write(list(result.rows()))
    if as_json:
        from textaxa.cli._tables import show_json

        show_json(result.to_dict())
    elif out != "-":
        _show(result, first, out)


_COLUMN_FIELDS = ("text", "template", "labels", "path", "paths", "separator", "paths_separator", "id", "group")

_ADDED = (
    "text", "given", "suggested", "kind", "change", "score", "given_probability", "suggested_probability", "confident",
)  # fmt: skip


def _columns(data: dict[str, Any]) -> list[str]:
    """Give the columns of the file, which has a header even where nothing was found."""
    return ["row", *(["id"] if data["id"] else []), *_ADDED]


def _tell(event: dict[str, Any]) -> None:
    from textaxa.cli._door import note

    match event["event"]:
        case "data":
            note(f"{event['rows']:,} rows; {event['nodes']:,} nodes on {event['levels']} levels")
        case "fold":
            note(f"model {event['fold']} of {event['folds']}")
        case "duplicates":
            note("looking for near-duplicates")


def _show(result: "AuditResult", first: int, out: str | None) -> None:
    from textaxa.cli._tables import console

    screen = console()
    screen.print(_summary(result))
    for kind, title in _TITLES.items():
        errors = [error for error in result.errors if error.kind == kind]
        if errors and first:
            screen.print(_table(result, f"{title}: {len(errors):,}, first {min(first, len(errors))}", errors[:first]))
    _show_sentences("Categories that overlap", [one.sentence for one in result.overlaps], first)
    _show_sentences("Categories that could be split", [one.sentence for one in result.groups], first)
    _show_duplicates(result, first)
    if out is not None:
        screen.print(_plain(f"All {len(result.errors):,} likely errors, most suspicious first: {out}"))


def _plain(line: str) -> Any:
    """Give a line as it is: what stands in brackets in a text is no markup."""
    from rich.text import Text

    return Text(line)


def _summary(result: "AuditResult") -> Any:
    rows = len(result.examples)
    if not result.errors:
        return _plain(f"{result.how}\nThe models contradict none of the labels of the {rows:,} rows.")
    shown = f"{result.confident:,} of {rows:,} rows ({100 * result.confident / rows:.1f} %)"
    return _plain(
        f"{result.how}\n{shown} have a label that the models contradict as clearly as they recognise other labels. "
        "Begin with the first rows and stop where the labels are right."
    )


def _table(result: "AuditResult", title: str, errors: list["LabelError"]) -> Any:
    from rich.table import Table

    from textaxa.taxonomy import format_path

    table = Table(title=_plain(title), title_justify="left")
    for name in (result.examples.unit, "text", "given", "suggested"):
        table.add_column(name, overflow="fold")
    table.add_column("score", justify="right")
    for error in errors:
        cells = (_short(result.examples.texts[error.row]), format_path(error.given), format_path(error.suggested))
        line = f"{result.examples.rows[error.row]:,}"
        table.add_row(line, *(_plain(cell) for cell in cells), f"{error.score:.2f}")
    return table


def _short(text: str) -> str:
    plain = " ".join(text[: 4 * TEXT_WIDTH].split())
    return plain if len(plain) <= TEXT_WIDTH else f"{plain[: TEXT_WIDTH - 1]}…"


def _show_sentences(title: str, sentences: list[str], first: int) -> None:
    from textaxa.cli._tables import console

    if not sentences:
        return
    more = f", first {first}" if len(sentences) > first else ""
    console().print(_plain(f"{title}: {len(sentences):,}{more}"))
    for sentence in sentences[:first]:
        console().print(_plain(f"- {sentence}"))


def _show_duplicates(result: "AuditResult", first: int) -> None:
    from textaxa.cli._tables import console
    from textaxa.taxonomy import format_path

    if result.duplicates is None:
        return
    screen, examples = console(), result.examples
    conflicts = [one for one in result.duplicates if one.conflict]
    screen.print(
        _plain(
            f"Nearly the same text: {len(result.duplicates):,} groups of rows, of which {len(conflicts):,} have "
            "different labels"
        )
    )
    for one in conflicts[:first]:
        told = [
            f"{examples.unit} {examples.rows[row]:,} is {'; '.join(format_path(path) for path in examples.labels[row])}"
            for row in _differing(result, one.rows)
        ]
        screen.print(_plain(f"- {', '.join(told)}: {_short(examples.texts[one.rows[0]])}"))


def _differing(result: "AuditResult", rows: tuple[int, ...]) -> list[int]:
    """Give the first two rows of a group that have different labels."""
    labels = result.examples.labels
    other = next(row for row in rows if set(labels[row]) != set(labels[rows[0]]))
    return [rows[0], other]
