"""Reference classifiers: what any model must beat to be worth its name.

Training texts and labels come in, predicted labels of new texts go out. The majority needs NumPy only, TF-IDF with
logistic regression needs scikit-learn (the extra ``train``).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._extras import require
from textaxa.decoding import decode_multi, top_paths
from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy

Labels = tuple[Path, ...]


def majority_paths(train_labels: Sequence[Labels], n: int) -> list[Labels]:
    """Give the most frequent labels of the training texts, ``n`` times; of equals those that come first.

    Raises
    ------
    DataError
        There are no training labels.

    Examples
    --------
    >>> majority_paths([(("Games",),), (("Tools",),), (("Tools",),)], 2)
    [(('Tools',),), (('Tools',),)]
    """
    if not len(train_labels):
        raise DataError("There are no training labels, so there is no majority.")
    ((most, _),) = Counter(tuple(sorted(labels)) for labels in train_labels).most_common(1)
    return [most] * n


class TfidfReference:
    """TF-IDF of words and word pairs with logistic regression: the strong linear baseline.

    One path a text: one class for every full path, balanced. Several paths: one balanced binary classifier for every
    node, a child's probability cut to its parents', decoded at 0.5 with at least one path.

    Parameters
    ----------
    texts
        Training texts.
    labels
        Their labels: a tuple of paths each.
    several
        Whether a text may have several paths; None: whether any training text has other than one.
    seed
        Seed of scikit-learn's solvers.

    Raises
    ------
    DataError
        No texts, unequal numbers of texts and labels, or texts without a single word of two characters.
    MissingExtraError
        scikit-learn is not installed.

    Examples
    --------
    >>> reference = TfidfReference(["card game", "alarm clock"], [(("Games",),), (("Tools",),)])
    >>> reference.predict(["a game of cards"])
    [(('Games',),)]
    """

    # Inverse strength of the regularisation; TF-IDF vectors are short, and 10 to 30 is flat in its results.
    _C = 20.0

    def __init__(
        self, texts: Sequence[str], labels: Sequence[Labels], *, several: bool | None = None, seed: int = 0
    ) -> None:
        if len(texts) != len(labels) or not len(texts):
            raise DataError(
                f"There are {len(texts)} texts and {len(labels)} labels: as many of both are needed, and some."
            )
        self._several = any(len(one) != 1 for one in labels) if several is None else several
        self._seed = seed
        self.taxonomy = Taxonomy.from_paths(sorted({path for one in labels for path in one}))
        self._vectorizer = require("sklearn.feature_extraction.text", extra="train").TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, dtype=np.float32
        )
        features = self._features_of_training(texts)
        targets = self._node_targets(labels) if self._several else self._terminal_targets(labels)
        self._models = self._fit(features, targets)

    def predict(self, texts: Sequence[str]) -> list[Labels]:
        """Give the predicted labels of every text, most probable path first."""
        if not len(texts):
            return []
        decode = decode_multi if self._several else top_paths
        return [tuple(p.path for p in row) for row in decode(self.taxonomy, self.node_proba(texts))]

    def node_proba(self, texts: Sequence[str], taxonomy: Taxonomy | None = None) -> NDArray[np.float64]:
        """Give P(the text belongs under node n), shape (B, N), for the nodes of ``taxonomy`` or of the training labels.

        Nodes without a training text have 0.
        """
        own = self._own_node_proba(self._vectorizer.transform(list(texts)))
        if taxonomy is None:
            return own
        proba = np.zeros((len(own), len(taxonomy)))
        for node, path in enumerate(self.taxonomy.nodes):
            there = taxonomy.find(path)
            if there is not None:
                proba[:, there] = own[:, node]
        return proba

    def _features_of_training(self, texts: Sequence[str]) -> Any:
        try:
            return self._vectorizer.fit_transform(list(texts))
        except ValueError as error:
            if "empty vocabulary" not in str(error):
                raise
            raise DataError(
                "The training texts hold no word of two characters or more, so TF-IDF has nothing to count. Leave this "
                "reference out."
            ) from error

    def _terminal_targets(self, labels: Sequence[Labels]) -> NDArray[np.int64]:
        column = {int(node): i for i, node in enumerate(self.taxonomy.terminals)}
        wrong = [i for i, one in enumerate(labels) if len(one) != 1]
        if wrong:
            raise DataError(
                f"Text {wrong[0]} has {len(labels[wrong[0]])} paths, where one is needed. Use several=True."
            )
        return np.array([column[self.taxonomy.index(one[0])] for one in labels])

    def _node_targets(self, labels: Sequence[Labels]) -> NDArray[np.bool_]:
        targets = np.zeros((len(labels), len(self.taxonomy)), dtype=bool)
        for row, one in zip(targets, labels, strict=True):
            for path in one:
                row[self.taxonomy.ancestors.row(self.taxonomy.index(path))] = True
        return targets

    def _fit(self, features: Any, targets: NDArray[Any]) -> list[Any]:
        """Give the fitted models: one over the terminals, or one a node; None where there is only one class."""
        linear = require("sklearn.linear_model", extra="train")
        columns = targets.T if targets.ndim == 2 else [targets]
        models: list[Any] = []
        for column in columns:
            # The default tolerance is kept on purpose: it bounds a gradient that shrinks with the number of classes;
            # at 1e-2 the solver stops before its first step on 73 classes already.
            # liblinear is several times faster on two classes, and knows no more than two.
            solver = "liblinear" if self._several else "lbfgs"
            model = linear.LogisticRegression(
                C=self._C, class_weight="balanced", max_iter=1000, solver=solver, random_state=self._seed
            )
            models.append(model.fit(features, column) if len(np.unique(column)) > 1 else None)
        return models

    def _own_node_proba(self, features: Any) -> NDArray[np.float64]:
        n_texts, taxonomy = features.shape[0], self.taxonomy
        proba = np.zeros((n_texts, len(taxonomy)))
        if not self._several:
            (model,) = self._models
            exact = model.predict_proba(features) if model is not None else np.ones((n_texts, 1))
            terminals = taxonomy.terminals if model is None else taxonomy.terminals[model.classes_]
            for column, terminal in enumerate(terminals):
                proba[:, taxonomy.ancestors.row(int(terminal))] += exact[:, [column]]
            return proba
        for node, model in enumerate(self._models):
            # Parents come before children. A node without a model was true in every training text.
            proba[:, node] = model.predict_proba(features)[:, 1] if model is not None else 1.0
            if taxonomy.parent[node] >= 0:
                proba[:, node] = np.minimum(proba[:, node], proba[:, taxonomy.parent[node]])
        return proba
