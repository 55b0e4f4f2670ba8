"""What a service is told when it starts: where it listens, what it accepts, who may use it.

Plain frozen values, so that they travel to worker processes as they are. Keys come from the environment or a file and
never from the command line, where other users of the machine could read them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from textaxa.errors import ConfigError

KEYS = "TEXTAXA_KEYS"
"""Environment variable: API keys, with commas."""

ADMIN = "TEXTAXA_ADMIN_TOKEN"
"""Environment variable: the token of whoever may reload models."""

SHORTEST_KEY = 16
"""Characters of a key at least: one that is shorter can be guessed."""


@dataclass(frozen=True)
class ServerSettings:
    """What a service is told when it starts.

    Attributes
    ----------
    host, port
        Where it listens. Port 0: any free one.
    workers
        Processes that answer.
    runtime
        What computes: ``auto``, ``onnx``, ``openvino`` or ``torch``.
    threads
        Threads of one computation, in a worker. None: the cores, shared by the workers.
    max_texts, max_characters
        Texts of a request, and characters of a text.
    max_body
        Bytes of a request's body.
    max_connections
        Open connections of a worker.
    max_batch_tokens
        Tokens that are computed together.
    max_wait_ms
        Milliseconds that a text waits at most for others to be computed with.
    max_queue_tokens
        Tokens that may wait; a request that does not fit gets status 429.
    timeout
        Seconds in which a request must be answered.
    header_timeout, body_timeout
        Seconds in which the header and the body of a request must have come.
    keep_alive
        Seconds that a connection may be idle between two requests.
    keys
        API keys. Empty: everyone who reaches the port may use it.
    admin_token
        What ``/v1/reload`` asks for. None: there is no such route.
    cors_origins
        Origins whose pages may call the service from a browser.
    access_log
        Whether there is a line in the log for every request.
    log_texts
        Whether the access log has the texts.
    feedback
        Where corrections are kept; None: none are taken.
    edit
        Whether the taxonomy can be edited.
    edit_folder
        Where drafts and new versions go. None: beside the model.
    labelled
        Table of labelled texts, from which the facts about nodes come.
    names
        Tables of names in other languages: pairs of language and file, the language empty where the file names its own.
    drain
        Seconds for what was taken to be answered, once the service is asked to end.
    root_path
        Where a proxy has put the service: ``/prefix``, or nothing.
    otlp_endpoint
        Where traces go (OpenTelemetry over HTTP). None: nowhere.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    runtime: str = "auto"
    threads: int | None = None
    max_texts: int = 1000
    max_characters: int = 100_000
    max_body: int = 8_000_000
    max_connections: int = 1000
    max_batch_tokens: int = 4096
    max_wait_ms: float = 4.0
    max_queue_tokens: int = 200_000
    timeout: float = 30.0
    header_timeout: float = 10.0
    body_timeout: float = 20.0
    keep_alive: float = 30.0
    keys: tuple[str, ...] = ()
    admin_token: str | None = None
    cors_origins: tuple[str, ...] = ()
    access_log: bool = True
    log_texts: bool = False
    feedback: Path | None = None
    edit: bool = False
    edit_folder: Path | None = None
    labelled: Path | None = None
    names: tuple[tuple[str, Path], ...] = ()
    drain: float = 30.0
    root_path: str = ""
    otlp_endpoint: str | None = None

    def __post_init__(self) -> None:
        """Refuse values that no service could work with.

        Raises
        ------
        ConfigError
            Saying which.
        """
        _check_numbers(self)
        for key in (*self.keys, *([] if self.admin_token is None else [self.admin_token])):
            _check_key(key)
        if self.edit and self.workers > 1:
            raise ConfigError(f"Editing needs one worker, which keeps the draft, but {self.workers} are asked for.")
        if "*" in self.cors_origins and len(self.cors_origins) > 1:
            raise ConfigError("The CORS origin '*' stands for all, but others are given beside it. Leave one out.")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return self.host in ("127.0.0.1", "::1", "localhost")


_AT_LEAST = {
    "port": 0, "workers": 1, "max_texts": 1, "max_characters": 1, "max_body": 100, "max_connections": 1,
    "max_batch_tokens": 1, "max_wait_ms": 0, "max_queue_tokens": 1, "drain": 0,
}  # fmt: skip
_ABOVE_ZERO = ("timeout", "header_timeout", "body_timeout", "keep_alive")


def _check_numbers(settings: ServerSettings) -> None:
    for name, least in _AT_LEAST.items():
        if not getattr(settings, name) >= least:
            raise ConfigError(f"{name} is {getattr(settings, name)}, but it must be {least} or more.")
    for name in _ABOVE_ZERO:
        if not getattr(settings, name) > 0:
            raise ConfigError(f"{name} is {getattr(settings, name)}, but it is a time in seconds: above 0.")
    if settings.threads is not None and settings.threads < 1:
        raise ConfigError(f"threads is {settings.threads}, but it must be 1 or more.")
    if settings.port > 65_535:
        raise ConfigError(f"The port is {settings.port}, but ports end at 65535.")


def _check_key(key: str) -> None:
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"A key has {len(key)} characters, but a short one can be guessed. Use {SHORTEST_KEY} or more, for example "
            "what this prints: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigError("A key has characters that no HTTP header can carry. Use letters, digits, '-' and '_'.")


def keys_of(environment: Mapping[str, str], file: Path | None = None) -> tuple[str, ...]:
    """Give the API keys of the environment and of a file, one a line; lines that begin with ``#`` are remarks.

    >>> keys_of({"TEXTAXA_KEYS": "first-key-of-someone, second-key-of-another"})
    ('first-key-of-someone', 'second-key-of-another')

    Raises
    ------
    ConfigError
        The file cannot be read, or has no key.
    """
    given = [key.strip() for key in environment.get(KEYS, "").split(",") if key.strip()]
    if file is not None:
        given += _keys_in(file)
    return tuple(dict.fromkeys(given))


def _keys_in(file: Path) -> list[str]:
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The file of keys {str(file)!r} cannot be read ({error}). Check the path.") from error
    found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ConfigError(f"The file of keys {str(file)!r} has no key, so everyone would be let in. Write one a line.")
    return found


def admin_token_of(environment: Mapping[str, str]) -> str | None:
    """Give the admin token of the environment; None where there is none.

    >>> admin_token_of({"TEXTAXA_ADMIN_TOKEN": ""}) is None
    True
    """
    return environment.get(ADMIN, "").strip() or None
