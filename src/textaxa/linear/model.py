"""The linear model: texts come in, node probabilities and paths go out, as from `textaxa.model.Model`."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
from scipy import sparse

from textaxa._versions import versions
from textaxa.calibration import Calibration
from textaxa.data._label_nodes import label_nodes, terminal_positions
from textaxa.decisions import Choice, Decider
from textaxa.decoding import Prediction
from textaxa.evaluation import hierarchical_f1
from textaxa.guarantee import Evidence
from textaxa.linear._classifiers import Weights, fit_weights
from textaxa.linear._features import Features, fit_features
from textaxa.linear._margins import MarginScales, fit_scales
from textaxa.linear._options import Decision, Options, options_of
from textaxa.linear._persistence import read_parts, write_parts
from textaxa.linear._settings import LinearSettings, resolved
from textaxa.linear._vectors import Give, JoinedFeatures, join_vectors
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy

Labels = Sequence[Sequence[LabelPath]]
Rows = tuple[Sequence[str], Labels]
Tell = Callable[..., None]

_SCORES = 4_000_000
"""Margins that are computed at a time: 32 MB."""

_AT_ONCE = 250_000
"""Margins that become probabilities at a time: 1 MB, which stays in the cache of a core."""

_HELD_OUT = 0.2
"""Share of the training rows on which the margins are scaled where there are no validation rows."""

_STEPS = 3
"""What the progress shows: features, classifiers, scales."""


class LinearModel:
    """TF-IDF vectors and linear classifiers over one taxonomy; a head that reads texts, so it is the whole model.

    Source: one classifier a parent node is the "local classifier per parent node" of Silla & Freitas (2011); here its
    margins are calibrated and multiplied along every path, instead of going down the best one.

    Attributes
    ----------
    taxonomy : Taxonomy
        Its nodes are the columns of ``node_proba``.
    settings : ModelSettings
        What was chosen. Settings of the encoder have a meaning with ``vectors`` only, else they stay at their defaults.
    summary : dict
        What is known about training. JSON-able.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Sports"), ("Tools",)])
    >>> texts = ["a card game", "a football game", "an alarm clock"]
    >>> model = LinearModel.fit(texts, [[("Games", "Cards")], [("Games", "Sports")], [("Tools",)]], taxonomy)
    >>> model.predict(["a game of football"])[0][0].path
    ('Games', 'Sports')
    """

    Settings = LinearSettings
    tasks = ("single", "multi")
    reads = "texts"

    def __init__(
        self,
        taxonomy: Taxonomy,
        settings: ModelSettings,
        features: Features | JoinedFeatures,
        weights: Weights,
        scales: MarginScales,
        *,
        options: Options,
        summary: dict[str, Any] | None = None,
    ) -> None:
        self.taxonomy = taxonomy
        self.settings = settings
        self.features = features
        self.weights = weights
        self.scales = scales
        self.options = options
        self.summary: dict[str, Any] = summary or {}
        self.thresholds: np.ndarray | None = None
        self.calibration: Calibration | None = None
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
        vectors: Give | None = None,
    ) -> "LinearModel":
        """Train a model on rows of text and labels; `textaxa.training.train_model` then calibrates its probabilities.

        Parameters
        ----------
        texts, labels
            Training rows; a label is one path in a single-path task, several in a several-paths one.
        taxonomy
            Every label must be in it.
        task
            ``single`` or ``multi``.
        head_settings
            `LinearSettings`.
        training
            The seed is read.
        encoder
            Read where ``head_settings.vectors`` asks for text vectors; the encoder is left as it is.
        valid
            Rows that scale the margins. Left out, a part of the training rows does, and the classifiers are then fitted
            again on all of them.
        listener
            Is told about steps, validation scores and the end.
        vectors
            Gives the text vectors (B, D) of an encoder, for several runs that share them.

        Raises
        ------
        ConfigError
            The encoder that is asked for cannot be loaded.
        DataError
            Labels outside the taxonomy, or texts without anything to count.
        """
        training = training or TrainingSettings()
        given: Any = head_settings or LinearSettings()
        chosen = resolved(given, texts, taxonomy, task=task)
        frozen = replace(encoder or EncoderSettings(), frozen=True) if chosen.vectors else EncoderSettings()
        settings = ModelSettings(task, "linear", chosen, frozen, training)
        return _Fit(settings, taxonomy, listener, vectors).run(texts, labels, valid)

    @property
    def task(self) -> str:
        """``single`` (one path a text) or ``multi``."""
        return self.settings.task

    def node_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Give P(text belongs under node) as float32 (B, N), columns in ``taxonomy.nodes`` order; coherent."""
        return self.node_proba_of(self.features(texts))

    def node_proba_of(self, features: sparse.csr_matrix) -> np.ndarray:
        """Give node probabilities (B, N) for vectors (B, F) that were computed before."""
        proba = np.empty((features.shape[0], len(self.taxonomy)), dtype=np.float32)
        for rows in _blocks(features.shape[0], self.options.n_options, most=_AT_ONCE):
            scores = self.scales(self.options, self.weights, self.weights.margins(features[rows]))
            proba[rows] = self.options.node_proba(scores)
        return proba if self.calibration is None else self.calibration(proba)

    def predict(self, texts: Sequence[str], *, top: int = 1) -> list[list[Prediction]]:
        """Give the predicted paths of each text, most probable first; in a several-paths task all that pass."""
        return self.decode(self.node_proba(texts), top=top)

    def decode(self, node_proba: np.ndarray, *, top: int = 1) -> list[list[Prediction]]:
        """Turn node probabilities (B, N) into predictions; `textaxa.decisions.Decider` does it in other ways."""
        return Decider(self, Choice(top=top))(node_proba)

    def write(self, folder: Path) -> None:
        """Write vocabulary and weights into a model folder."""
        write_parts(folder, self.features, self.weights, self.scales)

    @classmethod
    def read(cls, folder: Path, taxonomy: Taxonomy, settings: ModelSettings, summary: dict[str, Any]) -> "LinearModel":
        """Read what `write` wrote.

        Raises
        ------
        ModelFileError
            A file is damaged, or does not fit the settings or the taxonomy.
        """
        own: Any = settings.head_settings
        options = options_of(taxonomy, settings.task, own.arrangement)
        features, weights, scales = read_parts(folder, own, options, settings.encoder)
        return cls(taxonomy, settings, features, weights, scales, options=options, summary=summary)


