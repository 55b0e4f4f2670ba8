"""The nearest of very many labels: how often a beam finds what exact search finds, and how long both take.

    python benchmarks/speed/nearest.py                 # writes results/nearest_labels.json and .md, about three minutes
    python benchmarks/speed/nearest.py --leaves 1000 --data trec --rows 50 --dry

Real texts: test rows of data sets with many categories, no training row, label texts and texts read by the packaged
encoder; the beam's settings were chosen on validation rows of naics2017. Planted vectors: trees of fan-out 30 whose
nodes lie about their parents, texts that lie far about leaves, 384 numbers; one thread; medians of rounds in turn.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

RESULTS = Path(__file__).parents[1] / "results" / "nearest_labels"
BEAMS = (1, 5, 10, 20, 50)
TEXTS, EXACT, ALONE = 256, 64, 20
WIDTH, FAN_OUT = 384, 30
EVERYWHERE = 1 << 20
NOISE = 8.0
"""Of planted texts about their leaf; a node lies 0.8 about its parent. Texts so far off are hard."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, nargs="*", default=[1_000, 30_000, 1_000_000])
    parser.add_argument("--data", nargs="*", default=["naics2017", "open-apps"])
    parser.add_argument("--rows", type=int, default=2_000, help="test rows of a data set, at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    from _machine import describe

    found: dict[str, Any] = {"machine": describe(), "real": [], "planted": []}
    for name in options.data:
        found["real"].append(real(name, options.rows))
        print(found["real"][-1], flush=True)
    for leaves in options.leaves:
        for rows in ("float16", "int8"):
            found["planted"].append(planted(leaves, rows, options.rounds))
            print(found["planted"][-1], flush=True)
    if options.dry:
        print(table(found))
        return
    RESULTS.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".md").write_text(table(found), encoding="utf-8")


def real(name: str, n_rows: int) -> dict[str, Any]:
    """Find the nearest labels of test rows that nothing was chosen on."""
    from _corpora import load

    from textaxa.encoders import load_encoder
    from textaxa.settings import EncoderSettings
    from textaxa.taxonomy import Taxonomy, label_texts
    from textaxa.wide import NearestLabels

    data = load(name)
    taxonomy = Taxonomy.from_paths(data.paths)
    encoder = load_encoder(EncoderSettings(max_length=128, frozen=True)).requires_grad_(False)
    labels = NearestLabels.of(taxonomy, encoder.encode(label_texts(taxonomy, words=48)))
    kept = np.random.default_rng(0).permutation(len(data.test[0]))[:n_rows].tolist()
    vectors = encoder.encode([data.test[0][row] for row in kept])
    true = np.array([taxonomy.index(tuple(data.test[1][row][0])) for row in kept])
    exact = labels.search(vectors, width=EVERYWHERE).nodes[:, 0]
    beams = {}
    for width in BEAMS:
        nodes = labels.search(vectors, width=width).nodes[:, 0]
        beams[str(width)] = {"agree": float(np.mean(nodes == exact)), "right": float(np.mean(nodes == true))}
    about = {"set": name, "rows": len(kept), "terminals": len(taxonomy.terminals)}
    return {**about, "exact": float(np.mean(exact == true)), "beams": beams}


def planted(leaves: int, rows: str, rounds: int) -> dict[str, Any]:
    """Search planted vectors; exact search is a product with all label vectors of the terminals."""
    import _taxonomy_steps as steps

    from textaxa.taxonomy import Taxonomy
    from textaxa.wide import NearestLabels

    taxonomy = Taxonomy.from_paths(steps.paths(leaves))
    with tempfile.TemporaryDirectory() as scratch:
        vectors = _tree_of_vectors(taxonomy, Path(scratch) / "vectors.npy")
        begun = time.perf_counter()
        labels = NearestLabels.of(taxonomy, vectors, rows=rows)
        laying = time.perf_counter() - begun
        rng = np.random.default_rng(2)
        texts = np.asarray(vectors[rng.choice(taxonomy.terminals, TEXTS)], dtype=np.float32)
        texts += rng.normal(size=texts.shape).astype(np.float32) * NOISE
        ends = np.flatnonzero(labels.head.options.below < 0)
        exact, seconds = _exact(labels, ends, texts[:EXACT])
    ways = {f"beam {width}": (lambda width=width: labels.search(texts, width=width)) for width in BEAMS}
    times = _in_turn(ways, rounds)
    alone = _in_turn({"alone": lambda: [labels.search(texts[at : at + 1]) for at in range(ALONE)]}, rounds)["alone"]
    agree = {
        str(width): float(np.mean(labels.search(texts[:EXACT], width=width).nodes[:, 0] == exact)) for width in BEAMS
    }
    return {
        "leaves": leaves,
        "rows": rows,
        "mb": labels.head.rows.nbytes / 1e6,
        "laying_seconds": laying,
        "exact_ms": 1e3 * seconds / EXACT,
        "beam_ms": {way.split()[1]: 1e3 * one / TEXTS for way, one in times.items()},
        "alone_ms": 1e3 * alone / ALONE,
        "agree": agree,
    }


