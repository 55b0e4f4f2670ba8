"""The steps of ``wide.py``: each a process of its own, so that memory is told apart, and JSON comes out."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _wide_planted import BEAM, WIDTH, Everything, Planted, exact, resident_mb
from threadpoolctl import threadpool_limits

from textaxa.decoding import beam_search
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideTraining, fit_wide, load_wide, save_wide
from textaxa.wide._paths import predictions

BATCH = 256
DENSE_BATCH = 32
ROUNDS = 9
ALONE = 40
"""Texts one by one in each round; a process that answers one text at a time does not meet it warm."""
HARD = 8.0
"""Noise of the texts of the curve: few find their leaf, so that the beam stays wide."""
CLEAR = 4.0
"""Noise of the texts that are learnt from."""
HELD = 4096


def curve(leaves: int) -> dict[str, Any]:
    """Time the search beside scoring everything and beside a plain beam, in turn, with planted weights."""
    planted = Planted(leaves, HARD)
    head = planted.head()
    texts = planted.features(planted.leaves(BATCH * 2, seed=0), seed=0)
    everything = Everything(head)
    true = everything(texts[:BATCH])
    cores = os.cpu_count() or 1
    few = leaves <= 100_000
    ways: dict[str, tuple[int, Callable[[], Any]]] = {
        "wide, batch of 256": (BATCH, lambda: head.search(texts[:BATCH], width=BEAM)),
        "wide, one text": (ALONE, lambda: [head.search(texts[i : i + 1], width=BEAM) for i in range(ALONE)]),
        f"wide, one text, {cores} threads": (ALONE, _with_threads(cores, head, texts)),
        "everything, batch of 32": (DENSE_BATCH, lambda: everything(texts[:DENSE_BATCH], DENSE_BATCH)),
        "everything, one text": (1, lambda: everything(texts[:1], 1)),
        "plain beam, one text": (ALONE, lambda: [plain_beam(head, text) for text in texts[:ALONE]]),
        "general beam of textaxa.decoding, batch of 256": (BATCH, lambda: _general(head, texts[:BATCH])),
    }
    with threadpool_limits(1):
        timed = in_turn({name: (n, what) for name, (n, what) in ways.items() if few or "general" not in name})
    found = head.search(texts[:BATCH], width=BEAM)
    return {
        "leaves": int(planted.taxonomy.is_leaf.sum()),
        "levels": planted.taxonomy.n_levels,
        "rows_mb": round(head.rows.nbytes / 1e6, 1),
        "ms": timed,
        "agrees": round(float(np.mean(found.nodes[:, 0] == true)), 4),
        "plain_agrees": round(float(np.mean([plain_beam(head, text) for text in texts[:BATCH]] == true)), 4),
        "sure": round(float(found.exact.mean()), 4),
    }


def _with_threads(n: int, head: WideHead, texts: np.ndarray) -> Callable[[], Any]:
    def timed() -> None:
        with threadpool_limits(n):
            for i in range(ALONE):
                head.search(texts[i : i + 1], width=BEAM)

    return timed


def _general(head: WideHead, texts: np.ndarray) -> Any:
    return beam_search(head.tree, head.conditional(texts), len(texts), width=BEAM)


def in_turn(ways: dict[str, tuple[int, Callable[[], Any]]]) -> dict[str, float]:
    """Give the median milliseconds a text of each way over rounds in which they take turns."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    slow: set[str] = set()
    for turn in range(ROUNDS + 1):
        for name, (n, what) in ways.items():
            if name in slow and turn > 3:
                continue
            began = time.perf_counter()
            what()
            seconds = time.perf_counter() - began
            if seconds > 1.0:
                slow.add(name)
            if turn:  # the first is to warm up
                took[name].append(1000 * seconds / n)
    return {name: round(float(np.median(values)), 4) for name, values in took.items()}


def plain_beam(head: WideHead, text: np.ndarray) -> int:
    """Give the best path's end as a plain beam search does: level by level, node by node."""
    options, rows, bias = head.options, head.rows.values, head.rows.bias
    frontier, best = [(0.0, 0)], (-np.inf, -1)
    while frontier:
        found: list[tuple[float, int]] = []
        for above, group in frontier:
            start, stop = options.start[group], options.start[group + 1]
            logits = rows[start:stop] @ text + bias[start:stop]
            logits = logits - logits.max()
            log_proba = above + logits - np.log(np.exp(logits).sum())
            found += zip(log_proba.tolist(), range(start, stop), strict=True)
        ended = [(value, option) for value, option in found if options.below[option] < 0]
        best = max([best, *ended])
        inner = sorted(((v, o) for v, o in found if options.below[o] >= 0), reverse=True)[:BEAM]
        frontier = [(value, int(options.below[option])) for value, option in inner]
    return int(options.node[best[1]])


