"""Tables of a page: named columns, row headings, cells that know what they are worth when sorted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from textaxa.report._html import Html, element

NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A number in a table: as it is shown, what stands small below it, and its worth (None: no value)."""

    shown: str
    worth: float | None
    below: str = ""
    class_: str = ""

    def html(self) -> Html:
        """Give the cell as an element."""
        small = element("small", self.below) if self.below else None
        worth = "" if self.worth is None else self.worth
        return element("td", self.shown, small, data_sort=worth, class_=f"number {self.class_}".strip())


Row: TypeAlias = Sequence[str | Cell]
"""The first cell is the heading of the row."""


def count(value: int | None) -> Cell:
    """Give a number of texts or rows."""
    return Cell(NONE, None) if value is None else Cell(f"{value:,}", value)


def share(value: float | None, ends: Sequence[float | None] | None = None, *, class_: str = "") -> Cell:
    """Give a share in percent, with its interval below it."""
    if value is None:
        return Cell(NONE, None)
    return Cell(f"{100 * value:.1f}", value, interval(ends), class_)


def plain(value: float | None, ends: Sequence[float | None] | None = None, *, digits: int = 2) -> Cell:
    """Give a number that is no share, with its interval below it."""
    if value is None:
        return Cell(NONE, None)
    below = "" if not ends or None in ends else f"{ends[0]:.{digits}f}–{ends[1]:.{digits}f}"
    return Cell(f"{value:.{digits}f}", value, below)


def interval(ends: Sequence[float | None] | None) -> str:
    """Give an interval of a share in percent; nothing where there is none.

    >>> interval([0.25, 0.5])
    '25.0–50.0'
    """
    if not ends or ends[0] is None or ends[1] is None:
        return ""
    return f"{100 * ends[0]:.1f}–{100 * ends[1]:.1f}"


def f1_class(value: float | None) -> str:
    """Give the class that colours an F1 as the tree map does.

    >>> f1_class(0.0), f1_class(0.75), f1_class(1.0), f1_class(None)
    ('f1 f1-0', 'f1 f1-3', 'f1 f1-4', '')
    """
    return "" if value is None else f"f1 f1-{min(4, int(5 * value))}"


def table(caption: str, columns: Sequence[str], rows: Iterable[Row], *, sortable: bool = False, id_: str = "") -> Html:
    """Give a table that scrolls by itself where the screen is narrow.

    Parameters
    ----------
    caption
        What it shows; also the name of the region that is scrolled.
    columns
        Their names.
    rows
        The first cell of a row is its heading.
    sortable
        Whether the script lets the columns be sorted.
    id_
        Where a link can lead.
    """
    head = element("tr", [element("th", name, scope="col") for name in columns])
    body = [element("tr", _heading(row[0]), [_cell(cell) for cell in row[1:]]) for row in rows]
    inside = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", body),
        data_sortable=sortable,
        id=id_ or None,
    )
    return element("div", inside, class_="wide", role="region", aria_label=caption, tabindex=0)


def _heading(cell: str | Cell) -> Html:
    return element("th", cell.shown if isinstance(cell, Cell) else cell, scope="row", dir="auto")


def _cell(cell: str | Cell) -> Html:
    return cell.html() if isinstance(cell, Cell) else element("td", cell, dir="auto")
