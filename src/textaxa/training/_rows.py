"""What the training loop reads: targets of the labels, batches grouped by length, tokens or stored features."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.utils.data import Sampler

from textaxa.encoders import Pieces, TextTokeniser
from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy, format_path

_GROUP = 50
"""Batches sorted by length together: enough for little padding, few enough for random batches (as transformers has)."""


class Targets:
    """Labels as the heads want them.

    ``values`` is int64 (B,), positions in ``taxonomy.terminals``, in a single-path task; float32 (B, N), true nodes
    closed under ancestors, in a several-paths task. ``counts`` are the rows of each terminal (T,) or node (N,).
    """

    def __init__(self, taxonomy: Taxonomy, labels: Sequence[Sequence[Path]], task: str) -> None:
        nodes = [[_node(taxonomy, path, row) for path in paths] for row, paths in enumerate(labels)]
        self.nodes = nodes
        if task == "single":
            position = np.full(len(taxonomy), -1, dtype=np.int64)
            position[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
            found = np.array([position[paths[0]] for paths in nodes], dtype=np.int64)
            _refuse_non_terminals(labels, found)
            self.values = torch.from_numpy(found)
            self.counts = np.bincount(found, minlength=len(taxonomy.terminals))
        else:
            closed = np.zeros((len(nodes), len(taxonomy)), dtype=np.float32)
            for row, paths in enumerate(nodes):
                for node in paths:
                    closed[row, taxonomy.ancestors.row(node)] = 1
            self.values = torch.from_numpy(closed)
            self.counts = closed.sum(0).astype(np.int64)


def _node(taxonomy: Taxonomy, path: Path, row: int) -> int:
    node = taxonomy.find(path)
    if node is None:
        raise DataError(
            f"Row {row}: the label {format_path(path)!r} is not in the taxonomy. "
            "Add the node to the taxonomy, or correct the label."
        )
    return int(node)


def _refuse_non_terminals(labels: Sequence[Sequence[Path]], found: np.ndarray) -> None:
    for row in np.flatnonzero(found < 0)[:1]:
        raise DataError(
            f"Row {row}: the label {format_path(labels[row][0])!r} ends at an inner node at which the taxonomy lets no "
            "label end. Give a deeper label, or allow that node as a terminal."
        )


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
    """Collates row numbers to padded tokens and targets."""

    def __init__(self, pieces: Sequence[Pieces], tokeniser: TextTokeniser, targets: torch.Tensor) -> None:
        self.pieces = pieces
        self.tokeniser = tokeniser
        self.targets = targets

    def __call__(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        tokens = self.tokeniser.collate([self.pieces[row] for row in rows])
        return {
            "input_ids": tokens.input_ids,
            "attention_mask": tokens.attention_mask,
            "text_of": tokens.text_of,
            "targets": self.targets[list(rows)],
        }


class FeatureBatches:
    """Collates row numbers to stored text vectors and targets."""

    def __init__(self, features: np.ndarray, targets: torch.Tensor) -> None:
        self.features = torch.from_numpy(features)
        self.targets = targets

    def __call__(self, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        chosen = torch.as_tensor(rows)
        return {"features": self.features[chosen], "targets": self.targets[chosen]}
