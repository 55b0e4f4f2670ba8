"""Whether this process is one of several that a launcher (``torchrun``, ``accelerate launch``) started, and which.

The environment comes in, a `Launched` goes out. Nothing heavy is imported: what the processes say to each other is in
`textaxa.training._together`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Launched:
    """The place of this process among those that were launched together.

    Attributes
    ----------
    rank, world
        Its number, from 0, and how many there are. Number 0 is the main process: only it writes, tells and asks.
    local_rank, local_world
        The same on this host alone.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @property
    def main(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """What people call it: ``process 2 of 4``; numbers from 1."""
        return f"process {self.rank + 1} of {self.world}"


def launched(environment: Mapping[str, str] | None = None) -> Launched:
    """Read from the environment what a launcher wrote there; without a launcher, one process alone.

    Some clusters set WORLD_SIZE alone. That says nothing about who is who, so it does not count.

    Examples
    --------
    >>> launched({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "LOCAL_RANK": "1"}).name
    'process 2 of 2'
    >>> launched({"WORLD_SIZE": "8"}).world
    1
    """
    found = os.environ if environment is None else environment
    if not found.get("MASTER_ADDR") or not all(found.get(name, "").isdigit() for name in ("RANK", "WORLD_SIZE")):
        return Launched()
    rank, world = int(found["RANK"]), int(found["WORLD_SIZE"])
    local_rank = int(found.get("LOCAL_RANK", rank))
    return Launched(rank, world, local_rank, int(found.get("LOCAL_WORLD_SIZE", world)))
