"""What frozen lower layers make of the texts, computed once and kept on disk while the layers above learn.

Tokenised texts and an encoder that was cut come in; a file of half-precision states goes out, read batch by batch.
Where the cut cannot be trusted or the file would be too large, the reason is raised: the states are computed in each
step then.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textaxa.encoders import Pieces, TransformerEncoder, length_of
from textaxa.errors import ConfigError
from textaxa.training._together import ALONE, Together

_CHECKED = 4
"""Texts on which the cut is checked: short, long and in between."""

_SHARE_OF_DISK = 0.5
"""Of the free room on the disk: checkpoints need some, too."""

_BYTES = 2
_LARGEST = float(np.finfo(np.float16).max)


class KeptStates:
    """The states of many texts at an encoder's cut, in a memory-mapped file of float16.

    Parameters
    ----------
    file
        Where they are; (tokens, D), the pieces of all texts one after the other.
    pieces
        The texts, in the order of the rows.
    width
        Features of a state, D.
    """

    def __init__(self, file: Path, pieces: Sequence[Pieces], width: int) -> None:
        self.file = file
        self._lengths = [[len(piece) for piece in text] for text in pieces]
        sizes = [sum(text) for text in self._lengths]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self._states: Any = np.memmap(file, np.float16, "r+", shape=(int(self._starts[-1]), width))

    def put(self, rows: Sequence[int], states: np.ndarray) -> None:
        """Store the states (W, L, D) of all pieces of some rows."""
        piece = 0
        for row in rows:
            at = self._starts[row]
            for length in self._lengths[row]:
                self._states[at : at + length] = states[piece, :length]
                piece, at = piece + 1, at + length

    def __getitem__(self, rows: Sequence[int]) -> torch.Tensor:
        """Give the states of all pieces of some rows, float32 (W, L, D), padded with 0."""
        lengths = [length for row in rows for length in self._lengths[row]]
        found = np.zeros((len(lengths), max([1, *lengths]), self._states.shape[1]), dtype=np.float16)
        piece = 0
        for row in rows:
            at = self._starts[row]
            for length in self._lengths[row]:
                found[piece, :length] = self._states[at : at + length]
                piece, at = piece + 1, at + length
        return torch.from_numpy(found).float()

    def remove(self) -> None:
        """Let go of the file and remove it."""
        self._states = None
        self.file.unlink(missing_ok=True)


def keep_states(
    encoder: TransformerEncoder,
    pieces: Sequence[Pieces],
    folder: Path,
    *,
    most_bytes: float,
    autocast: Callable[[], AbstractContextManager[Any]],
    together: Together = ALONE,
) -> KeptStates:
    """Compute the states of texts at the encoder's cut, or take those that an interrupted run left in the folder.

    Several processes on one host share one file and fill it together. Each host has its own, since writing into one
    mapped file from several hosts is not safe on network storage.

    Raises
    ------
    ConfigError
        The cut gives other states than the whole encoder; they would take more than ``most_bytes`` or than half of the
        free room on the disk; or they do not fit half precision. The message says which.
    """
    needed = sum(map(length_of, pieces)) * encoder.width * _BYTES
    if encoder.cut is None:
        raise ConfigError("no layer is frozen.")
    host = together.place.rank // together.place.local_world
    file = folder / f"states-{_digest(encoder, pieces)}{f'-{host}' if host else ''}.f16"
    with together.all_or_none():
        encoder.cut.check(*_few(encoder, pieces))
        there = file.is_file() and file.stat().st_size == needed
        free = _SHARE_OF_DISK * shutil.disk_usage(folder).free
        if not there and needed > min(most_bytes, free):
            where = "half of the free room on the disk is" if free < most_bytes else "kept_gigabytes allows"
            raise ConfigError(f"they would take {needed / 1e9:.2g} GB, {where} {min(free, most_bytes) / 1e9:.2g} GB.")
    if not together.any(not there):
        return KeptStates(file, pieces, encoder.width)
    return _computed(encoder, pieces, file, needed, autocast=autocast, together=together)


def _computed(
    encoder: TransformerEncoder,
    pieces: Sequence[Pieces],
    file: Path,
    needed: int,
    *,
    autocast: Callable[[], AbstractContextManager[Any]],
    together: Together,
) -> KeptStates:
    part = file.with_suffix(".part")  # renamed when it is whole, so that a killed run leaves no half of it behind
    first = together.place.local_rank == 0
    if first:
        with part.open("wb") as empty:
            empty.truncate(needed)
    together.wait()
    kept = KeptStates(part, pieces, encoder.width)
    try:
        with together.all_or_none():
            _fill(kept, encoder, pieces, autocast, together)
    except BaseException:
        kept.remove()
        raise
    if first:
        part.rename(file)
    kept.file = file
    together.wait()
    return kept


@torch.inference_mode()
def _fill(
    kept: KeptStates,
    encoder: TransformerEncoder,
    pieces: Sequence[Pieces],
    autocast: Callable[[], AbstractContextManager[Any]],
    together: Together,
) -> None:
    was_training = encoder.training
    encoder.eval()
    cut: Any = encoder.cut
    own = range(together.place.local_rank, len(pieces), together.place.local_world)
    for some, tokens in encoder.batches([pieces[row] for row in own]):
        rows = [own[row] for row in some]
        with autocast():
            states = cut.below(tokens.input_ids, tokens.attention_mask).float().cpu().numpy()
        if not np.abs(states).max() <= _LARGEST:
            raise ConfigError(f"they reach {np.abs(states).max():.2g}, and half precision ends at {_LARGEST:.0f}.")
        kept.put(rows, states.astype(np.float16))
    encoder.train(was_training)


def _few(encoder: TransformerEncoder, pieces: Sequence[Pieces]) -> tuple[torch.Tensor, torch.Tensor]:
    order = sorted(range(len(pieces)), key=lambda row: length_of(pieces[row]))
    chosen = {order[round(i * (len(order) - 1) / (_CHECKED - 1))] for i in range(_CHECKED)}
    tokens = encoder.collate([pieces[row] for row in sorted(chosen)])
    return tokens.input_ids, tokens.attention_mask


def _digest(encoder: TransformerEncoder, pieces: Sequence[Pieces]) -> str:
    """Name what the states depend on: the frozen weights and the tokens."""
    digest = hashlib.sha256()
    for name, weight in encoder.backbone.named_parameters():
        if not weight.requires_grad:
            digest.update(f"{name} {float(weight.detach().double().sum())!r}".encode())
    for text in pieces:
        digest.update(repr(text).encode())
    return digest.hexdigest()[:16]
