"""Where a service listens: a socket bound before any model is loaded, so that a taken port is told at once."""

import errno
import socket

from textaxa.errors import ConfigError

_REASONS = {
    errno.EADDRINUSE: "another program listens there. End it, or choose another --port (0: any free one)",
    errno.EACCES: "this user may not use it. Ports below 1024 are for root: choose one above, such as --port 8000",
    errno.EADDRNOTAVAIL: "this machine has no such address. Use --host 127.0.0.1 (this machine) or 0.0.0.0 (all)",
}


def bound(host: str, port: int) -> socket.socket:
    """Give a socket that is bound and does not listen yet.

    Raises
    ------
    ConfigError
        The port is taken or may not be used, or the host is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"The host {host!r} is not known ({error}). Use --host 127.0.0.1 or 0.0.0.0.") from error
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except OSError as error:
        door.close()
        reason = _REASONS.get(error.errno or 0, f"{error.strerror}. Choose another --host or --port")
        raise ConfigError(f"The service cannot listen on {host}, port {port}: {reason}.") from error
    return door


def url_of(door: socket.socket) -> str:
    """Give the address to type into a browser.

    >>> with bound("127.0.0.1", 0) as door:
    ...     url_of(door).startswith("http://127.0.0.1:")
    True
    """
    host, port = door.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104  # nosec B104 -- compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
