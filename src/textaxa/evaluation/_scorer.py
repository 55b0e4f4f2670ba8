"""Metrics on paths in the form in which scikit-learn's tools ask for them: a fitted estimator, texts and labels in."""

from collections.abc import Iterable
from typing import Any

from textaxa.data import normalise_labels
from textaxa.evaluation._evaluate import evaluate_paths
from textaxa.taxonomy import Path, Taxonomy

_METRICS = {
    "hierarchical_f1": "hierarchical.f1",
    "hierarchical_precision": "hierarchical.precision",
    "hierarchical_recall": "hierarchical.recall",
    "macro_f1": "nodes.macro_f1_supported",
    "path_accuracy": "path_accuracy",
}


def path_scores(estimator: Any, texts: Any, labels: Any) -> dict[str, float]:
    """Give the scores of a fitted estimator on held-out rows: ``scoring=path_scores`` for scikit-learn's tools.

    Parameters
    ----------
    estimator
        A `HierarchicalTextClassifier`, a pipeline that ends in one, or anything whose ``predict`` gives paths.
    texts
        What its ``predict`` takes; n rows.
    labels
        The true labels, in any form of ``fit``. A path that the estimator does not know is a miss, not an error.

    Returns
    -------
    dict of str to float
        ``hierarchical_f1``, ``hierarchical_precision``, ``hierarchical_recall``, ``path_accuracy``, and ``macro_f1``
        over the nodes that are true in some row, all in [0, 1]; ``neg_mistake_severity`` in levels, negative, so that
        more is better for all of them. What they are: `evaluate_paths`.

    Raises
    ------
    DataError
        Texts or labels that cannot be used.

    Examples
    --------
    >>> class Majority:
    ...     def predict(self, texts):
    ...         return [("Games", "Cards") for _ in texts]
    >>> found = path_scores(Majority(), ["Chess", "Whist"], [("Games", "Boards"), ("Games", "Cards")])
    >>> found["path_accuracy"], found["hierarchical_f1"], found["neg_mistake_severity"]
    (0.5, 0.75, -0.5)
    """
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    true, _ = normalise_labels(labels, separator=getattr(last, "separator", None))
    predicted = list(estimator.predict(texts))
    paths = [path for row in true for path in row]
    taxonomy = getattr(last, "taxonomy_", None) or Taxonomy.from_paths([*paths, *_paths_of(predicted)], terminals="all")
    found = evaluate_paths(with_paths(taxonomy, paths), true, predicted, intervals=False).values()
    scores = {name: found[metric] for name, metric in _METRICS.items()}
    return {**scores, "neg_mistake_severity": -found["mistake_severity"]}


def with_paths(taxonomy: Taxonomy, paths: Iterable[Path]) -> Taxonomy:
    """Give a taxonomy that has these paths, too: as it is where it has them, else a tree of all.

    >>> with_paths(Taxonomy.from_paths([("Games",)]), [("News",)]).nodes
    [('Games',), ('News',)] (2 paths)
    """
    wanted = list(paths)
    if all(taxonomy.find(path) is not None for path in wanted):
        return taxonomy
    return Taxonomy.from_paths([*taxonomy.nodes, *wanted], terminals="all")


def _paths_of(predicted: Iterable[Any]) -> list[Path]:
    """Give the paths of answers that are a path, or a tuple of paths, a row."""
    rows = [row if row and not isinstance(row[0], str) else (row,) for row in predicted]
    return [tuple(path) for row in rows for path in row if path]
