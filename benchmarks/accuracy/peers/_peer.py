"""What the scripts of the peers share: a task comes in as one JSON file, an answer goes out as another.

These scripts run inside a peer's own environment. They need the standard library and NumPy, and know nothing of
textaxa. A path is a tuple of names from the top level down; the labels of a text are a list of paths. The labels of the
test rows are not in the task. Whatever a peer lets one choose is chosen on the validation rows.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

Labels = list[tuple[str, ...]]
Labeller = Callable[[Sequence[str]], list[Labels]]

THRESHOLDS = 50
"""How many thresholds are tried on the validation rows where a text may have several paths."""

FEWEST, MOST = 0.3, 5.0
"""The thresholds tried let between these many paths a text through: the sets have one to two."""

MAX_FEATURES = 200_000
"""The most frequent n-grams that are kept: one-against-rest models of 1,000 labels then take 1.6 GB."""


class Skip(Exception):  # noqa: N818 - not an error: the peer cannot do this task here, and says why
    """The reason why a peer was not run."""


@dataclass(frozen=True)
class Task:
    """Texts and labels of one data set.

    Attributes
    ----------
    several
        Whether a text may have several paths.
    seconds
        After this long, training stops at the best epoch so far, where a peer trains in epochs.
    """

    several: bool
    seed: int
    threads: int
    seconds: float
    options: dict[str, Any]
    train_texts: list[str]
    train_labels: list[Labels]
    valid_texts: list[str]
    valid_labels: list[Labels]
    test_texts: list[str]

    @cached_property
    def ends(self) -> Labels:
        """The paths that label some training row, sorted."""
        return sorted({path for labels in self.train_labels for path in labels})

    @cached_property
    def column(self) -> dict[tuple[str, ...], int]:
        """The number of every path of `ends`."""
        return {path: i for i, path in enumerate(self.ends)}

    @cached_property
    def nodes(self) -> Labels:
        """The beginnings of all paths of `ends`, parents before their children."""
        return sorted(set(prefixes(self.ends)), key=lambda path: (len(path), path))


def prefixes(paths: Iterable[tuple[str, ...]]) -> Iterable[tuple[str, ...]]:
    """Give every beginning of every path, the path itself included."""
    return (path[:depth] for path in paths for depth in range(1, len(path) + 1))


def run(solve: Callable[[Task], dict[str, Any]]) -> None:
    """Read the task named by the first argument, write the answer to the second."""
    task, target = _read(Path(sys.argv[1])), Path(sys.argv[2])
    if hasattr(os, "sched_setaffinity"):  # some peers start a thread a core, whatever they are told
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-task.threads :])
    try:
        answer = solve(task)
    except Skip as reason:
        answer = {"skipped": str(reason)}
    target.write_text(json.dumps(answer), encoding="utf-8")


def _read(path: Path) -> Task:
    given = json.loads(path.read_text(encoding="utf-8"))
    for part in ("train_labels", "valid_labels"):
        given[part] = [[tuple(one) for one in labels] for labels in given[part]]
    return Task(**given)


def versions(*names: str) -> dict[str, str]:
    """Give the installed version of each package that is there."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def tune(task: Task, settings: Sequence[Any], fit: Callable[[Any], Labeller]) -> dict[str, Any]:
    """Fit with each setting, keep the one that is best on the validation rows, and answer with it for the test rows.

    ``fit_seconds`` is the time of the kept fit, ``search_seconds`` that of all of them, validation included.
    """
    best: tuple[float, Any, Labeller, float] | None = None
    began = time.monotonic()
    for setting in settings:
        start = time.monotonic()
        label = fit(setting)
        seconds = time.monotonic() - start
        score = agreement(label(task.valid_texts), task.valid_labels, several=task.several)
        if best is None or score > best[0]:
            best = (score, setting, label, seconds)
    if best is None:
        raise Skip("No settings to try.")
    searched = time.monotonic() - began
    return answer(task, best[2], fit_seconds=best[3], search_seconds=round(searched, 2), chosen=best[1])


