"""`WideModel`: encoder, feature scale and wide head as one model; texts come in, paths found by a search go out.

It offers what `textaxa.Model` does, except that no probability of every node is computed, unless there are few.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.data._label_nodes import label_nodes
from textaxa.decisions import Choice
from textaxa.decoding import BeamPaths, Prediction
from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import hierarchical_f1
from textaxa.guarantee import Evidence
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.wide._answers import WideDecider, collect
from textaxa.wide._head import WideHead
from textaxa.wide._parts import read_parts, write_parts
from textaxa.wide._paths import predictions
from textaxa.wide._rows import Float32, Int64
from textaxa.wide._scale import Scale
from textaxa.wide._settings import WideSettings
from textaxa.wide._temperature import WideCalibration, fit_temperatures, sharpened

Labels = Sequence[Sequence[LabelPath]]
Rows = tuple[Sequence[str], Labels]

MOST_NODES = 5_000
"""Nodes up to which the probability of every one can be had: 20 KB a text."""
_BLOCK = 1024
"""Texts whose answers are made at a time."""


class WideModel:
    """Encoder, feature scale and wide head over one taxonomy. One path a text.

    Attributes
    ----------
    taxonomy : Taxonomy
        What the paths are in.
    settings : ModelSettings
        What was chosen.
    encoder
        Gives the vectors of texts: ``encode(texts)``, float32 (B, D). Of PyTorch, or of ONNX Runtime.
    scale : Scale
        What vectors go through before the head.
    head : WideHead
        The rows, in memory or mapped from a file; the calibration is built into them.
    calibration : WideCalibration
        How it was.
    evidence : Evidence, or None
        What held-out rows say about the model: promises rest on it.
    summary : dict
        What is known about training. JSON-able.
    """

    Settings = WideSettings
    tasks = ("single",)
    reads = "texts"
    searches = True
    resumes = True

    def __init__(
        self,
        taxonomy: Taxonomy,
        settings: ModelSettings,
        encoder: Any,
        scale: Scale,
        head: WideHead,
        *,
        summary: dict[str, Any] | None = None,
    ) -> None:
        self.taxonomy, self.settings = taxonomy, settings
        self.encoder, self.scale, self.head = encoder, scale, head
        self.summary: dict[str, Any] = summary or {}
        self.thresholds: np.ndarray | None = None
        self.calibration = WideCalibration()
        self.evidence: Evidence | None = None

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Labels,
        taxonomy: Taxonomy,
        *,
        task: str = "single",
        head_settings: Checked | None = None,
        training: TrainingSettings | None = None,
        encoder: EncoderSettings | None = None,
        valid: Rows | None = None,
        listener: Callable[[dict[str, Any]], None] | None = None,
        vectors: Callable[[Any, Sequence[str]], Float32] | None = None,
        checkpoint_dir: Path | None = None,
        resume: bool = False,
    ) -> "WideModel":
        """Train a model on rows of text and labels, the encoder left as it is; `settle` then calibrates it.

        Parameters
        ----------
        texts, labels
            Training rows, a label one path.
        taxonomy
            Every label must be in it.
        task
            ``single``.
        head_settings
            `WideSettings`.
        training
            Epochs, patience, time budget and seed are read.
        encoder
            Which encoder; it is left as it is.
        valid
            Rows that choose the epoch.
        listener
            Is told about texts encoded, epochs, validation scores and the end.
        vectors
            Gives the text vectors (B, D) of an encoder, for several runs that share them.
        checkpoint_dir
            Where vectors of many texts are kept while training runs. Left out, a temporary folder.
        resume
            Go on with the vectors that are there.

        Raises
        ------
        ConfigError
            The encoder cannot be loaded; the vectors to go on with are of another run.
        DataError
            Labels outside the taxonomy.
        """
        from textaxa.wide._fit import Training  # noqa: PLC0415 - it builds this class

        given: Any = head_settings or WideSettings()
        settings = ModelSettings(task, "wide", given, encoder or EncoderSettings(), training or TrainingSettings())
        run = Training(taxonomy, settings, listener, vectors)
        return run.fit(texts, labels, valid, folder=checkpoint_dir, resume=resume)

    @property
    def task(self) -> str:
        """``single``: one path a text."""
        return self.settings.task

    @property
    def beam(self) -> int:
        """Nodes that a search keeps at each level."""
        own: Any = self.settings.head_settings
        return int(own.beam)

    @property
    def work(self) -> Any:
        """What the encoder has read so far."""
        return self.encoder.work

    @property
    def computed_by(self) -> str:
        """What computes the text vectors."""
        return str(getattr(self.encoder, "computed_by", "PyTorch"))

    def vectors(self, texts: Sequence[str]) -> Float32:
        """Give the scaled vectors of texts, float32 (B, D)."""
        return self.scale(self.encoder.encode(texts)) if len(texts) else np.empty((0, self.head.rows.width), np.float32)

    def search(self, texts: Sequence[str], *, top: int = 1) -> BeamPaths:
        """Give the most probable paths that the search finds as arrays, and whether they are surely the best ones."""
        return self.head.search(self.vectors(texts), k=top, width=max(top, self.beam))

    def predict(self, texts: Sequence[str], *, top: int = 1) -> list[list[Prediction]]:
        """Give the predicted paths of each text, most probable first.

        ``because`` of a prediction says where the search may have missed a more probable path.
        """
        return self.predict_of(self.vectors(texts), top=top)

    def predict_of(self, vectors: Float32, *, top: int = 1) -> list[list[Prediction]]:
        """Give the predictions for scaled vectors (B, D) that were computed before."""
        found: list[list[Prediction]] = []
        for start in range(0, len(vectors), _BLOCK):
            part = vectors[start : start + _BLOCK]
            found += predictions(self.head, part, self.head.search(part, k=top, width=max(top, self.beam)))
        return found

    def decider(self, choice: Choice) -> WideDecider:
        """Give what answers texts as it is chosen: the most probable paths, or with a promise."""
        return WideDecider(self, choice)

    def node_proba(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give P(text belongs under node) as float32 (B, N), where the taxonomy has at most 5,000 nodes.

        Raises
        ------
        ConfigError
            There are more.
        """
        if len(self.taxonomy) > MOST_NODES:
            raise ConfigError(
                f"The head wide finds the most probable paths and never computes the probability of all "
                f"{len(self.taxonomy):,} nodes. Use predict, or another head for a small taxonomy."
            )
        return dense(self.head, self.vectors(texts))

    def decode(self, node_proba: NDArray[np.floating], *, top: int = 1) -> list[list[Prediction]]:
        """Turn node probabilities (B, N), where they can be had, into the most probable paths."""
        from textaxa.decoding import decode  # noqa: PLC0415 - for small taxonomies only

        return decode(self.taxonomy, node_proba, "most-probable", top=top)

    def settle(self, choosing: Rows, proving: Rows | None) -> dict[str, float]:
        """Calibrate, and keep what held-out rows say; give the scores of the choosing rows.

        Parameters
        ----------
        choosing
            Validation rows that fit the calibration.
        proving
            Rows that chose nothing, for promises to rest on; None where there are too few.

        Raises
        ------
        ConfigError
            ``training.calibration`` names a method that needs the probability of every node.
        """
        vectors, ends = self.vectors(choosing[0]), self._ends(choosing[1])
        training = self.settings.training
        fitted = fit_temperatures(self.head, vectors, ends, method=training.calibration, seed=training.seed)
        self.head = sharpened(self.head, fitted.sharpness)
        self.calibration = _after(self.calibration, fitted)
        if proving is not None:
            proven, proven_ends = self.vectors(proving[0]), self._ends(proving[1])
            tuning = np.arange(len(ends) + len(proven_ends)) < len(ends)
            all_vectors, all_ends = np.concatenate([vectors, proven]), np.concatenate([ends, proven_ends])
            self.evidence = collect(self.head, all_vectors, all_ends, tuning, width=self.beam)
        return self.scores(vectors, ends)

    def scores(self, vectors: Float32, ends: Int64) -> dict[str, float]:
        """Give hierarchical F1 and path accuracy on scaled vectors (B, D) with their true ends (B,)."""
        found = self.head.search(vectors, width=self.beam).nodes[:, 0]
        f1 = hierarchical_f1(self.taxonomy, [[int(n)] for n in ends], [[int(n)] for n in found])
        return {"hierarchical_f1": float(f1), "path_accuracy": float(np.mean(found == ends))}

    def _ends(self, labels: Labels) -> Int64:
        return ends_of(self.taxonomy, labels)

    def write(self, folder: Path) -> None:
        """Write encoder, scale and rows into a model folder.

        Raises
        ------
        ConfigError
            The encoder is one of ONNX Runtime, which cannot be saved.
        """
        if not hasattr(self.encoder, "save"):
            raise ConfigError('This model was read without PyTorch and cannot be saved. Read it with runtime="torch".')
        self.encoder.save(folder / "encoder")
        write_parts(folder, self.head, self.scale, self.calibration)

    @classmethod
    def read(
        cls, folder: Path, taxonomy: Taxonomy, settings: ModelSettings, summary: dict[str, Any], *, encoder: Any = None
    ) -> "WideModel":
        """Read what `write` wrote.

        Parameters
        ----------
        folder
            The model folder, its sums checked.
        taxonomy, settings, summary
            Of the model.
        encoder
            What encodes texts without PyTorch. Left out, the folder's encoder is loaded.

        Raises
        ------
        ModelFileError
            A file is damaged, or does not fit.
        """
        head, scale, calibration = read_parts(folder, taxonomy)
        if encoder is None:
            from textaxa.encoders import load_encoder  # noqa: PLC0415 - PyTorch, which the runtime does without

            encoder = load_encoder(settings.encoder, folder=folder / "encoder").requires_grad_(False)
        model = cls(taxonomy, settings, encoder, scale, head, summary=summary)
        model.calibration = calibration
        return model


