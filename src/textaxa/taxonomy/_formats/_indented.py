"""``indented``: text with one node a line, one tab in front for every level above it.

After the name may follow, each after a tab, a description and the word ``terminal`` (labels may end at this inner
node). Keeps names, descriptions and terminals of trees, not codes.
"""

from typing import IO

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import END, TOP, UNKNOWN, Draft
from textaxa.taxonomy._formats._format import Options, preorder, refuse_outer_spaces
from textaxa.taxonomy._taxonomy import Taxonomy

_MARK = "terminal"


def read(text: str, options: Options) -> Draft:
    """Draft the tree of tab-indented text."""
    draft = Draft(source=options.source, rows=[])
    above: list[int] = []
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            _read_line(draft, line.rstrip("\r"), row, above)
    return draft


def _read_line(draft: Draft, line: str, row: int, above: list[int]) -> None:
    """Add one line; ``above`` holds the last node of every level down to the current one."""
    fields = line.lstrip("\t").split("\t")
    level = len(line) - len(line.lstrip("\t"))
    if fields[0].startswith(" "):
        draft.fault("indentation", f"Row {row} is indented by spaces.", row)
        return
    if level > len(above):
        message = f"Row {row} is {level} tabs in, but the row above it allows at most {len(above)}."
        draft.fault("indentation", message, row)
        return
    description, mark, *rest = [field.strip() for field in [*fields[1:], "", ""]]
    extra = next((field for field in rest if field), mark if mark != _MARK else "")
    if extra:
        draft.fault("indentation", f"Row {row} has {extra!r} after the description.", row)
        return
    del above[level:]
    node = draft.add(fields[0].strip(), above[-1] if above else TOP, terminal=END if mark else UNKNOWN, row=row)
    above.append(node)
    if description:
        draft.descriptions[node] = description


def write(taxonomy: Taxonomy, file: IO[str], _: Options) -> None:
    """Write every node as a line."""
    refuse_outer_spaces(taxonomy)
    for node in preorder(taxonomy):
        inner_end = taxonomy.is_terminal[node] and not taxonomy.is_leaf[node]
        fields = [taxonomy.names[node], taxonomy.descriptions[node], _MARK if inner_end else ""]
        _refuse_breaks(fields)
        tabs = "\t" * (int(taxonomy.depth[node]) - 1)
        file.write(tabs + "\t".join(fields).rstrip("\t") + "\n")


def _refuse_breaks(fields: list[str]) -> None:
    for field in fields[:2]:
        if any(character in field for character in "\t\r\n"):
            raise TaxonomyError(
                f"{field!r} holds a tab or a line break, which indented text cannot. Write format='codes'."
            )
