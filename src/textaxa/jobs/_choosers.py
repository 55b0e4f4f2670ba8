"""What `select` chooses by: with a model, and without one.

Comes in: blocks of texts. Goes out: row numbers in the order in which they should be labelled, each with one word and a
sentence why.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from textaxa._extras import require
from textaxa.data._places import counted
from textaxa.decoding import FIXED
from textaxa.errors import DataError
from textaxa.jobs._selected_rows import DIVERSE, RANDOM, UNSURE
from textaxa.selection import FEWEST, PER_WANTED, Pool, RowScores, coverage_weight, residuals, score_rows, spread
from textaxa.taxonomy import format_path

if TYPE_CHECKING:
    from textaxa.model import Model

Reasons = dict[int, tuple[str, str]]
"""Row number, in the order of labelling: why it was chosen, in one word and in words."""

COLD_CANDIDATES = 20_000
"""Without a model every text is worth the same: so many, drawn at random, are compared with each other."""

FEW_ROWS = 10
"""A class with fewer training rows is named in the reason."""

RESIDUALS = 50_000_000
"""Candidates times nodes of the taxonomy that are kept: 200 MB."""

RANDOM_REASON = "drawn at random, to measure accuracy on"
DIVERSE_REASON = "unlike the other chosen texts; there is no model yet"


class ModelChooser:
    """Chooses with a model: unsure about, of rare classes, unlike each other."""

    def __init__(self, model: "Model", n: int, n_random: int, seed: int) -> None:
        most = max(2 * n, min(max(FEWEST, PER_WANTED * n), RESIDUALS // len(model.taxonomy)))
        self.pool = Pool(n, random=n_random, most=most, seed=seed)
        self._model, self._n, self._seed = model, n, seed
        counts = model.summary.get("counts")
        several = model.task == "multi"
        right = len(model.taxonomy) if several else len(model.taxonomy.terminals)
        self._counts = np.array(counts) if isinstance(counts, list) and len(counts) == right else np.zeros(right)

    def add(self, numbers: Sequence[int], texts: list[str]) -> None:
        """Score a block of texts, and keep what may be chosen."""
        taxonomy, task = self._model.taxonomy, self._model.task
        proba, features = _probabilities(self._model, texts)
        cuts = FIXED if self._model.thresholds is None else self._model.thresholds
        scores = score_rows(taxonomy, proba, task=task, thresholds=cuts)
        residual = residuals(taxonomy, proba, scores.best, task=task, thresholds=cuts)
        rare = coverage_weight(taxonomy, self._counts, scores.best, task=task)
        self.pool.add(numbers, texts, scores.uncertainty * rare, scores, features, residual, rare)

    def choose(self) -> Reasons:
        """Give the chosen rows, in order, and why."""
        rows, blocks = self.pool.candidates()
        drawn = self.pool.random_rows()
        if not len(rows):
            return _mixed([], drawn)
        scores = [(block[0], i) for block in blocks for i in range(len(block[0]))]
        features = stacked([block[1] for block in blocks])
        residual = np.concatenate([block[2] for block in blocks])
        rare = np.concatenate([block[3] for block in blocks])
        wanted = self._n - len(drawn)
        found = spread(features, wanted, residuals=residual, weights=rare, seed=self._seed).tolist()
        reasons = [self._reason(scores[place][0].take([scores[place][1]])) for place in found]
        return _mixed([(int(rows[i]), UNSURE, why) for i, why in zip(found, reasons, strict=True)], drawn)

    def _reason(self, score: RowScores) -> str:
        taxonomy = self._model.taxonomy
        node, rival = int(score.node[0]), int(score.rival[0])
        level = int(max(taxonomy.depth[node], taxonomy.depth[rival] if rival >= 0 else 0))
        first = self._said(node, float(score.node_proba[0]), level)
        if rival >= 0:
            said = f"unsure at level {level}: {first} or {self._said(rival, float(score.rival_proba[0]), level)}"
        else:
            said = f"unsure whether it is {first}"
        return said + self._few(int(score.best[0]))

    def _said(self, node: int, proba: float, level: int) -> str:
        path = self._model.taxonomy.path(node)
        ends = "just " if len(path) < level else ""
        return f"{ends}{format_path(path)} ({proba:.2f})"

    def _few(self, node: int) -> str:
        several = self._model.task == "multi"
        place = node if several else int(np.searchsorted(self._model.taxonomy.terminals, node))
        count = int(self._counts[place])
        if count >= FEW_ROWS or not self._counts.any():
            return ""
        return f"; {counted(count, 'training row')} in {format_path(self._model.taxonomy.path(node))}"


class ColdChooser:
    """Chooses without a model: texts whose words are unlike each other."""

    def __init__(self, n: int, n_random: int, seed: int) -> None:
        self.pool = Pool(n, random=n_random, most=max(n, COLD_CANDIDATES), seed=seed)
        self._n, self._seed = n, seed

    def add(self, numbers: Sequence[int], texts: list[str]) -> None:
        """Keep texts to compare; all are worth the same."""
        self.pool.add(numbers, texts, np.ones(len(texts)), np.array(texts, dtype=object))

    def choose(self) -> Reasons:
        """Give the chosen rows, in order, and why."""
        rows, blocks = self.pool.candidates()
        drawn = self.pool.random_rows()
        texts = [str(text) for block in blocks for text in block[0]]
        found = spread(_word_features(texts), self._n - len(drawn), seed=self._seed) if texts else np.empty(0, int)
        return _mixed([(int(rows[place]), DIVERSE, DIVERSE_REASON) for place in found.tolist()], drawn)


def _word_features(texts: list[str]) -> Any:
    """Give TF-IDF vectors as CSR (C, F) of the words that two texts share; all alike where there are none."""
    require("sklearn", extra="train")
    from textaxa.linear._features import fit_features
    from textaxa.linear._settings import LinearSettings

    try:
        _, vectors = fit_features(LinearSettings(characters="off", word_ngrams=1, min_rows=2), texts, seed=0)
    except DataError:
        return np.ones((len(texts), 1), dtype=np.float32)
    return vectors


def _probabilities(model: "Model", texts: list[str]) -> tuple[np.ndarray, Any]:
    """Give node probabilities (B, N), and features (B, D) in which texts can be compared; encoded once where it can."""
    reader: Any = getattr(model, "strong", model)  # of a fast path, the model that knows more
    if hasattr(reader, "features"):
        features = reader.features(texts)
        return reader.node_proba_of(features), features
    pieces = reader.encoder.tokenise(texts)
    vectors = reader.encoder.encode_pieces(pieces)
    if reader.head.reads == "vectors":
        mean, inverse = (one.detach().cpu().numpy() for one in (reader.scale.mean, reader.scale.inverse_deviation))
        # Scaled as the head reads them: the raw vectors of some encoders all point one way.
        return reader.node_proba_of(vectors), (vectors - mean) * inverse
    return reader.node_proba_of_pieces(pieces), vectors


def stacked(blocks: Sequence[Any]) -> Any:
    """Put blocks of features below each other."""
    if len(blocks) == 1:
        return blocks[0]
    if not hasattr(blocks[0], "tocsr"):
        return np.concatenate(blocks)
    from scipy import sparse

    return sparse.vstack(blocks, format="csr")


def _mixed(chosen: Sequence[tuple[int, str, str]], drawn: Sequence[int]) -> Reasons:
    """Put the random rows evenly among the others: who stops half-way has half of both."""
    every = max(1, (len(chosen) + len(drawn)) // max(1, len(drawn)))
    order: list[tuple[int, str, str]] = []
    rest, random = list(chosen), [(row, RANDOM, RANDOM_REASON) for row in drawn]
    while rest or random:
        order += rest[: every - 1] if random else rest
        rest = rest[every - 1 :] if random else []
        order += random[:1]
        random = random[1:]
    return {row: (kind, reason) for row, kind, reason in order}
