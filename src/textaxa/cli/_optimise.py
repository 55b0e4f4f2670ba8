"""``textaxa optimise``."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

if TYPE_CHECKING:
    from textaxa.jobs._listener import Event
    from textaxa.jobs.optimise import OptimiseResult

_SEARCH = "The search"


def optimise(
    model: Annotated[str, typer.Argument(help="Folder of the model; it is left as it is.")],
    table: Annotated[str, typer.Argument(help="Labelled rows that the model has not seen; - is stdin.")],
    max_loss: Annotated[
        float, typer.Option(help="Points of accuracy that may be lost on them.", rich_help_panel=_SEARCH)
    ] = 0.3,
    confidence: Annotated[
        float | None,
        typer.Option(
            help="Prove it with this confidence (0.95); else what is measured must not be more.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder of the chosen model; else only the table is shown.")
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(help="Rows that the model was trained on: cheaper models are fitted on them.", metavar="TABLE"),
    ] = None,
    unlabelled: Annotated[
        str | None, typer.Option(help="More texts, on which cheaper models learn the model's answers.", metavar="TABLE")
    ] = None,
    candidates: Annotated[
        list[str] | None,
        typer.Option(
            help="engine, length, layers, static, linear, fast-path, vocabulary. Default: all but the last.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Nothing that has to be taught.", rich_help_panel=_SEARCH)
    ] = False,
    time_budget: Annotated[
        str,
        typer.Option(
            help="For teaching one network (there are up to four): 90s, 10m.", metavar="TIME", rich_help_panel=_SEARCH
        ),
    ] = "2m",
    seed: Annotated[int, typer.Option(help="Of the draw of the rows.", rich_help_panel=_SEARCH)] = 0,
    plot: Annotated[
        str | None, typer.Option(help="Draw the frontier: .svg, or .html with the table.", metavar="FILE")
    ] = None,
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
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Make a model faster: less work for the same answers, measured on labelled rows."""
    from textaxa.cli._tables import show_json
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.optimise import optimise as job

    given = options.data_options(
        text=text,
        template=template,
        labels=labels,
        path=path,
        paths=paths,
        separator=separator,
        paths_separator=paths_separator,
    )
    with nullcontext(nobody if quiet else _tell_step) as listener:
        result = job(
            model,
            table,
            out,
            train=train,
            unlabelled=unlabelled,
            columns={name: value for name, value in given.items() if value is not None},
            max_loss=max_loss,
            confidence=confidence,
            candidates=options.column_names(candidates),
            quick=quick,
            seconds=options.seconds_of(time_budget) or 1.0,
            seed=seed,
            plot=plot,
            input_format=input_format,
            encoding=encoding,
            delimiter=delimiter,
            overwrite=overwrite,
            listener=listener,
        )
    if as_json:
        show_json(result.to_dict())
    else:
        _show(result)


def _tell_step(event: "Event") -> None:
    note(f"{event['what']} …")


def _show(result: "OptimiseResult") -> None:
    from rich.table import Table

    from textaxa.cli._tables import console
    from textaxa.optimising import cells_of

    table = Table("", result.metric, "points lost", "95 % interval", "texts/s", "times", "MB", "", "what it does")
    for column in table.columns[1:7]:
        column.justify = "right"
    for point in result.points:
        table.add_row(*cells_of(point), point.what, style="bold" if point.chosen else None)
    out = console(160)
    out.print(table)
    rows = result.rows
    typer.echo(
        f"{rows.fitting:,} rows fitted cheaper models, {rows.choosing:,} chose what to try, {rows.proving:,} chose "
        "nothing: the table is of these. Times is the speed beside the given model by PyTorch."
    )
    typer.echo(_verdict(result))


def _verdict(result: "OptimiseResult") -> str:
    """Say what was chosen, and how well that is founded."""
    chosen, allowed = result.chosen, f"{result.max_loss:g} points"
    if chosen.kind == "given":
        how = "measured" if result.confidence is None else f"proven with {result.confidence:.0%} confidence"
        return f"Nothing faster was {how} to lose at most {allowed}. More labelled rows, or a larger --max-loss, may."
    if result.confidence is None:
        founded = (
            f"It lost {chosen.loss:.2f} points; by chance alone that could be {chosen.low:.2f} to {chosen.high:.2f}."
        )
    else:
        founded = f"With {result.confidence:.0%} confidence it loses at most {allowed}."
    saved = "" if result.out is None else f" Use it: textaxa predict {result.out} new.csv -o out.csv"
    return f"Chosen: {chosen.name}, {chosen.times:.1f} times as fast. {founded}{saved}"
