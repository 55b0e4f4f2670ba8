"""The faults of a source: gathered while it is read, told together.

Comes in: one call of `Faults.add` a fault. Goes out: one `DataError` with the first ten places, the total, and what to
do about each kind of fault; or, where nothing may be collected (a stream that is written on at once), the first fault.
"""

from dataclasses import dataclass, field

from textaxa.errors import DataError

SHOWN = 10
"""So many places are shown: enough to see the pattern, few enough to read."""


@dataclass
class Kind:
    """All faults of one kind: how many, the first few places, and the cures (a kind has few different ones)."""

    count: int = 0
    places: list[str] = field(default_factory=list)
    cures: list[str] = field(default_factory=list)


class Faults:
    """What is wrong with one source.

    Parameters
    ----------
    source
        What the source is called in messages.
    unit
        What a row number counts: ``"line"``, ``"row"`` or ``"index"``.
    collect
        Gather the faults for `raise_if_any`; else the first one is raised at once.

    Examples
    --------
    >>> faults = Faults("apps.csv", collect=True)
    >>> faults.add(3, "blank-text", "the text is blank", cure="Remove the row.")
    >>> faults.raise_if_any()
    Traceback (most recent call last):
    textaxa.errors.DataError: apps.csv, line 3: the text is blank. Remove the row.
    """

    def __init__(self, source: str, unit: str = "line", *, collect: bool) -> None:
        self.source = source
        self.unit = unit
        self.collect = collect
        self.kinds: dict[str, Kind] = {}
        self.total = 0
        self._first: list[str] = []

    def add(self, row: int | None, kind: str, message: str, *, cure: str) -> None:
        """Note one fault; raise it where faults are not collected."""
        if not self.collect:
            raise DataError(self._one(self._place(row, message), cure))
        self.total += 1
        entry = self.kinds.setdefault(kind, Kind())
        entry.count += 1
        if cure not in entry.cures and len(entry.cures) < SHOWN:
            entry.cures.append(cure)
        if len(entry.places) < SHOWN:
            entry.places.append(self._place(row, message))
        if self.total <= SHOWN:
            self._first.append(self._place(row, message))

    def raise_if_any(self) -> None:
        """Raise everything that was gathered as one error.

        Raises
        ------
        DataError
            There was at least one fault.
        """
        if self.total:
            raise DataError(self._one(self._first[0], *self._cures()) if self.total == 1 else self._many())

    def _place(self, row: int | None, message: str) -> str:
        return message if row is None else f"{self.unit} {row}: {message}"

    def _one(self, place: str, *cures: str) -> str:
        return f"{self.source}, {place}. {' '.join(cures)}"

    def _cures(self) -> list[str]:
        return list(dict.fromkeys(cure for kind in self.kinds.values() for cure in kind.cures))

    def _many(self) -> str:
        shown = f", the first {SHOWN} are shown" if self.total > SHOWN else ""
        lines = [f"{self.source} has {self.total:,} faults{shown}:", *(f"  {place}" for place in self._first)]
        if self.total > SHOWN:
            lines.append(f"  … and {self.total - SHOWN:,} more. By kind: {'; '.join(map(self._count, self.kinds))}.")
        return "\n".join([*lines, *self._cures()])

    def _count(self, name: str) -> str:
        """Give how many faults of a kind there are, with one place where none of it is among the shown ones."""
        kind = self.kinds[name]
        hidden = kind.places[0] not in self._first
        return f"{name} {kind.count:,}" + (f" (first: {kind.places[0]})" if hidden else "")
