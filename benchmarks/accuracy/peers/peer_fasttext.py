"""fastText, supervised: softmax over whole paths; with several paths a text, one against all.

``options``: ``lr`` and ``epoch`` list what is tried, every pair. One thread, so that a seed fixes the result.
"""

import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from _peer import Labeller, Task, by_scores, run, tune, versions

MARK = "__label__"


def solve(task: Task) -> dict[str, Any]:
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.txt"
        # It reads the rows in order, and learns little from a table that is sorted by class.
        order = np.random.default_rng(task.seed).permutation(len(task.train_texts))
        rows.write_text("\n".join(_line(task, int(i)) for i in order) + "\n", encoding="utf-8")

        def fit(setting: tuple[float, int]) -> Labeller:
            model = fasttext.train_supervised(
                str(rows),
                lr=setting[0],
                epoch=setting[1],
                wordNgrams=2,
                bucket=200_000,
                loss="ova" if task.several else "softmax",
                thread=1,
                seed=task.seed + 1,  # its generator takes 0 and 1 for the same
                verbose=0,
            )

            def score(texts: Sequence[str]) -> np.ndarray:
                scores = np.zeros((len(texts), len(task.ends)), np.float32)
                for i, text in enumerate(texts):
                    names, values = model.predict(_words(text), k=-1)
                    scores[i, [int(name.removeprefix(MARK)) for name in names]] = values
                return scores

            return by_scores(task, score)

        pairs = list(product(task.options["lr"], task.options["epoch"]))
        return tune(task, pairs, fit) | {"versions": versions("fasttext-wheel")}


def _line(task: Task, i: int) -> str:
    marks = " ".join(f"{MARK}{task.column[path]}" for path in task.train_labels[i])
    return f"{marks} {_words(task.train_texts[i])}"


def _words(text: str) -> str:
    """Give lower-cased text on one line: fastText reads a line a row, and splits at blanks only."""
    spaced = "".join(c if c.isalnum() else " " if c.isspace() else f" {c} " for c in text.lower())
    return " ".join(spaced.split())


if __name__ == "__main__":
    run(solve)
