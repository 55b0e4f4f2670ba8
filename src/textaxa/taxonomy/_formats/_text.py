"""Files as text, in and out: decoding that names the row at fault, writing that leaves the old file whole."""

import codecs
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from textaxa.errors import TaxonomyError

Source = str | os.PathLike[str] | IO[Any]
Result = TypeVar("Result")


def source_name(source: Source) -> str:
    """What messages call a source."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    return str(getattr(source, "name", "the open file"))


def read_text(source: Source, encoding: str | None) -> str:
    """Give the whole text of a file or open file, without byte order mark.

    Raises
    ------
    TaxonomyError
        It cannot be opened, is not in this encoding, or holds NUL bytes.
    """
    name = source_name(source)
    content = _content(source, name)
    text = content if isinstance(content, str) else _decoded(content, name, encoding)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        row = text.count("\n", 0, text.index("\0")) + 1
        raise TaxonomyError(
            f"{name}: row {row} holds a NUL character. Is this a text file, and in the encoding that you meant?"
        )
    return text


def _content(source: Source, name: str) -> str | bytes:
    if not isinstance(source, str | os.PathLike):
        content: str | bytes = source.read()
        return content
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise TaxonomyError(f"{name}: the file cannot be read ({error.strerror}). Check the path.") from error


def _decoded(content: bytes, name: str, encoding: str | None) -> str:
    utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    wanted = encoding or ("utf-16" if utf_16 else "utf-8")
    try:
        return content.decode(wanted)
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise TaxonomyError(
            f"{name}: row {row} is not {wanted} (byte 0x{content[error.start]:02x}). "
            'Save the file as UTF-8, or name its encoding: encoding="cp1252" is common for files from Excel.'
        ) from error
    except LookupError as error:
        raise TaxonomyError(f"There is no encoding {wanted!r}. Common ones are utf-8, cp1252 and utf-16.") from error


def write_text(target: Source, write: Callable[[IO[str]], None], *, overwrite: bool) -> None:
    """Let ``write`` fill a file beside ``target``, and put it in place when it is complete.

    Raises
    ------
    TaxonomyError
        The target exists and ``overwrite`` is not set, or it cannot be written. Nothing is left behind.
    """
    if not isinstance(target, str | os.PathLike):
        write(target)
        return
    path = Path(target)
    if path.exists() and not overwrite:
        raise TaxonomyError(f"{path} exists already. Choose another name, or say overwrite=True.")
    try:
        _replace(path, write)
    except OSError as error:
        raise TaxonomyError(f"{path}: the file cannot be written ({error.strerror}).") from error


def _replace(path: Path, write: Callable[[IO[str]], None]) -> None:
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            write(file)
        _ordinary_permissions(partial)
        Path(partial).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(partial).unlink()
        raise


def _ordinary_permissions(partial: str) -> None:
    """mkstemp makes files that only their owner can read; give this one what any new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    Path(partial).chmod(0o666 & ~mask)
