"""Starts a function in several processes that find each other as under a launcher, and gives what each returned."""

import multiprocessing
import os
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

_START = multiprocessing.get_context("forkserver")
_START.set_forkserver_preload(["textaxa.training._train", "textaxa.persistence", "tiny_encoder"])
"""PyTorch is imported once; the processes are forked from there."""

SECONDS = 120
"""After this, a process that still runs counts as one that waits for others in vain."""


class FailedError(AssertionError):
    """A process ended with an error that the function did not expect."""


def in_processes(n: int, function: Callable[..., Any], *arguments: Any, lost: tuple[int, ...] = ()) -> list[Any]:
    """Call a function of a test module in n processes; ``lost`` are ranks that end without an answer."""
    port = _free_port()
    pipes = [_START.Pipe(duplex=False) for _ in range(n)]
    started = [
        _START.Process(target=_child, args=(rank, n, port, pipes[rank][1], function, arguments)) for rank in range(n)
    ]
    for process in started:
        process.start()
    for _, sender in pipes:
        sender.close()  # ours: so that a process that dies without a word is noticed
    try:
        return [None if rank in lost else _answer(pipes[rank][0], rank) for rank in range(n)]
    finally:
        for process in started:
            process.join(10)
            process.kill()


def _answer(receiver: Any, rank: int) -> Any:
    if not receiver.poll(SECONDS):
        raise FailedError(f"process {rank} gave no answer in {SECONDS} s")
    try:
        well, value = receiver.recv()
    except EOFError:
        raise FailedError(f"process {rank} died") from None
    if not well:
        raise FailedError(f"process {rank}: {value}")
    return value


def _child(
    rank: int, world: int, port: int, sender: Any, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(world)}
    os.environ |= {"LOCAL_WORLD_SIZE": str(world), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ |= {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    _alone_on_a_core()
    try:
        answer = (True, function(*arguments))
    except BaseException:  # noqa: BLE001 - whatever it is, the test is told
        answer = (False, traceback.format_exc())
    sender.send(answer)
    sender.close()
    sys.stdout.flush()
    os._exit(0)  # at once: the others may be gone, and nothing here has to be put away


def _alone_on_a_core() -> None:
    import torch

    torch.set_num_threads(1)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
