"""Files wherever they are: on this machine, or at an address that fsspec knows (``s3://``, ``gs://``, ``https://``).

A file appears under its name when it is whole. On this machine it is written beside its place, flushed and renamed; an
object store shows nothing before the last byte.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from textaxa._extras import require
from textaxa.errors import DataError

EXTRA = "remote"

_MARKS = ("ETag", "etag", "md5Hash", "content_md5", "md5", "crc32c")
"""What fsspec calls the checksums of S3, Google's storage and Azure's."""


class Storage:
    """A place and what lies below it.

    Parameters
    ----------
    address
        A folder, file or pattern of this machine, or an address with ``://``.

    Attributes
    ----------
    address : str
        As it was given; on this machine absolute, since workers have other folders of their own.
    local : bool
        Whether it is on this machine.

    Raises
    ------
    DataError
        fsspec knows no such kind of address.
    MissingExtraError
        fsspec, or the package for this kind of address, is not installed.
    """

    def __init__(self, address: str | os.PathLike[str]) -> None:
        core = require("fsspec.core", extra=EXTRA)
        self.address = os.fspath(address)
        self.local = "://" not in self.address
        if self.local:
            self.address = str(Path(self.address).absolute())
        try:
            self.fs, self.path = core.url_to_fs(self.address)
            # fsspec keeps listings as long as the process lives; meanwhile others write.
            self.fs.invalidate_cache()
        except ImportError as error:
            raise DataError(
                f"{self.address!r} cannot be reached: {error}. Install what this kind of address needs."
            ) from error
        except ValueError as error:
            raise DataError(f"{self.address!r} is no address that can be read: {error}.") from error

    def full(self, path: str) -> str:
        """Give the address of a path that `files` gave."""
        return path if self.local else str(self.fs.unstrip_protocol(path))

    def files(self, endings: tuple[str, ...]) -> list[str]:
        """Give the files, sorted: this one, those that the pattern fits, or those below this folder with an ending.

        Names that begin with a dot or an underscore are left out below a folder, as Spark and Arrow do.
        """
        if any(sign in self.path for sign in "*?["):
            return sorted(path for path in self.fs.glob(self.path) if self.fs.isfile(path))
        if self.fs.isfile(self.path):
            return [self.path]
        start = len(self.path.rstrip("/")) + 1
        found = (path for path in self.fs.find(self.path) if path.lower().endswith(endings))
        # A key of an object store may have an empty part: "in//a.csv".
        return sorted(path for path in found if not re.search(r"(^|/)[._]", path[start:]))

    def stamp(self, path: str) -> list[Any]:
        """Give what tells a file from another of its name: its size, and its mark or time of change."""
        info = self.fs.info(path)
        mark = next((info[name] for name in ("ETag", "etag", "md5", "mtime", "LastModified") if info.get(name)), "")
        return [int(info.get("size") or 0), str(mark)]

    @contextmanager
    def reading(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file that `files` gave, for reading."""
        with self.fs.open(path, "rb") as file:
            yield file

    def exists(self, name: str) -> bool:
        """Tell whether there is something under a name below this place."""
        return bool(self.fs.exists(self._below(name)))

    def size(self, name: str) -> int | None:
        """Give the bytes of a file below this place; None where there is none."""
        try:
            return int(self.fs.info(self._below(name))["size"])
        except FileNotFoundError:
            return None

    def mark(self, name: str) -> str | None:
        """Give what the store itself knows a file's bytes by; None where it does not, as a disk."""
        info = self.fs.info(self._below(name))
        return next((str(info[key]) for key in _MARKS if info.get(key)), None)

    def sha256(self, name: str) -> str:
        """Give the checksum of a file below this place, in hexadecimal."""
        with self.fs.open(self._below(name), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def names(self, folder: str) -> list[str]:
        """Give the names of the files that are in a folder below this place now, sorted; none where it is not there."""
        self.fs.invalidate_cache(self._below(folder))
        try:
            found = self.fs.ls(self._below(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(str(path).rstrip("/").rsplit("/", 1)[-1] for path in found)

    def is_empty(self) -> bool:
        """Tell whether nothing lies here yet."""
        if self.fs.isfile(self.path):
            raise DataError(f"{self.address!r} is a file, but many files are going to be written. Name a folder.")
        try:
            return not self.fs.ls(self.path, detail=False)
        except FileNotFoundError:
            return True

    def read_json(self, name: str) -> Any:
        """Read a JSON file below this place; None where it is not there or damaged."""
        try:
            return json.loads(self.fs.cat_file(self._below(name)))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file below this place, whole or not at all."""
        with self.writing(name) as file:
            file.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")

    def create_json(self, name: str, value: Any) -> bool:
        """Write a JSON file below this place unless there is one; tell whether it was written."""
        try:
            self.fs.pipe_file(self._below(name), json.dumps(value).encode(), mode="create")
        except FileExistsError:
            return False
        except OSError:  # stores have words of their own for it
            if self.exists(name):
                return False
            raise
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Give a file of this machine to write; left in order, it is put in its place below this one.

        Left by an error, nothing is there.
        """
        target = self._below(name)
        with self._beside(target) as file:
            yield file
            if self.local:
                with file.open("rb") as written:
                    os.fsync(written.fileno())
                file.replace(target)
            else:
                self.fs.put_file(str(file), target)

    @contextmanager
    def _beside(self, target: str) -> Iterator[Path]:
        """Give a name for a file that becomes ``target``; nothing is left of it afterwards."""
        name = target.rsplit("/", 1)[-1]
        if self.local:
            folder = Path(target).parent
            folder.mkdir(parents=True, exist_ok=True)
            file = folder / f".{secrets.token_hex(4)}.{name}"
            try:
                yield file
            finally:
                file.unlink(missing_ok=True)
            return
        folder = Path(tempfile.mkdtemp(prefix="textaxa-"))
        try:
            yield folder / name
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Remove what lies under a name below this place; nothing to do where it is not there."""
        path = self._below(name)
        if self.fs.exists(path):
            self.fs.rm(path, recursive=True)

    def _below(self, name: str) -> str:
        return f"{self.path.rstrip('/')}/{name}" if name else self.path


@contextmanager
def model_folder(address: str) -> Iterator[str]:
    """Give a model folder on this machine: the given one, or a copy of the one at an address."""
    if "://" not in address:
        yield str(Path(address).absolute())
        return
    storage = Storage(address)
    folder = tempfile.mkdtemp(prefix="textaxa-model-")
    try:
        storage.fs.get(storage.path.rstrip("/") + "/", folder, recursive=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
