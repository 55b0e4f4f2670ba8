"""One rival of the linear model, run by the Python of its own environment: trains, then predicts whenever it is asked.

    python _linear_rival.py NAME FOLDER

The folder holds vectors (``train.npz``, ``valid.npz``, ``test.npz``, CSR) and ``task.json``: paths, and the number of
each row's path. Every answer is a line of JSON on the standard output; every line on the standard input asks for one
more prediction of the test rows.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix, load_npz

COSTS = (1.0, 4.0, 16.0)
"""Weights of the loss, tried on the validation rows; 1 is PECOS's default, and 10 and 1 are those of the others."""

BEAM = 10


class Task:
    """What is learnt: vectors, the number of every row's path, and the paths as the leaves of a tree."""

    def __init__(self, folder: Path) -> None:
        told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        self.folder = folder
        self.paths = [tuple(path) for path in told["paths"]]
        self.train, self.valid, self.test = (load_npz(folder / f"{part}.npz") for part in ("train", "valid", "test"))
        self.train_labels, self.valid_labels = (np.array(told[part]) for part in ("train", "valid"))


class Pecos:
    """XR-Linear with the taxonomy as its tree. A path that ends early stands for itself on the further levels."""

    def __init__(self, task: Task, cost: float) -> None:
        from pecos.utils.cluster_util import ClusterChain
        from pecos.xmc.xlinear.model import XLinearModel

        ones = np.ones(len(task.train_labels), np.float32)
        where = (np.arange(len(task.train_labels)), task.train_labels)
        truth = csc_matrix((ones, where), shape=(len(task.train_labels), len(task.paths)))
        how = {"beam_size": BEAM, "only_topk": 1, "post_processor": "l3-hinge"}
        chain = ClusterChain(list(_links(task.paths)))
        self.model = XLinearModel.train(task.train, truth, C=chain, Cp=cost, Cn=cost, threads=1, pred_kwargs=how)

    def __call__(self, vectors: csr_matrix) -> list[int]:
        found = self.model.predict(vectors, threads=1)
        return np.asarray(found.argmax(axis=1)).ravel().tolist()


def _links(paths: list[tuple[str, ...]]) -> Any:
    depth, above = max(map(len, paths)), {(): 0}
    for level in range(1, depth + 1):
        nodes = paths if level == depth else sorted({path[:level] for path in paths})
        parents = [above[node[: level - 1]] for node in nodes]
        ones = np.ones(len(nodes), np.float32)
        yield csc_matrix((ones, (np.arange(len(nodes)), parents)), shape=(len(nodes), len(above)))
        above = {node: i for i, node in enumerate(nodes)}


class NapkinXC:
    """A probabilistic label tree that is the taxonomy, searched for the best path: a beam gives all it finds."""

    def __init__(self, task: Task, cost: float) -> None:
        from napkinxc.models import PLT

        nodes = sorted({path[:n] for path in task.paths for n in range(1, len(path) + 1)}, key=lambda p: (len(p), p))
        number, label = {node: i for i, node in enumerate([(), *nodes])}, {p: i for i, p in enumerate(task.paths)}
        tree = [(-1, 0, -1)] + [(number[n[:-1]], number[n], label.get(n, -1)) for n in nodes]
        how = {"liblinear_c": cost, "tree_search_type": "exact", "norm": False}
        self.model = PLT(str(task.folder / f"napkinxc-{cost}"), tree_structure=tree, threads=1, seed=0, **how)
        self.model.fit(task.train, task.train_labels.tolist())

    def __call__(self, vectors: csr_matrix) -> list[int]:
        return [row[0] if row else -1 for row in self.model.predict(vectors, top_k=1)]


class Omikuji:
    """Three trees of its own clusters: it takes none. Its engine is called with arrays made before the clock runs."""

    def __init__(self, task: Task, cost: float) -> None:
        import omikuji

        file = task.folder / "omikuji.txt"
        if not file.is_file():
            told = zip(task.train_labels, task.train, strict=True)
            rows = [f"{label} {_pairs(row)}" for label, row in told if row.nnz]  # it fails on rows without a feature
            head = f"{len(rows)} {task.train.shape[1]} {len(task.paths)}"
            file.write_text("\n".join([head, *rows]) + "\n", encoding="ascii")
        how = omikuji.Model.default_hyper_param()
        how.linear_c = cost
        self.model = omikuji.Model.train_on_data(str(file), how, n_threads=1)
        self.model.init_prediction_thread_pool(1)
        self.prepared: dict[int, Any] = {}

    def __call__(self, vectors: csr_matrix) -> list[int]:
        from omikuji import ffi, lib

        label, score = ffi.new("uint32_t[]", 1), ffi.new("float[]", 1)
        model, pool, found = self.model._model_ptr, self.model._thread_pool.ptr, []
        for n, columns, values in self.ready(vectors):
            lib.omikuji_predict(model, BEAM, n, columns, values, 1, label, score, pool)
            found.append(label[0])
        return found

    def ready(self, vectors: csr_matrix) -> list[Any]:
        """Give the rows as the engine takes them, made once."""
        if id(vectors) not in self.prepared:
            from omikuji import ffi

            rows = zip(vectors.indptr[:-1], vectors.indptr[1:], strict=True)
            arrays = ((vectors.indices[a:b].astype(np.uint32), vectors.data[a:b]) for a, b in rows)
            self.prepared[id(vectors)] = [
                (len(i), ffi.from_buffer("uint32_t[]", i.copy()), ffi.from_buffer("float[]", v.copy()))
                for i, v in arrays
            ]
        return self.prepared[id(vectors)]


def _pairs(row: csr_matrix) -> str:
    return " ".join(f"{column}:{value:.6f}" for column, value in zip(row.indices, row.data, strict=True))


RIVALS = {"pecos": Pecos, "napkinxc": NapkinXC, "omikuji": Omikuji}


def main(name: str, folder: Path) -> None:
    """Train with every cost, keep the one that is best on the validation rows, then answer."""
    task, tried = Task(folder), []
    for cost in COSTS:
        began = time.perf_counter()
        model = RIVALS[name](task, cost)
        seconds = time.perf_counter() - began
        tried.append((float(np.mean(np.array(model(task.valid)) == task.valid_labels)), seconds, cost, model))
    accuracy, seconds, cost, model = max(tried, key=lambda one: one[0])
    answer({"train_seconds": seconds, "valid_accuracy": accuracy, "cost": cost})
    model(task.test)
    for _ in sys.stdin:
        began = time.perf_counter()
        found = model(task.test)
        answer({"seconds": time.perf_counter() - began, "found": [int(one) for one in found]})


def answer(told: dict[str, Any]) -> None:
    """Write one line; what a rival prints itself has no such mark."""
    print("ANSWER " + json.dumps(told), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
