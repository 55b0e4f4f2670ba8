"""What goes wrong on the way to a hub, said to a person."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from textaxa._extras import require
from textaxa.errors import ConfigError, ModelFileError

_CURES = {
    "GatedRepoError": "Ask for access on the repository's page, then log in: hf auth login",
    "RepositoryNotFoundError": "Check the name. Of a private repository, log in first: hf auth login",
    "RevisionNotFoundError": "Check the name of the branch, tag or commit.",
    "RemoteEntryNotFoundError": "It is no textaxa model, or a part of one.",
    "EntryNotFoundError": "It is no textaxa model, or a part of one.",
    "LocalEntryNotFoundError": "Is the network there? Offline, only what was pulled before can be had.",
    "OfflineModeIsEnabled": "HF_HUB_OFFLINE is set: unset it, or copy the model folder by hand.",
}
"""What to do, by the name of huggingface_hub's error."""

_OTHER = "Is the network there, and are you logged in? hf auth login"


def hub() -> Any:
    """Import huggingface_hub.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    return require("huggingface_hub", extra="hub")


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turn what huggingface_hub raises into an error for a person; ``doing`` begins its sentence.

    Raises
    ------
    ConfigError
        The name of the repository cannot be one.
    ModelFileError
        Anything else that fails on the way.
    """
    errors = require("huggingface_hub.errors", extra="hub")
    try:
        yield
    except errors.HFValidationError as error:
        raise ConfigError(f"{doing}: {_sentence(error)} A name is owner/model, as in 'anna/apps'.") from error
    except (errors.HfHubHTTPError, OSError, *_of_the_network()) as error:
        names = (kind.__name__ for kind in type(error).__mro__)
        cure = next((_CURES[name] for name in names if name in _CURES), _OTHER)
        raise ModelFileError(f"{doing} failed: {_sentence(error)} {cure}") from error


def _of_the_network() -> tuple[type[BaseException], ...]:
    """Give the errors of the HTTP client that huggingface_hub brought: httpx, or httpx2 in its later versions."""
    clients = (sys.modules.get(name) for name in ("httpx", "httpx2"))
    return tuple(client.HTTPError for client in clients if client is not None)


def _sentence(error: BaseException) -> str:
    """Give the first line of a message that says something, as a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = lines[0] if lines else type(error).__name__
    return f"{first.rstrip('.:')}."
