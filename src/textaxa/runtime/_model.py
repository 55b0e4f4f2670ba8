"""A model without PyTorch: what `textaxa.Model` offers for prediction, computed by ONNX Runtime or OpenVINO."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textaxa._pieces import BATCH_TOKENS, Pieces, Work, batches_by_length, flop_of
from textaxa._windows import tokenised
from textaxa.calibration import Calibration
from textaxa.decisions import Choice, Decider
from textaxa.decoding import Prediction
from textaxa.guarantee import Evidence
from textaxa.runtime._layout import ENCODER, FOLDER, HEAD, TOKENIZER, Layout, read_layout
from textaxa.runtime._openvino import OpenVINOSession
from textaxa.runtime._session import Session
from textaxa.runtime._threads import available_threads
from textaxa.runtime._tokens import RuntimeTokeniser, padded
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy

_HEAD_BATCH = 1024
"""Texts whose node probabilities are computed at a time."""

_WIDE = 4096
"""Nodes from which on the head gets all threads; below, waking them takes longer than the head."""

ENGINES = ("onnx", "openvino")


class RuntimeModel:
    """Encoder and head as ONNX files, over one taxonomy. It predicts; it cannot be trained, explained or saved.

    Parameters
    ----------
    folder
        The ``onnx/`` folder.
    taxonomy, settings, summary
        Of the model.
    engine
        What computes the encoder, one of ``ENGINES``.
    head
        Whether there is a head, too; without one it encodes only, for a model that has its head elsewhere.

    Attributes
    ----------
    taxonomy : Taxonomy
        Its nodes are the columns of ``node_proba``.
    settings : ModelSettings
        What was chosen. ``head_settings`` is a plain namespace: the class that checks it needs PyTorch.
    summary : dict
        What is known about training, and about the export (``summary["onnx"]``).
    layout : Layout
        Precision and sizes of the ONNX files.
    thresholds : float64 array (N,), or None
        In a several-paths task, from which probability on each node is an answer; None: 0.5 for all.
    calibration : Calibration, or None
        What node probabilities go through before anyone sees them.
    evidence : Evidence, or None
        What held-out rows say about the model with the weights of PyTorch: promises rest on it.
    work : Work
        What its encoder has done so far.
    batch_tokens : int
        Padded tokens that are computed at a time.
    """

    def __init__(
        self,
        folder: Path,
        taxonomy: Taxonomy,
        settings: ModelSettings,
        summary: dict[str, Any] | None = None,
        *,
        engine: str = "onnx",
        head: bool = True,
    ) -> None:
        self.taxonomy = taxonomy
        self.settings = settings
        self.summary: dict[str, Any] = summary or {}
        self.thresholds: np.ndarray | None = None
        self.calibration: Calibration | None = None
        self.evidence: Evidence | None = None
        self.work = Work()
        self.batch_tokens = BATCH_TOKENS
        self.layout: Layout = read_layout(folder)
        self.tokenise = RuntimeTokeniser(folder / TOKENIZER, self.layout, settings.encoder)
        threads = available_threads()
        session: Any = OpenVINOSession if engine == "openvino" else Session
        self._encoder = session(
            folder / ENCODER,
            precision=self.layout.precision,
            inputs={"input_ids", "attention_mask"},
            output="vectors",
            width=self.layout.width,
            threads=threads,
            **({"longest": settings.encoder.max_length} if engine == "openvino" else {}),
        )
        if not head:
            return
        self._head = Session(
            folder / HEAD,
            inputs={"features"},
            output="node_proba",
            width=len(taxonomy),
            threads=threads if len(taxonomy) >= _WIDE else 1,
        )

    @property
    def task(self) -> str:
        """``single`` (one path a text) or ``multi``."""
        return self.settings.task

    @property
    def computed_by(self) -> str:
        """What computes the encoder, and in which precision: ``ONNX Runtime (int8)``, ``OpenVINO (bf16)``."""
        name: str = self._encoder.name
        return name

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Give the vectors of texts as float32 (B, D), in order; equal texts are computed once."""
        place: dict[str, int] = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        if len(place) == len(texts):
            return self._encoded(texts)
        return self._encoded(list(place))[[place[text] for text in texts]]

    def _encoded(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.empty((len(texts), self.layout.width), dtype=np.float32)
        for rows, pieces in tokenised(texts, self.tokenise):
            for batch in batches_by_length(pieces, budget=self.batch_tokens):
                these = [pieces[i] for i in batch]
                feed, per_text = padded(these, self.layout.padding)
                vectors[[rows[i] for i in batch]] = _averaged(self._encoder(feed), per_text)
                self._count(these)
        if self.layout.normalise:
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)  # as PyTorch's normalize
        return vectors

    def _count(self, pieces: Sequence[Pieces]) -> None:
        lengths = [len(piece) for text in pieces for piece in text]
        layout = self.layout
        flop = flop_of(lengths, width=layout.width, layers=layout.layers, feed_forward=layout.feed_forward)
        self.work.add(lengths, flop)

    def node_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Give P(text belongs under node) as float32 (B, N), columns in ``taxonomy.nodes`` order; coherent."""
        return self.node_proba_of(self.encode(texts))

    def node_proba_of(self, features: np.ndarray) -> np.ndarray:
        """Give node probabilities (B, N) for text vectors (B, D) that were computed before."""
        proba = np.empty((len(features), len(self.taxonomy)), dtype=np.float32)
        for start in range(0, len(features), _HEAD_BATCH):
            part = slice(start, start + _HEAD_BATCH)
            proba[part] = self._head({"features": features[part]})
        return proba if self.calibration is None else self.calibration(proba)

    def predict(self, texts: Sequence[str], *, top: int = 1) -> list[list[Prediction]]:
        """Give the predicted paths of each text, most probable first; in a several-paths task all that pass."""
        return self.decode(self.node_proba(texts), top=top)

    def decode(self, node_proba: np.ndarray, *, top: int = 1) -> list[list[Prediction]]:
        """Turn node probabilities (B, N) into predictions; `textaxa.decisions.Decider` does it in other ways."""
        return Decider(self, Choice(top=top))(node_proba)


def read_runtime_model(
    folder: Path, taxonomy: Taxonomy, settings: ModelSettings, summary: dict[str, Any], *, engine: str = "onnx"
) -> RuntimeModel:
    """Read the ``onnx/`` part of a model folder whose other files were read and checked already.

    Raises
    ------
    MissingExtraError
        onnxruntime, tokenizers or openvino is not installed.
    ModelFileError
        A file is damaged, refused, or does not fit the taxonomy.
    """
    return RuntimeModel(folder / FOLDER, taxonomy, settings, summary, engine=engine)


def _averaged(pieces: np.ndarray, per_text: np.ndarray) -> np.ndarray:
    """Average the vectors of pieces (W, D) that follow each other text by text, to (B, D)."""
    if len(pieces) == len(per_text):
        return pieces
    starts = np.cumsum(per_text) - per_text
    averages: np.ndarray = np.add.reduceat(pieces, starts, axis=0) / per_text[:, None].astype(np.float32)
    return averages
