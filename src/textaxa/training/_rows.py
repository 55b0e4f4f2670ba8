"""What the training loop reads: targets of the labels, batches grouped by length, tokens or stored features."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler

from textaxa.data._label_nodes import label_nodes, terminal_positions
from textaxa.encoders import Pieces, TextTokeniser
from textaxa.taxonomy import Path, Taxonomy
from textaxa.training._kept import KeptStates

_GROUP = 50
"""Batches sorted by length together: enough for little padding, few enough for random batches (as transformers has)."""


class Targets:
    """Labels as the heads want them.

    ``values`` is int64 (B,), positions in ``taxonomy.terminals``, in a single-path task; float32 (B, N), true nodes
    closed under ancestors, in a several-paths task. ``counts`` are the rows of each terminal (T,) or node (N,).
    """

    def __init__(self, taxonomy: Taxonomy, labels: Sequence[Sequence[Path]], task: str) -> None:
        nodes = label_nodes(taxonomy, labels)
        self.nodes = nodes
        if task == "single":
            found = terminal_positions(taxonomy, nodes)
            self.values = torch.from_numpy(found)
            self.counts = np.bincount(found, minlength=len(taxonomy.terminals))
        else:
            closed = np.zeros((len(nodes), len(taxonomy)), dtype=np.float32)
            for row, paths in enumerate(nodes):
                for node in paths:
                    closed[row, taxonomy.ancestors.row(node)] = 1
            self.values = torch.from_numpy(closed)
            self.counts = closed.sum(0).astype(np.int64)


class LengthGroupedOrder(Sampler[int]):
    """Row numbers in random order, rows of like length near each other. The order depends on seed and epoch alone.

    So an interrupted run that is resumed in the middle of an epoch sees the same batches as an undisturbed one.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; the training loop calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng([self.seed, self.epoch])
        order = random.permutation(len(self.lengths))
        size = self.batch_size * _GROUP
        batches: list[np.ndarray] = []
        for start in range(0, len(order), size):
            group = order[start : start + size]
            group = group[np.argsort(self.lengths[group], kind="stable")]
            batches += [group[i : i + self.batch_size] for i in range(0, len(group), self.batch_size)]
        full = [batch for batch in batches if len(batch) == self.batch_size]
        short = [batch for batch in batches if len(batch) < self.batch_size]
        for i in random.permutation(len(full)):
            yield from map(int, full[i])
        for batch in short:  # last, so that every batch that the loader cuts is one of these
            yield from map(int, batch)


class TokenBatches:
    """Collates row numbers to padded tokens and targets, and to the states of frozen layers where those are kept."""

    def __init__(
        self,
        pieces: Sequence[Pieces],
        tokeniser: TextTokeniser,
        targets: torch.Tensor,
        kept: KeptStates | None = None,
    ) -> None:
        self.pieces = pieces
        self.tokeniser = tokeniser
        self.targets = targets
        self.kept = kept

    def __call__(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        tokens = self.tokeniser.collate([self.pieces[row] for row in rows])
        batch = {
            "input_ids": tokens.input_ids,
            "attention_mask": tokens.attention_mask,
            "text_of": tokens.text_of,
            "targets": self.targets[list(rows)],
        }
        return batch if self.kept is None else {**batch, "below": self.kept[rows]}


class FeatureBatches:
    """Collates row numbers to stored text vectors and targets."""

    def __init__(self, features: np.ndarray, targets: torch.Tensor) -> None:
        self.features = torch.from_numpy(features)
        self.targets = targets

    def __call__(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        chosen = torch.as_tensor(rows)
        return {"features": self.features[chosen], "targets": self.targets[chosen]}
