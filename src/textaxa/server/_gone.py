"""Work for clients that have gone away is not done: it would only keep those who wait."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from textaxa.server._problems import Refused

Found = TypeVar("Found")

GONE = 499
"""Status in the log of a request whose client has gone; nobody is there to read it. nginx uses the same."""


async def until_gone(request: Request, work: Coroutine[Any, Any, Found]) -> Found:
    """Give what the work gives; cancel it when the client closes the connection before.

    Raises
    ------
    Refused
        The client is gone.
    """
    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Refused(GONE, "client_gone", "The client has closed the connection before its answer was there.")
    finally:
        working.cancel()
        watching.cancel()


async def _gone(request: Request) -> None:
    """Come back when the client has closed the connection; its body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