def _tree_of_vectors(taxonomy: Any, file: Path) -> np.ndarray:
    """Write vectors in which each node lies about its parent, a level and a block at a time; give them mapped."""
    rng = np.random.default_rng(1)
    vectors = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(len(taxonomy), WIDTH))
    for level in range(1, taxonomy.n_levels + 1):
        span = taxonomy.level_slice(level)
        for start in range(span.start, span.stop, 1 << 15):
            stop = min(start + (1 << 15), span.stop)
            own = rng.standard_normal((stop - start, WIDTH), dtype=np.float32)
            above = taxonomy.parent[start:stop]
            vectors[start:stop] = own if level == 1 else 0.8 * own + vectors[above]
    return vectors


def _exact(labels: Any, ends: np.ndarray, texts: np.ndarray) -> tuple[np.ndarray, float]:
    """Give the nearest node of every text among all, and the seconds that products with all rows take."""
    rows, unit = labels.head.rows, texts / np.linalg.norm(texts, axis=1, keepdims=True)
    best, node, seconds = np.full(len(texts), -np.inf), np.zeros(len(texts), dtype=np.int64), 0.0
    for at in range(0, len(ends), 1 << 16):
        some = ends[at : at + (1 << 16)]
        values = rows.values[some].astype(np.float32)
        if rows.scale is not None:
            values *= rows.scale[some, None]
        begun = time.perf_counter()
        scores = values @ unit.T
        column = scores.argmax(axis=0)
        seconds += time.perf_counter() - begun
        score = scores[column, np.arange(len(texts))]
        node, best = np.where(score > best, labels.head.options.node[some[column]], node), np.maximum(score, best)
    return node, seconds


def _in_turn(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(seconds[1:]) for name, seconds in times.items()}  # the first round warms up


def table(found: dict[str, Any]) -> str:
    """Write what was found as Markdown."""
    beams = " | ".join(f"beam {width}" for width in BEAMS)
    text = [
        "# The nearest of very many labels",
        "",
        "Made by `python benchmarks/speed/nearest.py`.",
        "",
        found["machine"],
    ]
    text += [
        "",
        "Test rows, no training row: right paths in %, and in brackets the agreement with exact search in %.",
        "",
    ]
    text += [f"| data | rows | terminals | exact | {beams} |", "| --- | --: | --: | --: |" + " --: |" * len(BEAMS)]
    for one in found["real"]:
        cells = [f"{100 * beam['right']:.1f} ({100 * beam['agree']:.1f})" for beam in one["beams"].values()]
        about = f"| {one['set']} | {one['rows']:,} | {one['terminals']:,} | {100 * one['exact']:.1f} |"
        text.append(f"{about} {' | '.join(cells)} |")
    text += ["", f"Planted vectors of {WIDTH} numbers, one thread: milliseconds a text in batches of {TEXTS}, and in"]
    text += [
        f"brackets the agreement with exact search on {EXACT} texts in %. Exact: products with all rows, as float32.",
        "",
    ]
    text += [f"| leaves | rows | MB | laid in s | exact | {beams} | one text, beam 10 |"]
    text += ["| --: | --- | --: | --: | --: |" + " --: |" * len(BEAMS) + " --: |"]
    for one in found["planted"]:
        cells = [f"{one['beam_ms'][str(width)]:.3f} ({100 * one['agree'][str(width)]:.0f})" for width in BEAMS]
        text.append(
            f"| {one['leaves']:,} | {one['rows']} | {one['mb']:,.0f} | {one['laying_seconds']:.1f} | "
            f"{one['exact_ms']:.3f} | {' | '.join(cells)} | {one['alone_ms']:.3f} |"
        )
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    main()
