"""``textaxa plugins``."""

from dataclasses import asdict
from typing import Annotated

import typer

from textaxa.cli import _options as options


def plugins(
    check: Annotated[bool, typer.Option("--check", help="Import each, and tell what is wrong with it.")] = False,
    as_json: options.Json = False,
) -> None:
    """List the heads, encoders and decoders that other installed packages bring."""
    from textaxa.cli._tables import show_json
    from textaxa.jobs.plugins import list_plugins

    found = list_plugins(check=check)
    if as_json:
        show_json([asdict(part) for part in found])
        return
    for part in found:
        typer.echo(
            f"{part.kind} {part.name}: {part.package} {part.version}" + (f". {part.fault}" if part.fault else "")
        )
    if not found:
        typer.echo("No package here brings a head, an encoder or a decoder.")
