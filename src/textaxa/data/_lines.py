"""The lines of a file: decoded strictly, counted, in constant memory.

Comes in: an `OpenFile`. Goes out: its lines, or an error that names the first byte that does not fit the encoding.
"""

import codecs
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from textaxa._suggest import did_you_mean
from textaxa.data._files import CHUNK, OpenFile, guarded
from textaxa.errors import DataError


class Lines:
    """The lines of a file, decoded strictly, each with its line end.

    Only a line feed ends a line (a carriage return, where the file has no line feed at all): what else Unicode counts
    as a line end occurs inside texts.

    Attributes
    ----------
    number
        Lines given so far: the number of the last one, counted from 1.
    exhausted
        Whether more lines were asked for than there are.
    """

    def __init__(self, file: OpenFile, *, encoding: str | None) -> None:
        self.number = 0
        self.exhausted = False
        self._batches: Iterator[list[str]] = _split(_chunks(file, encoding))
        self._ready: deque[str] = deque()
        self._ahead = 0
        self._waits = file.waits

    @property
    def at_hand(self) -> bool:
        """Whether the next line can be had without waiting for whoever writes it. True at the end, too."""
        return self.number < self._ahead or bool(self._ready) or not self._waits()

    def begins_with(self, start: str) -> bool:
        """Tell whether the first line that is not blank begins with ``start``; nothing is lost."""
        seen: list[str] = []
        while self._read_on():
            seen.append(self._ready.popleft())
            if seen[-1].strip():
                break
        self._ready.extendleft(reversed(seen))
        return bool(seen) and seen[-1].lstrip().startswith(start)

    def _read_on(self) -> bool:
        """Make sure that a line is ready; False at the end."""
        while not self._ready:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._ready.extend(batch)
        return True

    def batches(self) -> Iterator[list[str]]:
        """Give the lines in lists, for who has no time for a call a line; he sets ``number`` as he uses them."""
        while self._read_on():
            batch = list(self._ready)
            self._ready.clear()
            self._ahead += len(batch)
            yield batch
        self.exhausted = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._read_on():
            self.exhausted = True
            raise StopIteration
        self.number += 1
        return self._ready.popleft()


def _chunks(file: OpenFile, encoding: str | None) -> Iterator[str]:
    """Give the text piece by piece, each as soon as it is there: a slow pipe is not waited for to fill a chunk."""
    if isinstance(file.stream, io.TextIOBase):
        while text := file.stream.readline(CHUNK):
            yield text
        return
    chosen = encoding or _encoding_of(file.start)
    decoder = _decoder(chosen)
    done, lines = 0, 0
    while True:
        chunk = guarded(file.name, lambda: _chunk(file.stream))
        if chunk is None:
            raise DataError(f"{file.name} was opened not to wait, and has nothing to read yet. Open it to wait.")
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            # What failed ends where the chunk ends, and may begin with bytes that an earlier chunk left over.
            place = _Place.of(error, before=done + len(chunk) - len(error.object), lines=lines)
            raise DataError(_undecodable(file.name, encoding, chosen, place)) from None
        done += len(chunk)
        lines += text.count("\n")
        if text:
            yield text
        if not chunk:
            return


def _chunk(stream: Any) -> Any:
    """Give what is there, at most a chunk of it: no bytes at the end, None where a pipe that does not wait has none."""
    found = stream.read1(CHUNK) if hasattr(stream, "read1") else stream.read(CHUNK)
    return found or stream.read(1)  # `read1` gives no bytes in both cases


def _split(chunks: Iterator[str]) -> Iterator[list[str]]:
    """Give the lines that each chunk completes."""
    start = _start(chunks)
    end = "\r" if "\r" in start[:-1] and "\n" not in start else "\n"
    open_line: list[str] = []
    for chunk in chain([start], chunks):
        if end not in chunk:
            open_line.append(chunk)
            continue
        first, *others = chunk.split(end)
        unfinished = others.pop()
        yield ["".join([*open_line, first, end]), *(line + end for line in others)]
        open_line = [unfinished]
    if last := "".join(open_line):
        yield [last]


def _start(chunks: Iterator[str]) -> str:
    """Read until the first line feed, or as far as it takes to believe that there is none: a chunk."""
    seen: list[str] = []
    length = 0
    for chunk in chunks:
        seen.append(chunk)
        length += len(chunk)
        if "\n" in chunk or length >= CHUNK:
            break
    return "".join(seen)


def _encoding_of(start: bytes) -> str:
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder("utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding)()
    except LookupError:
        known = ("utf-8", "utf-16", "cp1252", "latin-1", "cp1251", "shift_jis", "gb18030", "big5", "euc-kr")
        raise DataError(
            f"The encoding {encoding!r} is not known.{did_you_mean(encoding, known)} Common ones: {', '.join(known)}."
        ) from None


def _undecodable(name: str, given: str | None, used: str, where: "_Place") -> str:
    """Say which byte of which line stands in the way, and which encoding would read it."""
    shown = "UTF-8" if used == "utf-8-sig" else used
    found = (
        f"{name} is not {shown}: line {where.line} has the byte 0x{where.value:02x} "
        f"(byte {where.offset:,} of the file)."
    )
    if given is not None:
        return f"{found} Another encoding than {given!r} was used to write it, or the file is damaged."
    try:
        western = where.around.decode("cp1252")
    except UnicodeDecodeError:
        return f"{found} Say which encoding it has, for example --encoding cp1251 (Cyrillic), {_ASIAN}."
    return (
        f"{found} It was probably saved in the Western encoding of Windows: with --encoding cp1252 the place reads "
        f"{western!r}. If that is wrong, try cp1251 (Cyrillic), {_ASIAN}."
    )


_ASIAN = "shift_jis (Japanese) or gb18030 (Chinese)"


@dataclass(frozen=True)
class _Place:
    """The byte that could not be decoded, and where it is."""

    line: int
    offset: int
    value: int
    around: bytes

    @classmethod
    def of(cls, error: UnicodeDecodeError, *, before: int, lines: int) -> "_Place":
        """Find it: ``before`` bytes and ``lines`` line ends came before the piece that was being decoded."""
        data, at = bytes(error.object), error.start
        begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        around = data[max(begin, at - 20) : min(end if end >= 0 else len(data), at + 20)]
        return cls(lines + data[:at].count(b"\n") + 1, before + at + 1, data[at], around)
