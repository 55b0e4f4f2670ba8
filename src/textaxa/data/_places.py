"""What the checks of the doctor share: a row as they see it, and where something was found."""

from dataclasses import dataclass, field
from typing import Protocol

from textaxa._report import MAX_EXAMPLES, Finding, Severity
from textaxa.taxonomy import Path


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A row that could be read."""

    place: str
    text: str
    labels: tuple[Path, ...]


class Check(Protocol):
    """What looks at every row, and tells at the end what it found."""

    def see(self, row: SeenRow) -> None:
        """Look at one row."""

    def findings(self) -> list[Finding]:
        """Give what was found."""


@dataclass
class Places:
    """How often something was found, and the first few places."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, place: str) -> None:
        """Note one more place."""
        self.count += 1
        if len(self.first) < MAX_EXAMPLES:
            self.first.append(place)

    def finding(self, kind: str, severity: Severity, what: str, advice: str) -> list[Finding]:
        """Give the finding, or nothing where nothing was found; ``what`` follows the number of rows."""
        if not self.count:
            return []
        return [
            Finding(kind, severity, f"{counted(self.count, 'row')}: {what}.", self.count, tuple(self.first), advice)
        ]


def counted(count: int, noun: str) -> str:
    """Give a number and its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """Give a share as people write it.

    Examples
    --------
    >>> share(1, 3)
    '33%'
    """
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.0f}%" if percent >= 1 or part == 0 else f"{percent:.1g}%"