def trained(leaves: int, *, texts: int, epochs: int, checked: int, keep: Path | None) -> dict[str, Any]:
    """Train a head on stored float16 features, and compare its search with exact search on held-out texts."""
    planted = Planted(leaves, CLEAR)
    nodes = planted.leaves(texts, seed=1)
    features = np.empty((texts, WIDTH), dtype=np.float16)
    for at in range(0, texts, 50_000):
        features[at : at + 50_000] = planted.features(nodes[at : at + 50_000], seed=100 + at)
    held = planted.leaves(HELD, seed=2)
    held_features = planted.features(held, seed=2)
    head = WideHead.zeros(planted.taxonomy, WIDTH)
    log: list[dict[str, float]] = []
    began = [time.perf_counter()]

    def told(epoch: int, loss: float, _: float | None) -> None:
        seconds = time.perf_counter() - began[0]
        right = float(np.mean(head.search(held_features, width=BEAM).nodes[:, 0] == held))
        log.append({"epoch": epoch, "seconds": round(seconds, 1), "loss": round(loss, 4), "right": round(right, 4)})
        print(json.dumps(log[-1]), file=sys.stderr, flush=True)
        began[0] = time.perf_counter()

    fit_wide(head, features, nodes, training=WideTraining(epochs=epochs), told=told)
    peak = resident_mb()["VmHWM"]
    true = exact(head, held_features[:checked])
    kinds = {name: head if name == "float32" else head.astype(name) for name in ("float32", "int8")}
    timed = in_turn(
        {
            f"{name}, {way}": (n, what)
            for name, one in kinds.items()
            for way, n, what in (
                ("batch of 256", BATCH, lambda one=one: one.search(held_features[:BATCH], width=BEAM)),
                (
                    "one text",
                    ALONE,
                    lambda one=one: [one.search(held_features[i : i + 1], width=BEAM) for i in range(ALONE)],
                ),
            )
        }
    )
    if keep:
        _keep(planted.taxonomy, head, held_features, keep)
    return {
        "leaves": int(planted.taxonomy.is_leaf.sum()),
        "texts": texts,
        "features_mb": round(features.nbytes / 1e6),
        "rows_mb": round(head.rows.nbytes / 1e6, 1),
        "peak_mb": peak,
        "epochs": log,
        "ms": timed,
        "checked": checked,
        "agrees": {name: _agreement(one, held_features[:checked], true) for name, one in kinds.items()},
    }


def _agreement(head: WideHead, texts: np.ndarray, true: np.ndarray) -> float:
    return round(float(np.mean(head.search(texts, width=BEAM).nodes[:, 0] == true)), 4)


def _keep(taxonomy: Taxonomy, head: WideHead, texts: np.ndarray, place: Path) -> None:
    place.mkdir(parents=True)
    taxonomy.to_arrays(place / "taxonomy")
    save_wide(head, place / "head")
    np.save(place / "texts.npy", texts)


def memory(place: Path) -> dict[str, Any]:
    """Tell what is resident in a fresh process that reads a head from its folder and answers 4,096 texts."""
    start = resident_mb()["VmRSS"]
    began = time.perf_counter()
    taxonomy = Taxonomy.from_arrays(place / "taxonomy")
    read_taxonomy = time.perf_counter() - began
    head = load_wide(place / "head", taxonomy)
    seconds = time.perf_counter() - began
    texts = np.load(place / "texts.npy")
    rows = predictions(head, texts, head.search(texts, width=BEAM))
    found = resident_mb()
    return {
        "leaves": int(taxonomy.is_leaf.sum()),
        "answers": len(rows),
        "rows_mb": round(head.rows.nbytes / 1e6, 1),
        "start_mb": start,
        "resident_mb": found["VmRSS"],
        "peak_mb": found["VmHWM"],
        "read_taxonomy_seconds": round(read_taxonomy, 2),
        "read_seconds": round(seconds, 2),
    }


def step(arguments: Sequence[str]) -> dict[str, Any]:
    """Do one step as ``wide.py`` asks for it on its command line."""
    name, *given = arguments
    if name == "curve":
        return curve(int(given[0]))
    if name == "memory":
        return memory(Path(given[0]))
    leaves, texts, epochs, checked, keep = given
    kept = Path(keep) if keep != "-" else None
    return trained(int(leaves), texts=int(texts), epochs=int(epochs), checked=int(checked), keep=kept)


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Give a folder for the head whose memory is measured."""
    return tempfile.TemporaryDirectory(prefix="textaxa-wide-")
