"""Tables that come slowly: every row as soon as it is there, the same rows in whatever pieces they come."""

import io
import os
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textaxa.data import iterate_rows
from textaxa.errors import DataError

TABLES = {"csv": [b"text,id\nChess,1\n", b"Go,2\n"], "jsonl": [b'{"text": "Chess"}\n', b'{"text": "Go", "id": 2}\n']}


def in_background(steps: Iterator[Any]) -> "queue.Queue[Any]":
    """Run steps in a thread and give what they give, so that a test of something that waits for ever ends."""
    found: queue.Queue[Any] = queue.Queue()

    def run() -> None:
        for step in steps:
            found.put(step)

    threading.Thread(target=run, daemon=True).start()
    return found


@pytest.mark.parametrize("format", TABLES)
def test_a_row_comes_before_the_pipe_has_more(format):
    read, write = os.pipe()
    first, second = TABLES[format]

    def rows():
        with os.fdopen(read, "rb") as file, iterate_rows(file, format=format) as stream:
            for _, row in stream:
                yield row["text"], stream.at_hand

    os.write(write, first)
    found = in_background(rows())
    assert found.get(timeout=20) == ("Chess", False)
    os.write(write, second)
    assert found.get(timeout=20) == ("Go", False)
    os.write(write, first.splitlines(keepends=True)[-1] + second)
    assert found.get(timeout=20) == ("Chess", True)
    assert found.get(timeout=20) == ("Go", False)
    os.close(write)


def test_a_file_is_always_at_hand(put):
    with iterate_rows(put("t.csv", b"".join(TABLES["csv"]))) as stream:
        assert [stream.at_hand for _ in stream] == [True, True]


class Pieces(io.RawIOBase):
    """Gives its bytes in pieces of given sizes, then in single bytes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content, self.sizes = content, sizes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(self.sizes.pop(0) if self.sizes else 1, len(buffer), len(self.content))
        buffer[:size], self.content = self.content[:size], self.content[size:]
        return size


@given(
    cells=st.lists(st.text(alphabet='a\r\n"é€,', min_size=1, max_size=4), min_size=1, max_size=6),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    sizes=st.lists(st.integers(1, 9), max_size=9),
)
def test_pieces_do_not_change_the_rows(cells, end, sizes):
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    content = "".join(line + end for line in ["text", *quoted]).encode()

    def rows(source: Any) -> Any:
        try:
            with iterate_rows(source, format="csv") as stream:
                return list(stream)
        except DataError as error:  # a line feed in a file whose lines end with a carriage return
            return str(error)

    assert rows(Pieces(content, list(sizes))) == rows(io.BytesIO(content))


def test_a_pipe_that_does_not_wait_is_not_taken_for_its_end():
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.write(write, b"text\nChess\n")
    with os.fdopen(read, "rb") as file, iterate_rows(file, format="csv") as stream:
        rows = iter(stream)
        assert next(rows)[1] == {"text": "Chess"}
        with pytest.raises(DataError, match="nothing to read yet"):
            next(rows)
    os.close(write)
