"""Rows in blocks: what of a block is to be answered, what is known already, and what is counted about it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from textaxa.answers import Cells, Remembered, ResultRows
from textaxa.data import Columns, RowStream, text_of
from textaxa.data._cells import has_surrogate
from textaxa.errors import DataError

Row = tuple[int, Any]
"""Its number, and what it holds: the cells of a CSV in order, or a mapping."""

SHOWN_BLANK = 5
"""So many blank rows are named."""


class Block:
    """Some rows, and the answers of their texts.

    Attributes
    ----------
    texts
        Those to answer, each once.
    """

    def __init__(self, rows: Sequence[Row], texts: Sequence[str], known: Remembered, nothing: Cells) -> None:
        self.rows, self._row_texts, self._known = rows, texts, known
        self._found = known.look_up(texts)
        if "" in self._found:
            self._found[""] = nothing
        self.texts = [text for text, cells in self._found.items() if cells is None]

    def take(self, answers: Sequence[Cells]) -> None:
        """Take the answers of `texts`, and remember them."""
        self._found.update(zip(self.texts, answers, strict=True))
        self._known.learn(self.texts, answers)

    def cells(self) -> list[Any]:
        """Give the values that are added to each row."""
        return [self._found[text] for text in self._row_texts]

    def blank(self) -> list[int]:
        """Give the numbers of the rows without a text."""
        if "" not in self._found:
            return []
        return [number for (number, _), text in zip(self.rows, self._row_texts, strict=True) if not text]


@dataclass
class Tally:
    """What is counted about rows that were answered: how many, which without a text, how deep, why no deeper."""

    rows: int = 0
    blank: int = 0
    places: list[str] = field(default_factory=list)
    depths: Counter[int] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)

    def add(self, block: Block, cells: Sequence[Cells], unit: str, maker: ResultRows) -> None:
        """Count a block."""
        blank = block.blank()
        self.rows += len(block.rows)
        self.blank += len(blank)
        self.places += [f"{unit} {number}" for number in blank[: SHOWN_BLANK - len(self.places)]]
        if maker.several:
            return
        depth, stopped = maker.added.index("depth"), maker.added.index("stopped")
        for (deep, why), count in Counter(map(itemgetter(depth, stopped), cells)).items():
            if deep is not None:
                self.depths[deep] += count
                self.stopped[why] += count

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return {
            "rows": self.rows,
            "blank": self.blank,
            "places": self.places,
            "depths": list(self.depths.items()),
            "stopped": list(self.stopped.items()),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Tally":
        """Read what `to_dict` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else.
        """
        depths, stopped = (Counter({of: int(count) for of, count in values[name]}) for name in ("depths", "stopped"))
        return cls(int(values["rows"]), int(values["blank"]), [*map(str, values["places"])], depths, stopped)


def blocks_of(
    rows: Iterator[Row], stream: RowStream, columns: Columns, *, nothing: Cells, size: int
) -> Iterator[Block]:
    """Give the rows in blocks; a pipe that has no more just now gets its answers before it goes on.

    Raises
    ------
    DataError
        A text column holds something else than text.
    """
    read = _reader(stream, columns)
    known = Remembered()
    for some in _some(rows, stream, size):
        yield Block(some, [read(row) for row in some], known, nothing)


def _some(rows: Iterator[Row], stream: RowStream, size: int) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == size or not stream.at_hand:
            yield block
            block = []
    if block:
        yield block


def _reader(stream: RowStream, columns: Columns) -> Callable[[Row], str]:
    """Give what gives the text of a row."""
    if stream.records is None:
        return lambda row: _text(row[0], row[1], columns, stream)
    if columns.template is None and len(columns.text) == 1:
        place = stream.columns.index(columns.text[0])
        return lambda row: _readable(row[1][place].strip())
    return lambda row: _text(row[0], dict(zip(stream.columns, row[1], strict=True)), columns, stream)


def _text(number: int, row: Mapping[str, Any], columns: Columns, stream: RowStream) -> str:
    try:
        return _readable(text_of(row, columns))
    except DataError as error:
        raise DataError(f"{stream.source}, {stream.unit} {number}: {error}") from error


def _readable(text: str) -> str:
    # No tokenizer reads half of a surrogate pair. The output keeps it; one such row must not stop a million others.
    if text.isascii() or not has_surrogate(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
