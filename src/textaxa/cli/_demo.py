"""``textaxa demo``."""

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from rich.table import Table

    from textaxa.jobs.demo import DemoResult
    from textaxa.model import Model

TEXT_WIDTH = 52
PERCENT = 100
TRY = "Online football game: build your club, play league matches against friends"


def demo(
    out: Annotated[str, typer.Option("--out", help="Where the model is kept.", metavar="FOLDER")] = "demo-model",
    retrain: Annotated[bool, typer.Option("--retrain", help="Train again even if the model is there.")] = False,
    top: Annotated[int, typer.Option(help="Paths shown for what you type.", min=1)] = 3,
    frozen: Annotated[bool, typer.Option("--frozen", help="Train the head only.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Train on 3,364 app descriptions, show the scores and a dozen apps, then classify what you type or pipe in."""
    from textaxa.cli._progress import training_progress
    from textaxa.cli._tables import console
    from textaxa.config import Config
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.demo import demo as job

    config = Config.from_dict({"encoder": {"frozen": frozen}})
    with nullcontext(nobody) if quiet else training_progress() as listener:
        result = job(out, config=config, retrain=retrain, listener=listener)
    _tell(result)
    typer.echo(result.table)
    console().print(_dozen(result))
    _answer(result.model, top, str(result.folder))


def _tell(result: "DemoResult") -> None:
    how = "Trained now" if result.trained else "Trained earlier"
    typer.echo(
        f"{how}, in {result.seconds:,.0f} s, on {result.rows:,} apps ({result.valid_rows:,} more chose the epoch); "
        f"scored on {result.test_rows:,} that it has not seen. Kept in {result.folder}"
    )


def _dozen(result: "DemoResult") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title="A dozen apps that it has not seen; probability: that the label is exactly this path",
        title_justify="left",
    )
    table.add_column("text", overflow="fold", max_width=TEXT_WIDTH)
    table.add_column("true path", overflow="fold")
    table.add_column("predicted path", overflow="fold")
    table.add_column("probability", justify="right")
    for one in result.shown:
        right = one.answer.path == one.true
        text = one.text if len(one.text) <= TEXT_WIDTH else one.text[: TEXT_WIDTH - 1] + "…"
        table.add_row(
            Text(text),
            Text(" > ".join(one.true)),
            Text(" > ".join(one.answer.path), style="green" if right else "red"),
            f"{PERCENT * one.answer.path_probability:.0f} %",
        )
    return table


def _answer(model: "Model", top: int, folder: str) -> None:
    """Classify lines until there are no more."""
    asked = sys.stdin.isatty()
    if asked:
        typer.echo(f"Type a text, or an empty line to end. Try: {TRY}")
    try:
        while True:
            line = input("> ") if asked else sys.stdin.readline()
            if not line.strip():
                if asked or not line:
                    break
                continue
            _answer_one(model, line.strip(), top, echo=not asked)
    except EOFError:
        typer.echo()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Stopped; the model is kept in {folder}.") from None


def _answer_one(model: "Model", text: str, top: int, *, echo: bool) -> None:
    from textaxa.jobs.demo import classify

    if echo:
        typer.echo(f"> {text}")
    for found in classify(model, [text], top=top)[0]:
        typer.echo(f"  {PERCENT * found.path_probability:3.0f} %  {' > '.join(found.path)}")
    sys.stdout.flush()