def answer(task: Task, label: Labeller, *, fit_seconds: float, **more: Any) -> dict[str, Any]:
    """Label the test rows, and give what goes into the answer's file."""
    start = time.monotonic()
    paths = label(task.test_texts)
    seconds = time.monotonic() - start
    return {"paths": paths, "fit_seconds": round(fit_seconds, 2), "predict_seconds": round(seconds, 3), **more}


def agreement(found: Sequence[Labels], true: Sequence[Labels], *, several: bool) -> float:
    """Give the share of texts whose path is right; with several paths, the F1 over the nodes of the paths."""
    if not several:
        return float(np.mean([a[0] == b[0] for a, b in zip(found, true, strict=True)])) if found else 0.0
    pairs = [(set(prefixes(a)), set(prefixes(b))) for a, b in zip(found, true, strict=True)]
    shared = sum(len(a & b) for a, b in pairs)
    return 2 * shared / max(1, sum(len(a) + len(b) for a, b in pairs))


def by_scores(task: Task, score: Callable[[Sequence[str]], np.ndarray]) -> Labeller:
    """Turn scores (B, E) over the E paths of ``task.ends`` into labels.

    One path: the best one. Several: those above a threshold, which is chosen on the validation rows for the F1 over
    nodes; the best one in any case.
    """
    threshold = _threshold(task, score(task.valid_texts)) if task.several else None

    def label(texts: Sequence[str]) -> list[Labels]:
        scores = score(texts)
        if threshold is None:
            return [[task.ends[i]] for i in scores.argmax(1)]
        return [[task.ends[i] for i in np.flatnonzero(row)] for row in _above(scores, threshold)]

    return label


def _above(scores: np.ndarray, threshold: float) -> np.ndarray:
    chosen = scores >= threshold
    chosen[np.arange(len(scores)), scores.argmax(1)] = True
    return chosen


def _threshold(task: Task, scores: np.ndarray) -> float:
    shares = np.minimum(1, np.linspace(FEWEST, MOST, THRESHOLDS) / scores.shape[1])
    candidates = np.unique(np.quantile(scores, 1 - shares))
    column = {path: i for i, path in enumerate(task.nodes)}
    under = np.zeros((len(task.ends), len(column)), np.float32)
    for i, path in enumerate(task.ends):
        under[i, [column[node] for node in prefixes([path])]] = 1
    true = np.zeros((len(scores), len(column)), bool)
    for i, labels in enumerate(task.valid_labels):
        true[i, [column[node] for node in prefixes(labels) if node in column]] = True

    def f1(threshold: float) -> float:
        found = _above(scores, threshold).astype(np.float32) @ under > 0
        return 2 * float((found & true).sum()) / max(1, int(found.sum() + true.sum()))

    return float(max(candidates, key=f1))


def open_paths(task: Task, chosen: np.ndarray) -> Labels:
    """Give the deepest of the chosen ``task.nodes``, bool (N,), whose ancestors are all chosen too."""
    kept = set()
    for node, one in zip(task.nodes, chosen, strict=True):
        if one and (len(node) == 1 or node[:-1] in kept):
            kept.add(node)
    return sorted(kept - {node[:-1] for node in kept})


def choose(decode: Callable[[float], list[Labels]], task: Task) -> tuple[float, float]:
    """Give the best agreement on the validation rows over a grid of thresholds, and the threshold that gives it."""
    grid = [float(one) for one in np.linspace(0, 0.9, 19)]
    scores = [agreement(decode(one), task.valid_labels, several=task.several) for one in grid]
    return max(scores), grid[int(np.argmax(scores))]


def tfidf() -> Any:
    """Give the features of the linear peers: words and pairs of words, with sublinear term frequency."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=MAX_FEATURES, dtype=np.float32)
