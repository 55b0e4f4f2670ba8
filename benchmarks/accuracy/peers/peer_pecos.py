"""PECOS XR-Linear on TF-IDF, with the given taxonomy as its label tree (a `ClusterChain`), not with its own clusters.

``options``: ``Cp`` (the weight of the loss) and ``post_processor`` (what is multiplied along a path) list what is
tried, every pair. Every path is a label. All labels of a chain lie equally deep, so a path that ends early stands for
itself on the further levels.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from _peer import Labeller, Task, by_scores, run, tfidf, tune, versions

BEAM = 50
"""Nodes kept a level. Wide, since speed is not what is compared here."""


def solve(task: Task) -> dict[str, Any]:
    from pecos.xmc.xlinear.model import XLinearModel

    chain, truth = _chain(task), _truth(task)

    def fit(setting: tuple[float, str]) -> Labeller:
        weight, processor = setting
        vectors = tfidf()
        model = XLinearModel.train(
            vectors.fit_transform(task.train_texts).tocsr(),
            truth,
            C=chain,
            Cp=weight,
            Cn=weight,
            threads=task.threads,
            pred_kwargs={"beam_size": BEAM, "only_topk": BEAM, "post_processor": processor},
        )

        def score(texts: Sequence[str]) -> np.ndarray:
            found = model.predict(vectors.transform(texts).tocsr(), threads=task.threads)
            return np.asarray(found.toarray())

        return by_scores(task, score)

    pairs = list(product(task.options["Cp"], task.options["post_processor"]))
    return tune(task, pairs, fit) | {"versions": versions("libpecos", "scikit-learn")}


def _chain(task: Task) -> Any:
    from pecos.utils.cluster_util import ClusterChain

    depth = max(map(len, task.ends))
    above = {(): 0}
    links = []
    for level in range(1, depth + 1):
        nodes = task.ends if level == depth else sorted({path[:level] for path in task.ends})
        links.append(_link([above[node[: level - 1]] for node in nodes], len(above)))
        above = {node: i for i, node in enumerate(nodes)}
    return ClusterChain(links)


def _link(parents: list[int], width: int) -> Any:
    from scipy.sparse import csc_matrix

    ones = np.ones(len(parents), np.float32)
    return csc_matrix((ones, (np.arange(len(parents)), parents)), shape=(len(parents), width))


def _truth(task: Task) -> Any:
    from scipy.sparse import csc_matrix

    cells = [(i, task.column[path]) for i, labels in enumerate(task.train_labels) for path in labels]
    rows, columns = zip(*cells, strict=True)
    shape = (len(task.train_labels), len(task.ends))
    return csc_matrix((np.ones(len(cells), np.float32), (rows, columns)), shape=shape)


if __name__ == "__main__":
    run(solve)