class _Fit:
    """One training, step by step."""

    def __init__(self, settings: ModelSettings, taxonomy: Taxonomy, listener: Any, give: Give | None) -> None:
        self.give = give
        self.settings = settings
        self.own = cast(LinearSettings, settings.head_settings)
        self.taxonomy = taxonomy
        self.options = options_of(taxonomy, settings.task, self.own.arrangement)
        self.seed = settings.training.seed
        self.began = time.monotonic()
        self.listener = listener

    def run(self, texts: Sequence[str], labels: Labels, valid: Rows | None) -> LinearModel:
        self._tell("start", step=0, steps=_STEPS, epochs=1)
        nodes = label_nodes(self.taxonomy, labels)
        truth = self._truth(nodes)
        features, vectors = self._features(texts)
        if valid:
            weights = self._weights(truth, vectors)
            valid_nodes = label_nodes(self.taxonomy, valid[1])
            valid_vectors = features(valid[0])
            scales = self._scales(weights, self._truth(valid_nodes), valid_vectors)
        else:
            scales = self._held_out_scales(truth, vectors)
            weights = self._weights(truth, vectors)
        model = LinearModel(self.taxonomy, self.settings, features, weights, scales, options=self.options)
        best = self._scores(model, valid_vectors, valid_nodes) if valid else {}
        model.summary = self._summary(nodes, len(valid[0]) if valid else 0, best)
        self._tell("end", step=_STEPS, seconds=time.monotonic() - self.began)
        return model

    def _features(self, texts: Sequence[str]) -> tuple[Any, sparse.csr_matrix]:
        counts, counted = fit_features(self.own, texts, seed=self.seed)
        if not self.own.vectors:
            return counts, counted
        joined, vectors = join_vectors(counts, self.settings.encoder, texts, give=self.give)
        self.settings = replace(self.settings, encoder=joined.encoder.settings)
        return joined, joined.beside(counted, vectors)

    def _tell(self, event: str, **values: Any) -> None:
        if self.listener is not None:
            self.listener({"event": event, **values})

    def _truth(self, nodes: list[list[int]]) -> Any:
        """Give the labels as the options take them: positions of terminals (B,), or true nodes as CSR (B, N)."""
        if self.settings.task == "single":
            return terminal_positions(self.taxonomy, nodes)
        closed = [np.unique(self.taxonomy.ancestors.rows(row)) for row in nodes]
        indptr = np.cumsum([0, *map(len, closed)])
        indices = np.concatenate([*closed, np.empty(0, dtype=np.int32)])
        return sparse.csr_matrix((np.ones(len(indices), dtype=bool), indices, indptr), (len(nodes), len(self.taxonomy)))

    def _decisions(self, truth: Any) -> list[Decision]:
        return self.options.decisions(truth)

    def _weights(self, truth: Any, vectors: sparse.csr_matrix) -> Weights:
        decisions = self._decisions(truth)
        return fit_weights(self.own, decisions, vectors, n_options=self.options.n_options, seed=self.seed)

    def _scales(self, weights: Weights, truth: Any, vectors: sparse.csr_matrix) -> MarginScales:
        return fit_scales(self.own, self.options, weights, self._decisions(truth), weights.scores(vectors))

    def _held_out_scales(self, truth: Any, vectors: sparse.csr_matrix) -> MarginScales:
        order = np.random.default_rng(self.seed).permutation(vectors.shape[0])
        held_out = max(1, round(_HELD_OUT * len(order)))
        tested, fitted = np.sort(order[:held_out]), np.sort(order[held_out:])
        return self._scales(self._weights(truth[fitted], vectors[fitted]), truth[tested], vectors[tested])

    def _scores(self, model: LinearModel, vectors: sparse.csr_matrix, nodes: list[list[int]]) -> dict[str, float]:
        """Score the validation rows; block by block, so that no (B, N) of many rows and nodes is held."""
        found: list[list[int]] = []
        for rows in _blocks(vectors.shape[0], len(self.taxonomy)):
            found += [[p.node for p in row] for row in model.decode(model.node_proba_of(vectors[rows]))]
        right = sum(set(a) == set(b) for a, b in zip(nodes, found, strict=True))
        f1 = float(hierarchical_f1(self.taxonomy, nodes, found))
        best = {"hierarchical_f1": f1, "path_accuracy": right / max(1, len(nodes))}
        self._tell("validation", step=_STEPS, epoch=1, **best)
        return best

    def _summary(self, nodes: list[list[int]], valid_rows: int, best: dict[str, float]) -> dict[str, Any]:
        if self.settings.task == "single":
            counted, n = terminal_positions(self.taxonomy, nodes), len(self.taxonomy.terminals)
        else:
            counted, n = self._truth(nodes).indices, len(self.taxonomy)
        return {
            "rows": len(nodes),
            "valid_rows": valid_rows,
            "counts": np.bincount(counted, minlength=n).tolist(),
            "best": best,
            "trained": datetime.now(UTC).date().isoformat(),
            "versions": versions("scikit-learn", "scipy", "numpy", "safetensors"),
        }


def _blocks(n_rows: int, n_columns: int, *, most: int = _SCORES) -> Iterator[slice]:
    size = max(1, most // max(1, n_columns))
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))
