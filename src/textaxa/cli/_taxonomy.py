"""``textaxa taxonomy show|check|convert|diff|edit``."""

from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import door, note

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.tree import Tree

    from textaxa.taxonomy import Taxonomy

_MOST_SHOWN = 2_000
"""Nodes of a tree that fill some forty screens; a million would take minutes and gigabytes to lay out."""

taxonomy = typer.Typer(
    help="Look at a taxonomy, check it, rewrite it, compare two, edit it.",
    epilog="Example:\n\ntextaxa taxonomy show taxonomy.csv --depth 2",
    no_args_is_help=True,
)

Source = Annotated[str, typer.Argument(help="A taxonomy's file, or a model's folder.")]
Format = Annotated[
    str | None,
    typer.Option(help="codes, paths, levels, lines, indented, yaml, json, skos, annif; told by ending and header."),
]
Separator = Annotated[str, typer.Option(help="Between the names of a path.", metavar="TEXT")]


@taxonomy.command(epilog="Example:\n\ntextaxa taxonomy show taxonomy.csv --depth 1")
@door
def show(
    source: Source,
    depth: Annotated[int | None, typer.Option(help="Show only so many levels.", min=1)] = None,
    format: Format = None,
    separator: Separator = " > ",
    as_json: options.Json = False,
) -> None:
    """Show a taxonomy as a tree."""
    from textaxa.cli._tables import console, show_json
    from textaxa.jobs.taxonomy import open_taxonomy

    found = open_taxonomy(source, format=format, separator=separator)
    if as_json:
        show_json(found.to_dict())
        return
    kind = "" if found.is_tree else " (some nodes have several parents and are shown under each)"
    shown = _levels_shown(found) if depth is None else depth
    cut = f" (the first {shown} shown; --depth shows others)" if depth is None and shown < found.n_levels else ""
    console().print(_tree(found, source, shown))
    typer.echo(f"{len(found):,} nodes on {found.n_levels} levels{cut}, {len(found.terminals):,} ends of labels{kind}")


@taxonomy.command(
    epilog="Example:\n\ntextaxa taxonomy check taxonomy.csv --data apps.csv --labels category,subcategory"
)
@door
def check(
    source: Source,
    format: Format = None,
    separator: Separator = " > ",
    data: Annotated[
        str | None, typer.Option(help="A table: nodes without texts in it are found.", metavar="TABLE")
    ] = None,
    labels: options.Labels = None,
    path: options.Path = None,
    paths: options.Paths = None,
    as_json: options.Json = False,
) -> None:
    """Find faults in a taxonomy, all in one go. Exit status 1 if there are errors."""
    from textaxa.cli._tables import end_with
    from textaxa.jobs.taxonomy import check_taxonomy_file

    given = options.data_options(labels=labels, path=path, paths=paths, separator=separator)
    columns = {name: value for name, value in given.items() if value is not None}
    report = check_taxonomy_file(source, format=format, separator=separator, table=data, columns=columns)
    end_with(report, as_json=as_json)


@taxonomy.command(epilog="Example:\n\ntextaxa taxonomy convert taxonomy.csv taxonomy.yaml")
@door
def convert(
    source: Source,
    target: Annotated[str, typer.Argument(help="The file to write.")],
    format: Format = None,
    to: Annotated[str | None, typer.Option(help="The target's format; told by its ending.", metavar="FORMAT")] = None,
    separator: Separator = " > ",
    language: Annotated[str | None, typer.Option(help="Of SKOS: the language of names, as in: fi.")] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Rewrite a taxonomy in another format."""
    from textaxa.jobs.taxonomy import convert_taxonomy

    how = {"format": format, "to": to, "separator": separator, "language": language}
    found = convert_taxonomy(source, target, **how, overwrite=overwrite)  # type: ignore[arg-type]
    note(f"{len(found):,} nodes written: {target}")


@taxonomy.command(epilog="Example:\n\ntextaxa taxonomy diff old.csv new.csv")
@door
def diff(
    old: Annotated[str, typer.Argument(help="A taxonomy's file, or a model's folder.")],
    new: Annotated[str, typer.Argument(help="The other one.")],
    map: Annotated[
        str | None,
        typer.Option("--map", help="Table of old, new and share: what was split and merged.", metavar="TABLE"),
    ] = None,
    separator: Separator = " > ",
    as_json: options.Json = False,
) -> None:
    """Show what changed from one taxonomy to another."""
    from textaxa.cli._tables import console, show_json
    from textaxa.jobs.taxonomy import diff_taxonomy_files

    found = diff_taxonomy_files(old, new, map=map, separator=separator)
    if as_json:
        show_json(found.to_dict())
        return
    for line in found.to_text().splitlines():
        console().print(line, markup=False, highlight=False, soft_wrap=True)


@taxonomy.command(epilog="Example:\n\ntextaxa taxonomy edit taxonomy.csv --edits edits.json --out new.csv")
@door
def edit(
    source: Source,
    edits: Annotated[str, typer.Option(help="JSON with a list of edits.", metavar="FILE")],
    out: Annotated[str, typer.Option("--out", "-o", help="The file to write.", metavar="FILE")],
    separator: Separator = " > ",
    overwrite: options.Overwrite = False,
) -> None:
    """Change a taxonomy: add, rename, describe, move, merge, split and remove nodes."""
    from textaxa.cli._tables import console
    from textaxa.jobs.taxonomy import edit_taxonomy

    edited = edit_taxonomy(source, edits, out, separator=separator, overwrite=overwrite)
    for line in edited.diff.to_text(separator).splitlines():
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    note(f"{len(edited.taxonomy):,} nodes written: {out}")


def _levels_shown(found: "Taxonomy") -> int:
    """Give how many levels a person may want to see at once: all, or those with not too many nodes."""
    end = found.level_slice
    fit = [level for level in range(1, found.n_levels + 1) if end(level).stop <= _MOST_SHOWN]
    return fit[-1] if fit else 1


def _tree(found: "Taxonomy", title: str, depth: int) -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(title))
    waiting = _queued(root, found.level(1))
    while waiting:
        branch, node = waiting.pop()
        if node < 0:
            branch.add(Text(f"… {-node:,} more", style="dim"))
            continue
        below = found.children.row(node)
        hidden = found.depth[node] >= depth
        label = Text(found.path(node)[-1])
        if hidden and len(below):
            label.append(f"  ({len(below):,} below)", style="dim")
        elif found.is_terminal[node] and len(below):
            label.append("  (a label may end here)", style="dim")
        grown = branch.add(label)
        if not hidden:
            waiting += _queued(grown, below)
    return root


def _queued(branch: "Tree", below: "NDArray[np.int32]") -> list[tuple["Tree", int]]:
    """Give what is to be added to a branch, last first; of very many the first, and minus how many more there are."""
    shown = [(branch, int(node)) for node in reversed(below[:_MOST_SHOWN])]
    hidden = len(below) - len(shown)
    return [(branch, -hidden), *shown] if hidden else shown
