"""Answers by several processes, for models that compute on one core: `linear`, and static token vectors.

Blocks of texts come in, their answers go out in the same order. Processes start only once what is left to do is worth
it, from where the first blocks were answered in this process; so a small table pays nothing. They are forked: nothing
is loaded twice. Where that is not safe (no Linux, a graphics card in use), everything stays in this process.
"""

import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any, Generic, Protocol, TypeVar

from textaxa.answers import Answers, Cells
from textaxa.errors import ConfigError

WAITING_EACH = 2
"""Blocks that are handed out for each process: it never waits, and memory stays bounded."""

_TOKENIZERS = "TOKENIZERS_PARALLELISM"


class Asks(Protocol):
    """A block of rows with texts to answer."""

    texts: list[str]

    def take(self, answers: Sequence[Cells]) -> None:
        """Take the answers of the texts."""


Block = TypeVar("Block", bound=Asks)


class Answering(Generic[Block]):
    """Answers blocks, at first alone.

    Parameters
    ----------
    answers
        What to ask.
    processes
        How many at most.
    worth
        Tells, after a block that was answered here, whether others shall help from now on.
    hurry
        Tells of a block whether whoever reads waits for it, so that it must not wait for others.

    Attributes
    ----------
    tokens, flop
        What the model has done for it so far, in whichever process.
    processes
        How many were used.
    """

    def __init__(
        self, answers: Answers, processes: int, *, worth: Callable[[], bool], hurry: Callable[[Block], bool]
    ) -> None:
        self._answers, self._most, self._worth, self._hurry = answers, processes, worth, hurry
        self.tokens, self.flop, self.processes = 0, 0.0, 1

    def __call__(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Give the blocks, answered, in their order."""
        blocks = iter(blocks)
        for block in blocks:
            self._take(block, _counted(self._answers, block.texts))
            yield block
            if self._most > 1 and self._worth() and can_fork(self._answers.model):
                break
        else:
            return
        self.processes = self._most
        with _Pool(self._answers, self._most) as pool:
            yield from self._by(pool, blocks)

    def _by(self, pool: "_Pool", blocks: Iterator[Block]) -> Iterator[Block]:
        waiting: deque[tuple[Block, Future[Any]]] = deque()
        for block in blocks:
            waiting.append((block, pool.submit(block.texts)))
            most = 0 if self._hurry(block) else WAITING_EACH * self._most
            while len(waiting) > most:
                yield self._finished(*waiting.popleft())
        while waiting:
            yield self._finished(*waiting.popleft())

    def _finished(self, block: Block, future: "Future[Any]") -> Block:
        try:
            self._take(block, future.result())
        except BrokenExecutor as error:
            raise ConfigError(
                "A process that helped was killed, probably because memory ran out. Use one process (--processes 1)."
            ) from error
        return block

    def _take(self, block: Block, found: tuple[list[Cells], int, float]) -> None:
        cells, tokens, flop = found
        block.take(cells)
        self.tokens += tokens
        self.flop += flop


class _Pool:
    """Forked processes that know the model. A context manager; left, they end."""

    def __init__(self, answers: Answers, processes: int) -> None:
        # Twenty milliseconds that a start without help does not pay.
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Threads of Hugging Face tokenizers do not survive a fork; told so before it, they say nothing about it.
        self._before = os.environ.get(_TOKENIZERS)
        os.environ[_TOKENIZERS] = "false"
        self._executor = ProcessPoolExecutor(
            processes, mp_context=get_context("fork"), initializer=_begin, initargs=(answers,)
        )

    def submit(self, texts: list[str]) -> "Future[Any]":
        with warnings.catch_warnings():
            # Python 3.12 warns of any fork beside threads. Those here belong to numeric libraries, of which the forked
            # processes use no threads, and to the progress bar, which they do not touch.
            warnings.simplefilter("ignore", DeprecationWarning)
            return self._executor.submit(_answer, texts)

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
        if self._before is None:
            del os.environ[_TOKENIZERS]
        else:
            os.environ[_TOKENIZERS] = self._before


def can_fork(model: Any) -> bool:
    """Tell whether a model computes on one core of this machine's processor and can be taken along into a fork."""
    if not sys.platform.startswith("linux"):
        return False
    if model.settings.head == "linear":
        return not getattr(model.settings.head_settings, "vectors", False)
    # ONNX Runtime's threads do not survive a fork, PyTorch's are not needed there; a network uses all cores by itself.
    encoder, work = getattr(model, "encoder", None), getattr(model, "work", None)
    return encoder is not None and work is not None and not work.flop and encoder.device.type == "cpu"


def _counted(answers: Answers, texts: list[str]) -> tuple[list[Cells], int, float]:
    """Give the answers, and the tokens and operations that they took."""
    work = getattr(answers.model, "work", None)
    if work is None:
        return answers(texts), 0, 0.0
    tokens, flop = work.tokens, work.flop
    found = answers(texts)
    return found, work.tokens - tokens, work.flop - flop


_here: list[Answers] = []
"""In a forked process: what it asks."""


def _begin(answers: Answers) -> None:
    """Make a forked process ready: quiet, on one thread, and gone when its parent goes, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent ends the others
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    sys.stdout = sys.stderr = None  # their buffers and locks are copies of the parent's
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if "threadpoolctl" in sys.modules:
        sys.modules["threadpoolctl"].threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here.append(answers)


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _answer(texts: list[str]) -> tuple[list[Cells], int, float]:
    return _counted(_here[0], texts)
