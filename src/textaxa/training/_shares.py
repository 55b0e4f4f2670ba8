"""A batch of the run divided among the processes that train: together they see what one process alone would.

A batch belongs to the run, not to a process: with batches of 32 and 4 processes, each takes 8 rows of every batch. So
steps, learning rates and gradients do not depend on how many processes there are. Rows of like length are dealt out in
turn, so that all have as much to do.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from textaxa.training._rows import LengthGroupedOrder
from textaxa.training._together import Together


class Share(NamedTuple):
    """The rows of one process in one batch, and what their mean loss weighs in the mean over processes."""

    rows: list[int]
    weight: float


def share_of(batch: Sequence[int], rank: int, world: int) -> Share:
    """Give a process its rows of a batch.

    The mean over processes of weight times mean loss is the mean loss of the batch, however unevenly it was divided. A
    process that gets none (a last batch smaller than the number of processes) takes one row with weight 0, since all
    have to take part in every step.

    Examples
    --------
    >>> share_of([4, 7, 9], 0, 2)
    Share(rows=[4, 9], weight=1.3333333333333333)
    >>> share_of([4, 7, 9], 1, 2)
    Share(rows=[7], weight=0.6666666666666666)
    >>> share_of([4], 1, 2)
    Share(rows=[4], weight=0.0)
    """
    rows = list(batch[rank::world])
    return Share(rows or [batch[0]], len(rows) * world / len(batch))


class ShareOrder(Sampler[Share]):
    """The shares of one process, batch by batch, in the order that one process alone would follow."""

    def __init__(self, order: LengthGroupedOrder, together: Together) -> None:
        self.order = order
        self.together = together

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.order.batch_size)

    def __iter__(self) -> Iterator[Share]:
        rows = list(self.order)
        for start in range(0, len(rows), self.order.batch_size):
            batch = rows[start : start + self.order.batch_size]
            yield share_of(batch, self.together.rank, self.together.world)


class _Given(Dataset[Share]):
    """A data set whose items are the shares that it is asked for: what is in a row, only the collator knows."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitems__(self, share: Share) -> Share:
        return share


class ShareLoader(DataLoader[Share]):
    """Gives the batches of one process; the Trainer tells it about epochs."""

    def __init__(
        self, order: LengthGroupedOrder, together: Together, collate: Callable[..., Any], *, pin_memory: bool
    ) -> None:
        def weighed(share: Share) -> dict[str, torch.Tensor]:
            return {**collate(share.rows), "weight": torch.tensor(share.weight)}

        shares: Any = ShareOrder(order, together)
        given: Any = weighed  # of a Share, which is no list
        super().__init__(_Given(len(order)), batch_sampler=shares, collate_fn=given, pin_memory=pin_memory)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next."""
        shares: Any = self.batch_sampler
        shares.set_epoch(epoch)
