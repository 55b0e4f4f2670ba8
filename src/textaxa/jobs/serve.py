"""``textaxa serve``: models behind HTTP, until a signal asks to end."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa.errors import ConfigError, MissingExtraError
from textaxa.server import ServerSettings

if TYPE_CHECKING:
    import socket

THREADS = "OMP_NUM_THREADS"

PACKAGES = ("fastapi", "uvicorn", "httptools", "prometheus_client")
"""What the extra ``serve`` brings, in the order in which its absence is told."""


def serve(
    models: Mapping[str, str | Path],
    settings: ServerSettings | None = None,
    *,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Answer for models over HTTP; come back when a signal has asked to end and all requests are answered.

    Parameters
    ----------
    models
        Name to folder; the first is the one that answers where a request names none.
    settings
        Where to listen, what to accept, who may use it.
    ready
        Called with the address once requests are taken.

    Raises
    ------
    ConfigError
        The port is taken, or there is no model.
    MissingExtraError
        The extra ``serve``, or what computes a model, is not installed.
    ModelFileError
        A folder is no model, or is damaged.
    """
    settings = settings or ServerSettings()
    folders = {name: Path(folder) for name, folder in models.items()}
    _check(folders, settings)
    from textaxa.server._doors import bound, url_of

    with bound(settings.host, settings.port) as door:
        url = url_of(door) + settings.root_path

        def tell(*_: object) -> None:
            if ready is not None:
                ready(url)

        with _with_threads(settings):
            _run(folders, settings, door, tell)


def named(models: Iterable[str]) -> dict[str, Path]:
    """Give the folders of models by name, from ``FOLDER`` or ``NAME=FOLDER``.

    >>> named(["runs/apps", "old=runs/apps-2025"])
    {'apps': PosixPath('runs/apps'), 'old': PosixPath('runs/apps-2025')}

    Raises
    ------
    ConfigError
        Two have the same name.
    """
    found: dict[str, Path] = {}
    for model in models:
        name, equals, folder = model.partition("=")
        if not equals or Path(model).is_dir():
            name, folder = Path(model).resolve().name or "model", model
        if not name or not folder:
            raise ConfigError(f"{model!r} has no name or no folder. Write NAME=FOLDER, or the folder alone.")
        if name in found:
            raise ConfigError(
                f"Two models have the name {name!r}: {found[name]} and {folder}. Name one: other={folder}"
            )
        found[name] = Path(folder)
    return found


def _check(folders: Mapping[str, Path], settings: ServerSettings) -> None:
    """Refuse at once what would fail later, before anything is loaded."""
    if not folders:
        raise ConfigError("There is no model to serve. Give the folder of one.")
    for package in PACKAGES:
        require(package, extra="serve")
    if settings.otlp_endpoint is not None:
        from textaxa.server._traces import check_packages

        check_packages()
    from textaxa.persistence import read_config

    for folder in folders.values():
        _check_computable(folder, read_config(folder), settings.runtime)


def _check_computable(folder: Path, config: Mapping[str, Any], runtime: str) -> None:
    """Refuse a model that only PyTorch computes, where there is none: an export is the cure that fits a server."""
    from textaxa.heads import needs_encoder
    from textaxa.runtime import is_exported

    if runtime != "auto" or is_exported(config) or not needs_encoder(config["head"].get("name", "")):
        return
    if find_spec("torch") is None:
        raise MissingExtraError(
            f"{folder} has not been exported, so only PyTorch computes it, which is not installed here. Export it "
            f'where PyTorch is: textaxa export {folder}; or install it: pip install "textaxa[train]"'
        )


@contextmanager
def _with_threads(settings: ServerSettings) -> Iterator[None]:
    """Say in the environment how many threads a worker has: models read it when they are loaded, workers inherit it."""
    from textaxa.runtime import available_threads

    threads = settings.threads or max(1, available_threads() // settings.workers)
    before = os.environ.get(THREADS)
    os.environ[THREADS] = str(threads)
    try:
        yield
    finally:
        os.environ.pop(THREADS)
        if before is not None:
            os.environ[THREADS] = before


def _run(
    folders: Mapping[str, Path], settings: ServerSettings, door: "socket.socket", tell: Callable[..., None]
) -> None:
    if settings.workers == 1:
        from textaxa.server._run import work

        work(folders, settings, door, tell)
    else:
        from textaxa.server._workers import Group

        Group(folders, settings, door, tell).run()
