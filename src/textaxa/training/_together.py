"""What several processes that train one model say to each other. Alone, every word is said to oneself, at no cost.

A flag, a small value, the rows of an array or a module comes in; what all of them have goes out, the same everywhere.
All of it goes over the CPU (gloo), beside whatever carries the gradients. Values travel as JSON, never as pickles.
"""

import atexit
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import numpy as np
import torch
from torch import distributed, nn

from textaxa._processes import Launched, launched
from textaxa.errors import ConfigError, DataError, ModelFileError, TaxonomyError, TextaxaError

_PATIENCE = timedelta(hours=2)
"""How long one waits for the others before it gives up: the slowest encoding of one share beside the fastest."""

_ERRORS = {kind.__name__: kind for kind in (ConfigError, DataError, ModelFileError, TaxonomyError, TextaxaError)}


class Together:
    """The processes of one training.

    Parameters
    ----------
    place
        Which of them this one is.
    """

    def __init__(self, place: Launched) -> None:
        self.place = place
        self.rank, self.world, self.main = place.rank, place.world, place.main
        self._group: Any = None
        if self.world > 1 and "gloo" not in str(distributed.get_backend_config()):
            self._group = distributed.new_group(backend="gloo")

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.world > 1:
            self.any(False)

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any of them."""
        return bool(self.most(int(flag)))

    def most(self, value: int) -> int:
        """Give the largest of their numbers."""
        if self.world == 1:
            return value
        found = torch.tensor(value)
        distributed.all_reduce(found, distributed.ReduceOp.MAX, group=self._group)
        return int(found)

    def heard(self, value: Any) -> list[Any]:
        """Give the values of all of them, by rank; a value is anything that JSON can hold."""
        if self.world == 1:
            return [value]
        sent = np.frombuffer(json.dumps(value).encode(), dtype=np.uint8)
        size = torch.tensor([len(sent)])
        sizes = [torch.zeros_like(size) for _ in range(self.world)]
        distributed.all_gather(sizes, size, group=self._group)
        found = self._gathered(sent, int(max(sizes)))
        return [json.loads(bytes(one[: int(n)])) for one, n in zip(found, sizes, strict=True)]

    def told(self, value: Any) -> Any:
        """Give the main process's value to all of them."""
        return self.heard(value if self.main else None)[0]

    def share(self, n: int) -> range:
        """Give the numbers of the rows, of so many, that are this process's own: every world-th."""
        return range(self.rank, n, self.world)

    def whole(self, part: np.ndarray, n: int) -> np.ndarray:
        """Put the arrays of all shares together, rows in their order: (B_of_share, ...) to (n, ...)."""
        if self.world == 1:
            return part
        found = np.empty((n, *part.shape[1:]), dtype=part.dtype)
        for rank, rows in enumerate(self._gathered(part, -(-n // self.world))):
            found[rank :: self.world] = rows[: len(range(rank, n, self.world))]
        return found

    def _gathered(self, part: np.ndarray, most: int) -> list[np.ndarray]:
        """Give the arrays of all of them, padded to the longest."""
        padded = np.zeros((most, *part.shape[1:]), dtype=part.dtype)
        padded[: len(part)] = part
        sent = torch.from_numpy(padded)
        found = [torch.empty_like(sent) for _ in range(self.world)]
        distributed.all_gather(found, sent, group=self._group)
        return [one.numpy() for one in found]

    @torch.no_grad()
    def same(self, module: nn.Module) -> None:
        """Give all of them the parameters and buffers that the main process has."""
        if self.world == 1:
            return
        for value in (*module.parameters(), *module.buffers()):
            here = value.detach().cpu().contiguous()
            distributed.broadcast(here, src=0, group=self._group)
            value.copy_(here)

    @torch.no_grad()
    def average(self, value: torch.Tensor) -> None:
        """Replace a tensor by its mean over all of them."""
        if self.world == 1:
            return
        here = value.detach().cpu().contiguous()
        distributed.all_reduce(here, group=self._group)
        value.copy_(here / self.world)

    @contextmanager
    def all_or_none(self) -> Iterator[None]:
        """Let all of them end a block well, or none: an error of one is raised in all, once told by the main process.

        Only errors that are raised on purpose are shared. Any other ends its process, and the launcher ends the rest.
        """
        error: TextaxaError | None = None
        try:
            yield
        except TextaxaError as caught:
            if self.world == 1:
                raise
            error = caught
        found = self.heard(None if error is None else [_kind(error), str(error)]) if self.world > 1 else []
        for rank, fault in enumerate(found):
            if fault is not None:
                raise self._shared(rank, *fault) from error

    def _shared(self, rank: int, kind: str, message: str) -> TextaxaError:
        whose = "" if rank == 0 else f"{Launched(rank, self.world).name.capitalize()}: "
        raised = _ERRORS[kind](whose + message)
        cast("Any", raised).told_by_main = True
        return raised


def _kind(error: TextaxaError) -> str:
    return next(name for name, kind in _ERRORS.items() if isinstance(error, kind))


ALONE = Together(Launched())

_FSDP = "ACCELERATE_USE_FSDP"
_MORE_OF_FSDP = ("FSDP_OFFLOAD_PARAMS", "FSDP_ACTIVATION_CHECKPOINTING")
"""Choices of ``accelerate config`` that save yet more memory; who counts on them must not learn it from a full GPU."""


@contextmanager
def asked_to_divide(together: Together) -> Iterator[bool]:
    """Tell whether the launcher was told to use FSDP; in the block, nobody else hears of it.

    Raises
    ------
    ConfigError
        It was told to do more than is offered.
    """
    asked = together.world > 1 and _is_set(_FSDP)
    wanted = [name for name in _MORE_OF_FSDP if asked and _is_set(name)]
    if wanted:
        raise ConfigError(
            f"{' and '.join(wanted)}: FSDP divides weights, gradients and the optimizer's state here, and does nothing "
            "else. Switch that off in `accelerate config`."
        )
    before = os.environ.get(_FSDP, "false")
    try:
        if asked:
            os.environ[_FSDP] = "false"  # or transformers and accelerate would begin a division of their own
        yield asked
    finally:
        if asked:
            os.environ[_FSDP] = before


def _is_set(name: str) -> bool:
    return os.environ.get(name, "false").lower() in {"true", "1"}


def join() -> Together:
    """Give the processes that were launched together; they find each other at the first call.

    Raises
    ------
    ConfigError
        They do not find each other; or they are asked to divide the model in a way that is not offered.
    """
    place = launched()
    if place.world == 1:
        return ALONE
    for name in ("DEEPSPEED", "MEGATRON_LM"):
        if _is_set(f"ACCELERATE_USE_{name}"):
            raise ConfigError(
                f"{name} is not offered. Choose FSDP in `accelerate config` to divide the model among the processes, "
                "or plain multi-GPU or multi-CPU to divide only the rows."
            )
    if not distributed.is_initialized():
        _meet(place)
    return Together(place)


@contextmanager
def quiet(together: Together) -> Iterator[None]:
    """Keep what accelerate tells developers about a word that the Trainer passes on to PyTorch from people."""
    with warnings.catch_warnings():
        if together.world > 1:
            warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        yield


def _meet(place: Launched) -> None:
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(place.local_rank)
    try:
        distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    except (RuntimeError, ValueError) as error:
        raise ConfigError(
            f"{place.name.capitalize()} does not find the others: {error}. Is MASTER_ADDR the host of the first "
            "process, and is MASTER_PORT open and the same for all?"
        ) from error
    atexit.register(_part)


def _part() -> None:
    if distributed.is_initialized():
        distributed.destroy_process_group()
