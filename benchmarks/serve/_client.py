"""A client for HTTP/1.1 that costs little: bytes are made ahead, connections stay open, and an answer is found by its
``content-length``. A load generator shares the machine with what it measures."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Answer = tuple[int, bytes]
"""Status and body."""


class LostAnswer(ConnectionError):  # noqa: N818 -- what it says, not what it is
    """The connection ended after a whole request was sent and before its answer was there."""


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self.transport: Any = None
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.open = transport, True

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(LostAnswer(str(error)))

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = self._got.find(b"\r\n\r\n")
        if head < 0 or self._waiting is None:
            return
        header = bytes(self._got[:head]).lower()
        length = int(header.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._got) < head + 4 + length:
            return
        body = bytes(self._got[head + 4 : head + 4 + length])
        self._got.clear()
        if b"connection: close" in header:
            self.open = False
        if not self._waiting.done():
            self._waiting.set_result((int(header[9:12]), body))

    async def ask(self, request: bytes) -> Answer:
        """Send a whole request and give its answer."""
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting


async def connected(port: int) -> Connection:
    """Give a new connection to this machine."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


def posted(path: str, body: Any) -> bytes:
    """Give the bytes of a request."""
    told = json.dumps(body, ensure_ascii=False).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(told)}"
    return head.encode() + b"\r\n\r\n" + told


async def saturated(port: int, requests: Sequence[bytes], clients: int) -> float:
    """Send all requests from so many clients, each sending its next one once it has its answer; give the seconds."""
    left = iter(requests)

    async def client() -> None:
        connection = await connected(port)
        for request in left:
            status, body = await connection.ask(request)
            if status != 200:
                raise RuntimeError(f"status {status}: {body[:200]!r}")
        connection.transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began


async def at_a_rate(port: int, requests: Sequence[bytes], arrivals: Sequence[float]) -> list[float]:
    """Send every request at its time of arrival, whether or not those before are answered.

    Returns
    -------
    Seconds from when each should have been sent to its answer: a server that stands still for a second is charged for
    all who come in that second.
    """
    idle = [await connected(port) for _ in range(8)]
    taken: list[float] = []

    async def one(request: bytes, due: float) -> None:
        connection = idle.pop() if idle else await connected(port)
        status, body = await connection.ask(request)
        taken.append(time.perf_counter() - due)
        if status != 200:
            raise RuntimeError(f"status {status}: {body[:200]!r}")
        idle.append(connection)

    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for request, arrival in zip(requests, arrivals, strict=True):
            await asyncio.sleep(max(0.0, began + arrival - time.perf_counter()))
            group.create_task(one(request, began + arrival))
    for connection in idle:
        connection.transport.close()
    return taken


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    """Run on the fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main())  # type: ignore[arg-type]
    return uvloop.run(main())  # type: ignore[arg-type]
