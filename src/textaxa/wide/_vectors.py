"""Vectors of the training texts: in memory, or as float16 in a file of the run's folder where they are many.

Texts and an encoder come in; scaled vectors (B, D) and their scale go out. A stopped run goes on at its last block.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.wide._rows import Float32
from textaxa.wide._scale import Scale

Give = Callable[[Any, Sequence[str]], Float32]
"""Gives the vectors (B, D) of texts by an encoder."""
Told = Callable[[int], None]

IN_MEMORY = 256_000_000
"""Bytes of float32 up to which vectors stay in memory: 170,000 texts of 384 features."""
BLOCK = 4096
"""Texts that are encoded between two writings: a minute of a transformer on two cores, which a stopped run loses."""
_SCALE_TEXTS = 4096
"""Texts, drawn at random, that set the scale where not all are in memory at once; they are encoded twice."""

PROGRESS = "vectors.json"
"""What a run's folder is known by as one to go on from."""
_VECTORS = "vectors.npy"


def encode(encoder: Any, texts: Sequence[str]) -> Float32:
    """Give the vectors (B, D) of texts by an encoder."""
    found: Float32 = encoder.encode(texts)
    return found


def training_vectors(
    encoder: Any,
    texts: Sequence[str],
    folder: Path,
    *,
    give: Give = encode,
    name: str = "",
    resume: bool = False,
    told: Told | None = None,
    in_memory: int = IN_MEMORY,
) -> tuple[NDArray[Any], Scale]:
    """Encode training texts and scale them.

    Parameters
    ----------
    encoder
        With ``width`` and whatever ``give`` needs.
    texts
        The texts, B.
    folder
        Where a file may be kept.
    give
        Encodes a block of texts.
    name
        What tells this encoder and its settings from others: a file of another one is not gone on with.
    resume
        Go on with what is in the folder.
    told
        Is called with the number of texts encoded so far.
    in_memory
        Bytes up to which no file is made.

    Returns
    -------
    Scaled vectors, float32 (B, D) in memory or float16 (B, D) mapped from a file, and their scale.

    Raises
    ------
    ConfigError
        The vectors in the folder are of other texts or another encoder.
    """
    told = told or _nobody
    if len(texts) * encoder.width * 4 <= in_memory:
        vectors = np.asarray(give(encoder, texts), dtype=np.float32)
        told(len(texts))
        scale = Scale.of(vectors)
        return scale(vectors), scale
    return _Stored(folder, _fingerprint(texts, name)).encode(encoder, texts, give, resume=resume, told=told)


def _nobody(done: int) -> None:
    del done


class _Stored:
    """Vectors in a file, and beside it how many of them are there."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._file, self._progress, self._fingerprint = folder / _VECTORS, folder / PROGRESS, fingerprint
        folder.mkdir(parents=True, exist_ok=True)

    def encode(
        self, encoder: Any, texts: Sequence[str], give: Give, *, resume: bool, told: Told
    ) -> tuple[NDArray[Any], Scale]:
        done = self._done() if resume else 0
        drawn = np.random.default_rng(0).permutation(len(texts))[:_SCALE_TEXTS]
        scale = Scale.of(give(encoder, [texts[i] for i in np.sort(drawn)]))
        shape = (len(texts), int(encoder.width))
        stored = np.lib.format.open_memmap(
            self._file, mode="r+" if done else "w+", dtype=None if done else np.float16, shape=None if done else shape
        )
        for start in range(done, len(texts), BLOCK):
            part = slice(start, start + BLOCK)
            stored[part] = scale(give(encoder, texts[part]))
            stored.flush()
            self._write(min(start + BLOCK, len(texts)))
            told(min(start + BLOCK, len(texts)))
        # A plain array on the mapped memory: slices of np.memmap itself cost several times as much.
        return stored.view(np.ndarray), scale

    def _done(self) -> int:
        """Give how many texts were encoded before."""
        try:
            told = json.loads(self._progress.read_text(encoding="utf-8"))
            done, fingerprint = int(told["done"]), told["texts"]
        except (OSError, ValueError, KeyError, TypeError):
            return 0
        if fingerprint != self._fingerprint:
            raise ConfigError(
                f"The vectors in {self._file} are of other texts or another encoder than this run's, so it cannot go "
                "on with them. Give the same table and encoder, or start without --resume."
            )
        return done if self._file.is_file() else 0

    def _write(self, done: int) -> None:
        fresh = self._progress.with_suffix(".new")
        fresh.write_text(json.dumps({"texts": self._fingerprint, "done": done}), encoding="utf-8")
        fresh.replace(self._progress)


def _fingerprint(texts: Sequence[str], name: str) -> str:
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass"))
    for text in texts:
        digest.update(f"{len(text)} {text}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
