"""What the doctor looks for in labels: classes with too few rows, names that may be one, paths that were not split."""

import re
import unicodedata
from collections import Counter

import numpy as np

from textaxa._report import MAX_EXAMPLES, Finding
from textaxa.data._columns import Columns
from textaxa.data._places import SeenRow, counted, share
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path, Taxonomy

FEW_ROWS = 10
"""With fewer rows, one in ten held out is less than one row: neither learnt well nor measured."""

COMMON_SHARE = 0.5
"""A path with over half of the rows: always answering it is right more often than not, and accuracy says little."""

OTHER_SEPARATORS = (">", "/", "|", "::", "»", "→", "\\")
"""What other tools put between levels."""

MANY_UNSPLIT = 0.5
"""Share of one-level paths with a possible separator from which on it is probably one."""

_LISTED = re.compile(r"^\s*[\[(]\s*['\"]")


class LabelCounts:
    """How many rows every path has, and what the paths look like."""

    def __init__(self, columns: Columns, taxonomy: Taxonomy | None) -> None:
        self.rows: Counter[Path] = Counter()
        self.first: dict[Path, str] = {}
        self.n_rows = 0
        self.several = 0
        self._columns = columns
        self._taxonomy = taxonomy

    def see(self, row: SeenRow) -> None:
        """Look at one row."""
        if not row.labels:
            return
        self.n_rows += 1
        self.several += len(row.labels) > 1
        for path in row.labels:
            self.rows[path] += 1
            self.first.setdefault(path, row.place)

    def findings(self) -> list[Finding]:
        """Give what was found."""
        if not self.rows:
            return []
        return [
            *self._too_few_classes(),
            *self._few_rows(),
            *self._common(),
            *self._variants(),
            *self._unsplit(),
            *self._listed(),
            *self._nested(),
            *self._without_rows(),
            *self._empty_columns(),
        ]

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Give the number of paths, their depth, and the rows of each."""
        if not self.rows:
            return ()
        counts = list(self.rows.values())
        depths = Counter(len(path) for path in self.rows.elements())
        ends = ", ".join(f"level {depth}: {share(count, depths.total())}" for depth, count in sorted(depths.items()))
        facts = [
            ("paths", f"{len(self.rows):,}"),
            ("rows a path", f"fewest {min(counts):,}, median {np.median(counts):,.0f}, most {max(counts):,}"),
            ("labels end at", ends),
        ]
        if self.several:
            facts.append(("rows with several paths", f"{self.several:,} ({share(self.several, self.n_rows)})"))
        return tuple(facts)

    def _too_few_classes(self) -> list[Finding]:
        if len(self.rows) == 1:
            (path,) = self.rows
            return [
                Finding(
                    "one-class",
                    "error",
                    f"Every row has the label {_shown(path)}: there is nothing to tell apart.",
                    self.n_rows,
                    advice="Add rows with other labels, or name another label column.",
                )
            ]
        if max(self.rows.values()) == 1:
            return [
                Finding(
                    "one-row-a-class",
                    "error",
                    f"Each of the {len(self.rows):,} paths has a single row: nothing can be held out or learnt.",
                    len(self.rows),
                    advice="Is the label column an id or a title? Else add rows, or use the higher levels only.",
                )
            ]
        return []

    def _few_rows(self) -> list[Finding]:
        few = sorted((count, path) for path, count in self.rows.items() if count < FEW_ROWS)
        if not few or max(self.rows.values()) == 1:
            return []
        examples = tuple(f"{_shown(path)}: {count}" for count, path in few[:MAX_EXAMPLES])
        single = sum(count == 1 for count, _ in few)
        tail = f", {single:,} of them a single one (never held out, so never measured)" if single else ""
        return [
            Finding(
                "few-rows",
                "warning",
                f"{counted(len(few), 'path')} of {len(self.rows):,} under {FEW_ROWS} rows{tail}.",
                len(few),
                examples,
                "Add rows, merge the class into a sibling, or let the label stop at its parent.",
            )
        ]

    def _common(self) -> list[Finding]:
        path, count = self.rows.most_common(1)[0]
        if len(self.rows) == 1 or count <= COMMON_SHARE * self.n_rows:
            return []
        return [
            Finding(
                "imbalance",
                "note",
                f"{_shown(path)} is the label of {share(count, self.n_rows)} of the rows.",
                count,
                advice="Read the macro-F1 beside the accuracy, which this one path can carry alone.",
            )
        ]

    def _variants(self) -> list[Finding]:
        """Names of one parent that differ only in case, spaces or the form of their characters."""
        spelled: dict[tuple[Path, str], dict[str, str]] = {}
        for path, place in self.first.items():
            for level, name in enumerate(path):
                spelled.setdefault((path[:level], folded(name)), {}).setdefault(name, place)
        groups = [(parent, names) for (parent, _), names in spelled.items() if len(names) > 1]
        if not groups:
            return []
        examples = tuple(
            " / ".join(f"{_shown((*parent, name))} ({place})" for name, place in names.items())
            for parent, names in groups[:MAX_EXAMPLES]
        )
        return [
            Finding(
                "label-variants",
                "warning",
                f"{counted(len(groups), 'name')} in several spellings (case, spaces, forms of characters).",
                len(groups),
                examples,
                "They count as different classes. Write each name one way.",
            )
        ]

    def _unsplit(self) -> list[Finding]:
        """Paths in one piece, because the separator is another one."""
        if self._columns.labels or any(len(path) > 1 for path in self.rows):
            return []
        used = self._columns.separator.strip()
        for separator in (used, *OTHER_SEPARATORS):
            holding = [path for path in self.rows if separator and separator in path[0]]
            if len(holding) >= MANY_UNSPLIT * len(self.rows) and holding:
                return [
                    Finding(
                        "separator",
                        "warning",
                        f"No path has a second level, but {counted(len(holding), 'path')} contain {separator!r}.",
                        len(holding),
                        tuple(f"{path[0]!r} ({self.first[path]})" for path in holding[:MAX_EXAMPLES]),
                        f"If it stands between the levels, say so: --separator '{separator}'.",
                    )
                ]
        return []

    def _listed(self) -> list[Finding]:
        """Lists that were written as text: ``['Games', 'Sports']`` in a cell of a CSV."""
        found = [path for path in self.rows if _LISTED.match(path[0])]
        if not found:
            return []
        return [
            Finding(
                "list-as-text",
                "warning",
                f"{counted(len(found), 'path')} begin like a list of Python or JSON written as text.",
                len(found),
                tuple(f"{path[0]!r} ({self.first[path]})" for path in found[:MAX_EXAMPLES]),
                "CSV holds no lists: write JSON lines or Parquet, or the names with a separator between them.",
            )
        ]

    def _nested(self) -> list[Finding]:
        """Labels that end at a node below which other labels lie."""
        inner = {path[:level] for path in self.rows for level in range(1, len(path))}
        ends = sum(count for path, count in self.rows.items() if path in inner)
        if not ends:
            return []
        return [
            Finding(
                "inner-end",
                "note",
                f"{counted(ends, 'label')} ({share(ends, self.rows.total())}) end at a node that has others below it.",
                ends,
                advice="Right where a text fits no child. Where the child was just left out, the model learns to stop.",
            )
        ]

    def _empty_columns(self) -> list[Finding]:
        depth = max(len(path) for path in self.rows)
        empty = self._columns.labels[depth:]
        if not empty:
            return []
        names = ", ".join(map(repr, empty))
        message = f"{counted(len(empty), 'label column')} empty in every row: {names}."
        return [Finding("empty-column", "warning", message, len(empty), advice="Leave it out, or look at the export.")]

    def _without_rows(self) -> list[Finding]:
        """Terminals of the given taxonomy that no row has."""
        if self._taxonomy is None:
            return []
        used = {self._taxonomy.find(path) for path in self.rows}
        unused = [node for node in self._taxonomy.terminals.tolist() if node not in used]
        if not unused:
            return []
        return [
            Finding(
                "node-without-rows",
                "note",
                f"{len(unused):,} of {len(self._taxonomy.terminals):,} terminals of the taxonomy have no row.",
                len(unused),
                tuple(_shown(self._taxonomy.path(node)) for node in unused[:MAX_EXAMPLES]),
                "They cannot be learnt from this table. Add rows for those that should be predicted.",
            )
        ]


def folded(name: str) -> str:
    """Give a name without case, spaces and forms of characters.

    Examples
    --------
    >>> folded("To-Do  lists") == folded("to-do lists")
    True
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _shown(path: Path) -> str:
    return DEFAULT_SEPARATOR.join(path)
