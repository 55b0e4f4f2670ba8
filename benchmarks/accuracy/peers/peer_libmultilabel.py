"""LibMultiLabel, its linear part: one against rest, or its own label tree, on TF-IDF. Every path is a label.

``options``: ``method`` is ``1vsrest`` or ``tree``; ``C`` lists what is tried. With a bias: without one, which is its
default, a text of unknown words scores 0 for every path, and that is above the best thresholds.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from _peer import Labeller, Task, by_scores, run, tfidf, tune, versions


def solve(task: Task) -> dict[str, Any]:
    import psutil
    from libmultilabel import linear
    from scipy.sparse import csr_matrix

    cells = [(i, task.column[path]) for i, labels in enumerate(task.train_labels) for path in labels]
    rows, columns = zip(*cells, strict=True)
    shape = (len(task.train_labels), len(task.ends))
    truth = csr_matrix((np.ones(len(cells)), (rows, columns)), shape=shape)
    psutil.cpu_count = lambda **_: task.threads  # it starts a thread a core, whatever it is told; one thread repeats
    train = {"1vsrest": linear.train_1vsrest, "tree": linear.train_tree}[task.options["method"]]

    def fit(c: float) -> Labeller:
        np.random.seed(task.seed)  # its clustering reads the global state
        vectors = tfidf()
        given = vectors.fit_transform(task.train_texts).astype(np.float64)
        model = train(truth, given, options=f"-s 1 -c {c} -B 1 -e 0.001 -q -m {task.threads}", verbose=False)

        def score(texts: Sequence[str]) -> np.ndarray:
            return np.asarray(linear.predict_values(model, vectors.transform(texts).astype(np.float64)))

        return by_scores(task, score)

    return tune(task, task.options["C"], fit) | {"versions": versions("libmultilabel", "scikit-learn")}


if __name__ == "__main__":
    run(solve)
