"""Taxonomies: nodes known by their path, in immutable arrays; files in and out; checks; differences."""

from textaxa.taxonomy._checks import check_taxonomy
from textaxa.taxonomy._csr import CSR
from textaxa.taxonomy._diff import Change, Diff, diff_taxonomies
from textaxa.taxonomy._draft import NodeRecord
from textaxa.taxonomy._edited import Edited
from textaxa.taxonomy._editing import apply_edits
from textaxa.taxonomy._edits import Add, Describe, Edit, Merge, Move, Part, Remove, Rename, SetTerminal, Split
from textaxa.taxonomy._edits_file import (
    edit_from_dict,
    edit_to_dict,
    edits_from_list,
    edits_to_dict,
    read_edits,
    write_edits,
)
from textaxa.taxonomy._files import read_taxonomy, write_taxonomy
from textaxa.taxonomy._mapping import Link, NodeMapping, map_nodes
from textaxa.taxonomy._mapping_file import read_mapping
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path, format_path, parse_path
from textaxa.taxonomy._taxonomy import Taxonomy
from textaxa.taxonomy._texts import label_texts

__all__ = [
    "CSR",
    "DEFAULT_SEPARATOR",
    "Add",
    "Change",
    "Describe",
    "Diff",
    "Edit",
    "Edited",
    "Link",
    "Merge",
    "Move",
    "NodeMapping",
    "NodeRecord",
    "Part",
    "Path",
    "Remove",
    "Rename",
    "SetTerminal",
    "Split",
    "Taxonomy",
    "apply_edits",
    "check_taxonomy",
    "diff_taxonomies",
    "edit_from_dict",
    "edit_to_dict",
    "edits_from_list",
    "edits_to_dict",
    "format_path",
    "label_texts",
    "map_nodes",
    "parse_path",
    "read_edits",
    "read_mapping",
    "read_taxonomy",
    "write_edits",
    "write_taxonomy",
]
