"""Text vectors of a frozen encoder, computed once and shared by all runs of a comparison.

They lie in files and are mapped into memory, so that they cost room on disk and not in memory, and outlive an
interruption.
"""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NOT_READ = ("frozen", "trainable_layers")
"""Encoder settings that do not change a text's vector."""


class SharedVectors:
    """Gives the vectors of texts, from a file where they were asked for before.

    Attributes
    ----------
    seconds
        How long encoding took, or takes where it was done before, for what was asked for since `begin`.
    spent
        How much of that was spent now.
    asked
        Whether anything was asked for since `begin`: a model whose encoder learns never asks.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begin()

    def begin(self) -> None:
        """Set both clocks to nothing."""
        self.seconds = self.spent = 0.0
        self.asked = False

    def __call__(self, encoder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the vectors (B, D) of texts by an encoder."""
        self.asked = True
        name = _name(encoder, texts)
        stored, told = self.folder / f"{name}.npy", self.folder / f"{name}.json"
        if not told.is_file():
            self._compute(encoder, texts, stored, told)
        self.seconds += float(json.loads(told.read_text(encoding="utf-8"))["seconds"])
        # Copy on write: PyTorch wants arrays that could be written to.
        vectors: NDArray[np.float32] = np.load(stored, mmap_mode="c", allow_pickle=False)
        return vectors

    def _compute(self, encoder: Any, texts: Sequence[str], stored: Path, told: Path) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        vectors = encoder.encode(texts)
        seconds = time.monotonic() - began
        self.spent += seconds
        fresh = stored.with_suffix(".new.npy")
        np.save(fresh, vectors, allow_pickle=False)
        fresh.replace(stored)
        told.write_text(json.dumps({"seconds": seconds}), encoding="utf-8")  # last: it says that the vectors are whole


def _name(encoder: Any, texts: Sequence[str]) -> str:
    settings = {name: value for name, value in asdict(encoder.settings).items() if name not in _NOT_READ}
    digest = hashlib.sha256(json.dumps([settings, encoder.width, len(texts)], sort_keys=True).encode())
    for text in texts:
        digest.update(json.dumps(text).encode())
    return digest.hexdigest()[:32]
