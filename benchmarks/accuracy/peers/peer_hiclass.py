"""HiClass: one classifier per parent node (linear SVM), or per node (logistic regression), on TF-IDF.

``options``: ``strategy`` is ``parent`` or ``node``; ``C`` lists what is tried. HiClass never stops at an inner node
that has children (its issue #94). So that it can, a label that ends there gets one more level, "ends here".
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from _peer import Labeller, Labels, Skip, Task, prefixes, run, tfidf, tune, versions

JOIN, HERE = "\x1f", "\x1e"


def solve(task: Task) -> dict[str, Any]:
    if task.several:
        raise Skip("HiClass 5 has no labels with several paths (removed from version 5.0).")
    columns = _columns(task)

    def fit(c: float) -> Labeller:
        vectors = tfidf()
        model = _strategy(task.options["strategy"], c, task.seed)
        model.fit(vectors.fit_transform(task.train_texts), columns)

        def label(texts: Sequence[str]) -> list[Labels]:
            return [[_path(row)] for row in model.predict(vectors.transform(texts))]

        return label

    return tune(task, task.options["C"], fit) | {"versions": versions("hiclass", "scikit-learn")}


def _strategy(name: str, c: float, seed: int) -> Any:
    from hiclass import LocalClassifierPerNode, LocalClassifierPerParentNode
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if name == "parent":
        return LocalClassifierPerParentNode(local_classifier=LinearSVC(C=c, random_state=seed), n_jobs=1)
    # Per node HiClass asks for probabilities, which LinearSVC has not.
    one = LogisticRegression(C=c, solver="liblinear", random_state=seed)
    return LocalClassifierPerNode(local_classifier=one, n_jobs=1)


def _columns(task: Task) -> np.ndarray:
    """Give one column a level. Names are whole paths, so that equal names in two branches are two classes."""
    inner = {path[:-1] for path in task.nodes}
    rows = []
    for labels in task.train_labels:
        steps = [JOIN.join(node) for node in prefixes(labels[:1])]
        rows.append([*steps, steps[-1] + JOIN + HERE] if labels[0] in inner else steps)
    depth = max(map(len, rows))
    return np.array([row + [""] * (depth - len(row)) for row in rows], dtype=object)


def _path(row: Sequence[str]) -> tuple[str, ...]:
    last = [name for name in row if name][-1]
    return tuple(name for name in last.split(JOIN) if name != HERE)


if __name__ == "__main__":
    run(solve)
