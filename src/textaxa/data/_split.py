"""One table in two: rows to train on, and rows held out.

Comes in: examples and a share. Goes out: the positions of both sides. The answer depends on the rows and the seed, not
on the order of the rows: whoever shuffles a table gets the same split of it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from textaxa.data._examples import Examples
from textaxa.data._keys import seeded, text_key
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Path


@dataclass(frozen=True)
class _Unit:
    """Rows that stay together: same text or same group."""

    key: bytes
    rows: tuple[int, ...]
    counts: Counter[Path]


class _Sides:
    """What has been held out so far, and what every path needs."""

    def __init__(self, units: Iterable[_Unit], share: float) -> None:
        self.total: Counter[Path] = Counter()
        n_rows = 0
        for unit in units:
            self.total.update(unit.counts)
            n_rows += len(unit.rows)
        self.wanted = {path: _wanted(count, share) for path, count in self.total.items()}
        self.wanted_rows = share * n_rows
        self.held: Counter[Path] = Counter()
        self.held_rows = 0
        self.units: list[_Unit] = []

    def leaves_some(self, unit: _Unit) -> bool:
        """Tell whether every path of the unit keeps a row to train on when the unit is held out."""
        return all(self.held[path] + count < self.total[path] for path, count in unit.counts.items())

    def has_room(self, unit: _Unit, path: Path) -> bool:
        """Tell whether holding the unit out brings this path, and the number of rows, nearer to what is wanted."""
        if self.held[path] + unit.counts[path] / 2 > self.wanted[path]:
            return False
        return len(unit.rows) == 1 or self.held_rows + len(unit.rows) / 2 <= self.wanted_rows

    def hold_out(self, unit: _Unit) -> None:
        self.units.append(unit)
        self.held.update(unit.counts)
        self.held_rows += len(unit.rows)


def split_examples(examples: Examples, share: float, *, seed: int) -> tuple[list[int], list[int]]:
    """Give the positions of the rows to train on and of the rows held out, both ascending.

    Every path holds out about ``share`` of its rows, but at least one where it has two or more, and keeps at least one
    to train on, as far as groups and equal texts allow. A path of one row trains. Rows of one group, and rows whose
    texts differ only in case and spaces, are never on both sides.

    Parameters
    ----------
    examples
        Texts with labels; ``groups`` are kept together.
    share
        Share of the rows to hold out, in [0, 1). 0 holds out none.
    seed
        Another seed gives another split.

    Raises
    ------
    ConfigError
        The share is not in [0, 1).
    DataError
        No row can be held out: every path has one row, or all rows belong together.

    Notes
    -----
    Iterative stratification (Sechidis et al. 2011), rarest path first, over units of rows that stay together. It
    differs in that the larger side takes what is left, and that paths with two rows are never all on one side.

    Examples
    --------
    >>> texts = [f"game {i}" for i in range(8)] + ["photo 1", "photo 2"]
    >>> labels = [(("Games",),)] * 8 + [(("Photo",),)] * 2
    >>> train, held_out = split_examples(Examples(texts, labels, list(range(10))), 0.25, seed=0)
    >>> len(train), len(held_out)
    (7, 3)
    """
    if not 0 <= share < 1:
        raise ConfigError(f"The share to hold out is {share}. It must be at least 0 and below 1, for example 0.1.")
    if share == 0:
        return list(range(len(examples))), []
    units = _units(examples, seed)
    sides = _Sides(units, share)
    _hold_out(units, sides)
    held_out = sorted(row for unit in sides.units for row in unit.rows)
    if not held_out:
        raise DataError(_nothing_held_out(examples, units))
    inside = set(held_out)
    return [row for row in range(len(examples)) if row not in inside], held_out


def _hold_out(units: list[_Unit], sides: _Sides) -> None:
    of_path: dict[Path, list[_Unit]] = {}
    for unit in units:
        for path in unit.counts:
            of_path.setdefault(path, []).append(unit)
    rarest_first = sorted(sides.total, key=lambda path: (sides.total[path], path))
    decided: set[bytes] = set()
    for path in rarest_first:
        for unit in of_path[path]:
            if unit.key in decided:
                continue
            if sides.has_room(unit, path) and sides.leaves_some(unit):
                sides.hold_out(unit)
            decided.add(unit.key)
    # What large units left out: a path with two rows or more and none held out, if any of its units may go.
    held = {unit.key for unit in sides.units}
    for path in rarest_first:
        if sides.held[path] or sides.total[path] < 2:
            continue
        free = [unit for unit in of_path[path] if unit.key not in held and sides.leaves_some(unit)]
        if free:
            unit = min(free, key=lambda unit: (len(unit.rows), unit.key))
            sides.hold_out(unit)
            held.add(unit.key)


def _wanted(count: int, share: float) -> int:
    return 0 if count < 2 else min(max(1, round(share * count)), count - 1)


def _units(examples: Examples, seed: int) -> list[_Unit]:
    """Give the rows that stay together, in an order that depends only on their texts and the seed."""
    keys = [text_key(text) for text in examples.texts]
    root = list(range(len(keys)))
    first: dict[tuple[str, bytes | str], int] = {}
    for row, key in enumerate(keys):
        _join(root, row, first.setdefault(("text", key), row))
        if examples.groups is not None and examples.groups[row]:
            _join(root, row, first.setdefault(("group", examples.groups[row]), row))
    members: dict[int, list[int]] = {}
    for row in range(len(keys)):
        members.setdefault(_find(root, row), []).append(row)
    units = [
        _Unit(
            min(seeded(keys[row], seed) for row in rows),
            tuple(rows),
            Counter(path for row in rows for path in examples.labels[row] or ((),)),
        )
        for rows in members.values()
    ]
    return sorted(units, key=lambda unit: unit.key)


def _find(root: list[int], row: int) -> int:
    while root[row] != row:
        root[row] = root[root[row]]
        row = root[row]
    return row


def _join(root: list[int], one: int, other: int) -> None:
    root[_find(root, one)] = _find(root, other)


def _nothing_held_out(examples: Examples, units: list[_Unit]) -> str:
    if len(units) == 1 and len(examples) > 1:
        cause = "all rows belong together (one group, or one text)"
    elif len(examples) == 1:
        cause = "there is a single row"
    else:
        cause = "every path has one row, or its rows all belong together (same group or same text)"
    return (
        f"No row of {examples.source} can be held out: {cause}. Add rows, give a table to validate on (--valid), or "
        "train on all rows (--valid-share 0)."
    )
