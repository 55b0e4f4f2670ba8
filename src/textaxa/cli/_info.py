"""``textaxa info``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.info import Info

MEGABYTE = 1_000_000


def info(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    as_json: options.Json = False,
) -> None:
    """Tell what a model is: its taxonomy, data, scores, settings and versions."""
    from textaxa.cli._tables import show_json
    from textaxa.jobs.info import info as job

    found = job(model)
    if as_json:
        sizes = {"nodes": found.nodes, "levels": found.levels, "terminals": found.terminals, "bytes": found.size}
        config = {name: value for name, value in found.config.items() if name != "files"}
        show_json(config | {"taxonomy": sizes})
    else:
        _show(model, found)


def _show(model: str, found: "Info") -> None:
    from rich.markdown import Markdown

    from textaxa.cli._tables import console

    config = found.config
    task = "one path a text" if config["task"] == "single" else "several paths a text"
    head = config["head"].get("name", "unknown")
    out = console()
    out.print(
        f"{model}: {head} head, {task}; {found.nodes:,} nodes on {found.levels} levels, "
        f"{found.terminals:,} of them ends of labels; {found.size / MEGABYTE:,.0f} MB; "
        f"made by textaxa {config.get('textaxa_version')}",
        markup=False,
        highlight=False,
    )
    for part in config.get("plugins", []):
        told = f"It needs the {part['kind']} {part['name']} of the package {part['package']} {part['version']}."
        out.print(told, markup=False, highlight=False)
    out.print(Markdown(_without_header(found.card)))


def _without_header(card: str) -> str:
    """Leave out the metadata header of a card, which is for machines."""
    if card.startswith("---\n"):
        return card.split("\n---", 1)[-1].lstrip("-\n")
    return card
