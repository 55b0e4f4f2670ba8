"""The lines of a file: decoded strictly, counted, in constant memory.

Comes in: an `OpenFile`. Goes out: its lines, or an error that names the first byte that does not fit the encoding.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

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
        self._name = file.name
        self._lines: Iterator[str] = _split(_chunks(file, encoding))

    def begins_with(self, start: str) -> bool:
        """Tell whether the first line that is not blank begins with ``start``; nothing is lost."""
        seen = []
        for line in self._lines:
            seen.append(line)
            if line.strip():
                break
        self._lines = chain(seen, self._lines)
        return bool(seen) and seen[-1].lstrip().startswith(start)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except StopIteration:
            self.exhausted = True
            raise
        self.number += 1
        return line


def _chunks(file: OpenFile, encoding: str | None) -> Iterator[str]:
    if isinstance(file.stream, io.TextIOBase):
        while text := file.stream.read(CHUNK):
            yield text
        return
    chosen = encoding or _encoding_of(file.start)
    decoder = _decoder(chosen)
    done, lines = 0, 0
    while True:
        chunk = guarded(file.name, lambda: file.stream.read(CHUNK))
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


def _split(chunks: Iterator[str]) -> Iterator[str]:
    end = ""
    open_line: list[str] = []
    for chunk in chunks:
        end = end or ("\r" if "\r" in chunk[:-1] and "\n" not in chunk else "\n")
        if end not in chunk:
            open_line.append(chunk)
            continue
        first, *others = chunk.split(end)
        yield "".join([*open_line, first, end])
        open_line = [others.pop()]
        for line in others:
            yield line + end
    if last := "".join(open_line):
        yield last


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
