"""``textaxa explain``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note
from textaxa.errors import ConfigError, DataError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Styled

    from textaxa.explanation import Explanation, LevelExplanation

PERCENT = 100
SHOWN = 1_500
"""Characters of a text that the terminal shows with its words coloured."""

STRONG, FAINT = 0.4, 0.1
"""Shares of the largest contribution from which a word is bold, and from which it is coloured at all."""

LEAST = 0.005
"""Contributions of a level that are not told below this."""

COLOURS = {True: "green", False: "red"}


def explain(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    text: Annotated[str | None, typer.Argument(help="The text; - is stdin.")] = None,
    file: Annotated[str | None, typer.Option("--file", help="Read the text from a file.", metavar="FILE")] = None,
    path: Annotated[
        str | None,
        typer.Option("--path", help="Explain this path. Default: what the model predicts.", metavar="'A > B'"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help="Measure against this path. Default: the runner-up.", metavar="'A > C'"),
    ] = None,
    separator: options.Separator = " > ",
    through_encoder: Annotated[
        bool,
        typer.Option(
            "--through-encoder", help="linear with text vectors: what the vector says by word, too. Takes seconds."
        ),
    ] = False,
    method: Annotated[
        str, typer.Option(help="auto, or occlusion: leave words out. Any model, an export without PyTorch, too.")
    ] = "auto",
    top: Annotated[int, typer.Option(help="Words listed for and against each level.", min=1)] = 8,
    html: Annotated[
        str | None, typer.Option("--html", help="Write a page with the words marked.", metavar="FILE")
    ] = None,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
) -> None:
    """Show which words argued for each level of a text's path, and which against it."""
    from textaxa.cli._tables import console, show_json
    from textaxa.jobs.explain import explain as job

    if html is not None and Path(html).exists() and not overwrite:
        raise ConfigError(f"The page {html!r} is already there. Name another file, or add --overwrite to replace it.")
    found = job(
        model,
        _text(text, file),
        path=path,
        against=against,
        separator=separator or " > ",
        through_encoder=through_encoder,
        method=method,  # type: ignore[arg-type]  # checked where the names are known
    )
    if html is not None:
        from textaxa.data._writers import write_text
        from textaxa.explanation import explanation_html

        write_text(html, explanation_html(found), overwrite=True)
        note(f"The page is in {html}")
    if as_json:
        show_json(found.to_dict())
    else:
        _show(found, top, console())


def _text(text: str | None, file: str | None) -> str:
    """Give the text: from the command line, a file or stdin."""
    if (text is None) == (file is None):
        raise ConfigError("Give the text, or a file with --file, or - to read it from stdin; one of them.")
    if file is None and text != "-":
        return text or ""
    content = sys.stdin.buffer.read() if file is None else Path(file).read_bytes()
    try:
        return content.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file or 'stdin'} is not UTF-8 (byte {error.start + 1:,}). Save the text as UTF-8."
        ) from error


def _show(found: "Explanation", top: int, out: "Console") -> None:
    from rich.text import Text

    for path in found.paths:
        out.print(Text(" > ".join(path), style="bold"))
    out.print(Text(f"{found.method}; log-odds in nats: +0.7 doubles the odds, -0.7 halves them", style="dim"))
    for level in found.levels:
        out.print()
        out.print(_headline(level))
        if out.is_terminal and not out.no_color:
            out.print(_coloured(found.text, level))
        out.print(_table(found.text, level, top))


def _headline(level: "LevelExplanation") -> "Styled":
    from rich.text import Text

    line = Text.assemble((level.name, "bold"), f" {_percent(level.probability)}")
    other = " > ".join(level.against or ())
    chance = "" if level.against_probability is None else f" {_percent(level.against_probability)}"
    told = {
        "no choice": ": there is no other way on, so no word decided anything",
        "log-odds": f": log-odds {level.score:+.2f}",
        "ends here": f" against ending at {other}{chance}: {level.score:+.2f}",
        "named": f" against {other}{chance}: {level.score:+.2f}",
    }
    return line.append(told.get(level.kind, f" against the runner-up {other}{chance}: {level.score:+.2f}"))


def _coloured(text: str, level: "LevelExplanation") -> "Styled":
    """Give the text with its words in the colour of what they did."""
    from rich.text import Text

    line = Text(text[:SHOWN] + (" …" if len(text) > SHOWN else ""))
    largest = max((abs(word.weight) for word in level.words), default=0.0)
    for word in level.words:
        if word.end <= SHOWN and abs(word.weight) > FAINT * largest:
            strong = "bold " if abs(word.weight) > STRONG * largest else ""
            line.stylize(strong + COLOURS[word.weight > 0], word.start, word.end)
    line.pad_left(2)
    return line


def _table(text: str, level: "LevelExplanation", top: int) -> "Table":
    """Give the words for and against, and what is left, a row each."""
    from rich.table import Table
    from rich.text import Text

    from textaxa.explanation._words import listed

    table = Table.grid(padding=(0, 2, 0, 0), pad_edge=True)
    if level.kind == "no choice":
        return table
    found = listed(text, level.words)
    for side, style in (("for", "green"), ("against", "red")):
        words = [one for one in found if (one.weight > 0) == (side == "for")]
        told = [f"{_shown(one.word)}{f' × {one.times}' if one.times > 1 else ''} {one.weight:+.2f}" for one in words]
        rest = [f"{len(words) - top:,} more {sum(one.weight for one in words[top:]):+.2f}"] if words[top:] else []
        table.add_row(Text(f"  {side}", style), Text(", ".join([*told[:top], *rest]) or "nothing"))
    others = {"without words": level.baseline, **level.elsewhere}
    others |= {"inexactness": level.error} if abs(level.error) >= LEAST else {}
    told = [f"{name} {value:+.2f}" for name, value in others.items()]
    table.add_row(Text("  else", "dim"), Text(", ".join(told), "dim"))
    return table


def _shown(word: str) -> str:
    """Quote a sign, which would be lost among the others."""
    return word if any(character.isalnum() for character in word) else f"“{word}”"


def _percent(probability: float) -> str:
    return f"{PERCENT * probability:.1f} %"
