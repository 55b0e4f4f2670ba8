"""The faults that keep a file from being a taxonomy: each kind with its headline and its cure."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One reason why a draft cannot become a taxonomy."""

    kind: str
    message: str
    row: int | None = None


class Kind(NamedTuple):
    """What a report says of all faults of a kind."""

    headline: str
    cure: str


KINDS = {
    "cycle": Kind("Nodes go round in a circle", "Correct one of the parents on the way."),
    "orphan": Kind(
        "Parents are named that are not in the taxonomy",
        "Add the parent's row, or correct the code (an empty parent means the top level).",
    ),
    "duplicate-sibling": Kind("Siblings have the same name", "Rename or merge one: they would have the same path."),
    "duplicate-code": Kind(
        "Codes are given to two nodes",
        "Give every node a code of its own; a node with several parents keeps its name and description in every row.",
    ),
    "repeated-parent": Kind("Nodes are listed twice below one parent", "Leave one out."),
    "blank-name": Kind("Names are blank", "Give every node a name."),
    "blank-code": Kind("Codes are missing", "Give every node a code."),
    "broken-character": Kind("Names hold half a character (a lone surrogate)", "Was the file decoded wrongly?"),
    "wrong-type": Kind("Values are not what belongs there", "Put numbers that are names in quotes."),
    "unknown-path": Kind("Descriptions are given for paths that are not there", "Correct the path, or add it."),
    "ragged-row": Kind(
        "Rows have more or fewer cells than the header", "Is a delimiter missing, or inside a name not in quotes?"
    ),
    "terminal": Kind("The terminal of a node is neither yes nor no", "Write yes, no, or nothing."),
    "child-without-parent": Kind("Rows have a level without the one above it", "Fill the levels from the top down."),
    "bad-path": Kind(
        "Paths cannot be read", "Write the names from the top level down, with one separator between two."
    ),
    "two-descriptions": Kind("Paths are described in two ways", "Keep one of the descriptions."),
    "indentation": Kind(
        "Rows are not indented by tabs, one level at a time",
        "Use one tab for every level, begin at the left, and go down one level at a time. After the name may follow, "
        "each after a tab, a description and the word terminal.",
    ),
    "unknown-key": Kind("Keys are not known", "Nodes have a name, and may have code, description, terminal, children."),
    "duplicate-key": Kind("Keys are given twice", "Keep one of them."),
    "no-label": Kind("Concepts have no prefLabel", "Give every concept one."),
}
