"""A repository of a hub as a checked model folder."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from textaxa._version import __version__
from textaxa.errors import ConfigError, ModelFileError
from textaxa.fast_path import NAME as FAST_PATH
from textaxa.fast_path import PARTS
from textaxa.hub._told import hub, told
from textaxa.persistence import is_model_folder, read_config, verify
from textaxa.persistence._files import at_rest, replaced_folder

CONFIG, CARD = "config.json", "README.md"


def pull(
    repository: str,
    folder: str | Path,
    *,
    revision: str | None = None,
    overwrite: bool = False,
    token: str | bool | None = None,
    endpoint: str | None = None,
) -> Path:
    """Give the folder into which a model of a hub was written, whole or not at all, after every file was checked.

    From there on it needs no network.

    Parameters
    ----------
    repository
        ``owner/name``.
    folder
        Where to put it.
    revision
        A branch, a tag or a commit; None: the newest.
    overwrite
        Replace a model that is there.
    token, endpoint
        As `textaxa.hub.push` takes them.

    Raises
    ------
    ConfigError
        Something is at ``folder`` already, or the name cannot be one of a repository.
    MissingExtraError
        huggingface_hub is not installed (extra ``hub``).
    ModelFileError
        There is no such repository, it holds no textaxa model or a damaged one, or the network fails.
    """
    target = Path(folder)
    with _told_of(target), at_rest(target):
        taken = target.exists() and not (overwrite and is_model_folder(target))
    if taken:
        raise ConfigError(
            f"{str(target)!r} is already there. Name another folder, or add --overwrite to replace a model."
        )
    with (
        pulled(repository, revision=revision, token=token, endpoint=endpoint) as found,
        _told_of(target),
        replaced_folder(target) as fresh,
    ):
        shutil.copytree(found, fresh, dirs_exist_ok=True)
    return target


@contextmanager
def pulled(
    repository: str,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    endpoint: str | None = None,
    cache_dir: str | Path | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
) -> Iterator[Path]:
    """Give the folder of a model of a hub for as long as the block runs; the hub's own cache keeps the files.

    That cache is made of symbolic links, which a model folder may not have, since a link could lead anywhere. So the
    files are linked (or, on another disk, copied) to a folder of their own. Of the repository only what the model's
    ``config.json`` lists is downloaded.

    Raises
    ------
    ConfigError, MissingExtraError, ModelFileError
        As `pull`.
    """
    how = {
        "revision": revision,
        "token": token,
        "endpoint": endpoint,
        "cache_dir": cache_dir,
        "force_download": force_download,
        "local_files_only": local_files_only,
        "library_name": "textaxa",
        "library_version": __version__,
    }
    with told(f"Pulling {repository!r}"):
        config = Path(hub().hf_hub_download(repository, CONFIG, **how))
    with tempfile.TemporaryDirectory(prefix="textaxa-") as place:
        folder = Path(place) / "model"
        folder.mkdir()
        _bring(config, folder / CONFIG)
        wanted, parts = _wanted(folder)
        # The commit of the configuration, so that a push in between does not mix two models.
        how["revision"] = config.parent.name
        with told(f"Pulling {repository!r}"):
            patterns = [*(glob.escape(name) for name in wanted), *(f"{part}/*" for part in parts)]
            snapshot = Path(hub().snapshot_download(repository, allow_patterns=patterns, **how))
        for file in sorted(snapshot.rglob("*")):
            if file.is_file() and _is_wanted(file.relative_to(snapshot), wanted, parts):
                _bring(file, folder / file.relative_to(snapshot))
        for model in (folder, *(folder / part for part in parts)):
            verify(model, read_config(model)["files"])
        yield folder


def _wanted(folder: Path) -> tuple[set[str], tuple[str, ...]]:
    """Give the files that a model is made of, and the folders of the models inside it."""
    config = read_config(folder)
    parts = PARTS if config["head"].get("name") == FAST_PATH else ()
    return {CONFIG, CARD, *config["files"]}, parts


def _is_wanted(file: Path, wanted: set[str], parts: tuple[str, ...]) -> bool:
    return file.as_posix() in wanted or file.parts[0] in parts


def _bring(file: Path, target: Path) -> None:
    """Put the file behind a link of the cache at its place, without a second copy of its bytes where that can be."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    source = file.resolve()
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        shutil.copyfile(source, target)


@contextmanager
def _told_of(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelFileError(f"The model could not be written to {target}: {error.strerror or error}.") from error