def ends_of(taxonomy: Taxonomy, labels: Labels) -> Int64:
    """Give the node at which the one label of every text ends, int64 (B,).

    Raises
    ------
    DataError
        A label is not in the taxonomy, or a text has several.
    """
    nodes = label_nodes(taxonomy, labels)
    for row in (i for i, one in enumerate(nodes) if len(one) != 1):
        raise DataError(f"Row {row} has {len(nodes[row])} labels; the head wide gives one path a text.")
    return np.array([one[0] for one in nodes], dtype=np.int64)


def dense(head: WideHead, vectors: Float32) -> NDArray[np.float32]:
    """Give P(text belongs under node) for scaled vectors (B, D) and all nodes, float32 (B, N); for small taxonomies."""
    taxonomy = head.tree
    proba = np.zeros((len(vectors), len(taxonomy)), dtype=np.float64)
    if not len(vectors):
        return proba.astype(np.float32)
    conditional, text = head.conditional(vectors), np.arange(len(vectors))
    for node in [-1, *np.flatnonzero(~np.asarray(taxonomy.is_leaf)).tolist()]:
        below = np.asarray(taxonomy.level(1) if node < 0 else taxonomy.children.row(node), dtype=np.int64)
        given, _ = conditional(text, np.full(len(text), node))
        above = 1.0 if node < 0 else proba[:, [node]]
        proba[:, below] = above * given.reshape(len(text), -1)
    return proba.astype(np.float32)


def _after(old: WideCalibration, new: WideCalibration) -> WideCalibration:
    """Give what both did together: the new one was fitted on top of the old one."""
    if not old.sharpness or not new.sharpness:
        both = new.sharpness or old.sharpness
    else:
        both = tuple(a * b for a, b in zip(old.sharpness, new.sharpness, strict=True))
    method = new.method if new.sharpness or not old.sharpness else old.method
    return WideCalibration(method, both, new.scores, new.rows)
