"""The wide head at 100 to 1,000,000 leaves: time a text, memory, agreement with exact search, seconds an epoch.

    python benchmarks/speed/wide.py all            # the curve, trained heads, memory: about seven minutes on two cores
    python benchmarks/speed/wide.py all --dry      # the same with at most 10,000 leaves; writes nothing
    python benchmarks/speed/wide.py predict 100 1000 10000 100000 1000000
    python benchmarks/speed/wide.py memory 1000000
    python benchmarks/speed/wide.py train 100000
    python benchmarks/speed/wide.py real open-apps hwu64
    python benchmarks/speed/wide.py table

``all`` adds to ``results/wide_curve.jsonl`` and writes ``wide_curve.md`` and ``wide_curve.svg``; ``page`` writes these
two anew. The other parts add their numbers to ``wide.jsonl``; ``table`` writes ``wide.md`` from the last of each.
Features are planted: a vector a node, a text is the sum of those on its path and noise. ``predict`` searches with these
vectors as weights, scaled by the noise as the best linear classifier would; ``train`` learns its weights from texts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from _machine import describe
from _wide_curve import scratch, step
from _wide_page import write as write_page
from _wide_planted import BEAM, NOISES, WIDTH, Planted, exact, resident_mb
from _wide_table import PARTS, table

from textaxa.decoding import top_paths
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideTraining, fit_wide, load_wide, save_wide

RESULTS = Path(__file__).parents[1] / "results" / "wide.jsonl"
BLANK = 0.01
BATCH = 256
ROUNDS = 15
ALONE = 200
CHECKED = 256
TEXTS = 1_000_000
CURVE = RESULTS.with_name("wide_curve.jsonl")
LARGE = [100_000, 1_000_000]


def median(what: Callable[[int], Any], rounds: int) -> dict[str, float]:
    """Give median milliseconds on the clock, and of processor time, which other work on the machine changes less."""
    clock, processor = [], []
    for i in range(rounds):
        a, b = time.perf_counter(), time.process_time()
        what(i)
        clock.append(time.perf_counter() - a)
        processor.append(time.process_time() - b)
    return {"clock": 1000 * float(np.median(clock)), "processor": 1000 * float(np.median(processor))}


def per_text(timed: dict[str, float], n: int) -> dict[str, float]:
    return {name: round(value / n, 4) for name, value in timed.items()}


def sgemm() -> float:
    """Give GFLOP a second of a large product of matrices in this process, by processor time."""
    a = np.random.default_rng(0).standard_normal((1500, 1500), dtype=np.float32)
    a @ a
    return round(2 * 1500**3 / (median(lambda _: a @ a, 5)["processor"] / 1000) / 1e9, 1)


def predict(leaves: int) -> dict[str, Any]:
    planted = Planted(leaves)
    result: dict[str, Any] = {
        "part": "predict",
        "leaves": int(planted.taxonomy.is_leaf.sum()),
        "levels": planted.taxonomy.n_levels,
        "gflops": sgemm(),
    }
    for name, noise in NOISES.items():
        planted.noise = noise
        nodes = planted.leaves(BATCH * (ROUNDS + 1), seed=0)
        texts = planted.features(nodes, seed=0)
        head = planted.head()
        result["rows_mb"] = round(head.rows.nbytes / 1e6, 1)
        true = exact(head, texts[:CHECKED])
        result[name] = {"best_possible": round(float(np.mean(true == nodes[:CHECKED])), 4)}
        for kind in ("float32", "int8", "float16"):
            result[name][kind] = searched(head.astype(kind) if kind != "float32" else head, texts, true)
    # The worst case: weights so small that all siblings are about equally probable, and the beam is full to the end.
    head.rows.values[:] *= BLANK
    head.rows.bias[:] = 0
    true = exact(head, texts[:CHECKED])
    right = round(float(np.mean(true == nodes[:CHECKED])), 4)
    result["blank"] = {"best_possible": right, "float32": searched(head, texts, true)}
    return result


def searched(head: WideHead, texts: np.ndarray, true: np.ndarray) -> dict[str, Any]:
    batches = np.split(texts, ROUNDS + 1)
    head.search(batches[ROUNDS], width=BEAM)
    found = head.search(texts[:CHECKED], width=BEAM)
    return {
        "batch_ms": per_text(median(lambda i: head.search(batches[i], width=BEAM), ROUNDS), BATCH),
        "alone_ms": per_text(median(lambda i: head.search(texts[i : i + 1], width=BEAM), ALONE), 1),
        "agrees": round(float(np.mean(found.nodes[:, 0] == true)), 4),
        "sure": round(float(found.exact.mean()), 4),
    }


def memory(leaves: int) -> dict[str, Any]:
    """Run in a fresh process: what is resident with a head mapped from its file, the taxonomy, and a search done."""
    folder = Path(tempfile.gettempdir()) / f"textaxa-wide-{leaves}"
    if not folder.exists():
        planted = Planted(leaves)
        save_wide(planted.head(), folder)
        stored = planted.taxonomy.to_dict()
        (folder / "taxonomy.json").write_text(json.dumps(stored))
        np.save(folder / "texts.npy", planted.features(planted.leaves(5120, 0), 0))
        sys.exit("The head was written; call again to measure it in a fresh process.")
    start = resident_mb()["VmRSS"]
    taxonomy = Taxonomy.from_dict(json.loads((folder / "taxonomy.json").read_text()))
    with_taxonomy = resident_mb()
    a = time.perf_counter()
    head = load_wide(folder, taxonomy)
    seconds = round(time.perf_counter() - a, 2)
    texts = np.load(folder / "texts.npy")
    head.search(texts, width=BEAM)
    return {
        "part": "memory",
        "leaves": leaves,
        "rows_mb": round(head.rows.nbytes / 1e6, 1),
        "start_mb": start,
        "with_taxonomy": with_taxonomy,
        "with_head": resident_mb(),
        "load_seconds": seconds,
    }


def train(leaves: int, texts: int, epochs: int) -> dict[str, Any]:
    planted = Planted(leaves)
    nodes = planted.leaves(texts, seed=1)
    features = np.empty((texts, WIDTH), dtype=np.float16)
    for at in range(0, texts, 50_000):
        features[at : at + 50_000] = planted.features(nodes[at : at + 50_000], seed=100 + at)
    held = planted.leaves(4096, seed=2)
    held_features = planted.features(held, seed=2)
    head = WideHead.zeros(planted.taxonomy, WIDTH)
    before = resident_mb()
    log: list[dict[str, float]] = []
    begun = [time.perf_counter(), time.process_time()]

    def told(epoch: int, loss: float, _: float | None) -> None:
        now = [time.perf_counter(), time.process_time()]
        found = head.search(held_features, width=BEAM).nodes[:, 0]
        log.append(
            {
                "seconds": round(now[0] - begun[0], 1),
                "processor_seconds": round(now[1] - begun[1], 1),
                "loss": round(loss, 4),
                "right": round(float(np.mean(found == held)), 4),
            }
        )
        print(epoch, log[-1], flush=True)
        begun[:] = [time.perf_counter(), time.process_time()]

    fit_wide(head, features, nodes, training=WideTraining(epochs=epochs), told=told)
    after = resident_mb()
    true = exact(head, held_features[:CHECKED])
    return {
        "part": "train",
        "leaves": int(planted.taxonomy.is_leaf.sum()),
        "texts": texts,
        "gflops": sgemm(),
        "before": before,
        "after": after,
        "rows_mb": round(head.rows.nbytes / 1e6, 1),
        "features_mb": round(features.nbytes / 1e6, 1),
        "epochs": log,
        "search": {kind: searched(head.astype(kind), held_features, true) for kind in ("float32", "int8")},
    }


def real(name: str) -> dict[str, Any]:
    """Compare with the dense head on real texts: 128 components of TF-IDF, at most 6,000 rows a part, five seeds."""
    import torch
    from _corpora import load
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    split = load(name)
    taxonomy = Taxonomy.from_paths(sorted(set(split.paths)))
    words, components = TfidfVectorizer(sublinear_tf=True), TruncatedSVD(128, random_state=0)
    parts = {}
    for part in ("train", "valid", "test"):
        texts, labels = getattr(split, part)
        rows = np.random.default_rng(0).permutation(len(texts))[:6000].tolist()
        texts = [texts[i] for i in rows]
        if part == "train":
            components.fit(words.fit_transform(texts))
        features = components.transform(words.transform(texts))
        if part == "train":
            mean, deviation = features.mean(0), features.std(0)
        parts[part] = (
            ((features - mean) / deviation).astype(np.float32),
            np.array([taxonomy.index(labels[i][0]) for i in rows]),
        )
    found: dict[str, list[float]] = {"wide": [], "dense": []}
    for seed in range(5):
        head = WideHead.zeros(taxonomy, 128)
        fit_wide(head, *parts["train"], validation=parts["valid"], training=WideTraining(seed=seed))
        right = head.search(parts["test"][0]).nodes[:, 0] == parts["test"][1]
        found["wide"].append(round(float(right.mean()), 4))
        torch.manual_seed(seed)
        found["dense"].append(round(dense(taxonomy, parts), 4))
    share = float(np.bincount(parts["test"][1]).max() / len(parts["test"][1]))
    sizes = [len(parts[part][1]) for part in parts]
    return {"part": "real", "data": name, "rows": sizes, "majority": round(share, 4), "right": found}


def dense(taxonomy: Taxonomy, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """Give the test accuracy of the head `conditional` after its best epoch of 20 on validation rows."""
    import torch

    from textaxa.heads import build_head
    from textaxa.heads.conditional import ConditionalSettings

    settings = ConditionalSettings(dropout=0.0)
    head = build_head("conditional", taxonomy, 128, task="single", settings=settings, counts=None)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.003)
    features, labels = parts["train"]
    x, y = torch.from_numpy(features), torch.from_numpy(np.searchsorted(taxonomy.terminals, labels))

    def accuracy(part: str) -> float:
        with torch.no_grad():
            proba = head.node_proba(head(torch.from_numpy(parts[part][0]))).numpy()
        return float(np.mean([p[0].node for p in top_paths(taxonomy, proba, 1)] == parts[part][1]))

    best = (0.0, 0.0)
    for _ in range(20):
        for batch in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            head.loss(head(x[batch]), y[batch]).backward()
            optimizer.step()
        now = accuracy("valid")
        if now > best[0]:
            best = (now, accuracy("test"))
    return best[1]


def everything(*, dry: bool) -> None:
    """Do the steps of ``all``, each in a fresh process; what is finished is written at once."""
    leaves, large = ([100, 1000, 10_000], [10_000]) if dry else ([100, 1000, 10_000, 100_000, 1_000_000], LARGE)
    texts, epochs = (20_000, 2) if dry else (TEXTS, 4)
    with scratch() as folder:
        kept = Path(folder) / "head"
        steps = [["curve", n] for n in leaves]
        # The largest head is kept for the measurement of memory.
        steps += [["trained", n, texts, epochs, CHECKED if n > 10**5 else 4 * CHECKED, "-"] for n in large[:-1]]
        steps += [["trained", large[-1], texts, epochs, CHECKED, kept], ["memory", kept]]
        for arguments in steps:
            began = time.perf_counter()
            found = {"step": arguments[0], **_in_a_process([str(one) for one in arguments]), "machine": describe()}
            print(json.dumps(found), f"({time.perf_counter() - began:.0f} s)", flush=True)
            if not dry:
                with CURVE.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    if not dry:
        write_page(CURVE)


def _in_a_process(arguments: list[str]) -> dict[str, Any]:
    env = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count()), "OPENBLAS_NUM_THREADS": str(os.cpu_count())}
    if arguments[0] != "curve":  # which sets the threads of each way by itself
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "step", *arguments]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["all", "page", *PARTS, "table", "step"])
    parser.add_argument("what", nargs="*", help="numbers of leaves; names of data sets for `real`")
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--dry", action="store_true", help="small sizes, and nothing is written (all)")
    options = parser.parse_args()
    if options.part == "all":
        everything(dry=options.dry)
        return
    if options.part == "page":
        write_page(CURVE)
        return
    if options.part == "step":
        print(json.dumps(step(options.what)))
        return
    if options.part == "table":
        RESULTS.with_suffix(".md").write_text(table(RESULTS), encoding="utf-8")
        return
    measure: dict[str, Callable[[str], dict[str, Any]]] = {
        "predict": lambda leaves: predict(int(leaves)),
        "memory": lambda leaves: memory(int(leaves)),
        "train": lambda leaves: train(int(leaves), options.texts, options.epochs),
        "real": real,
    }
    for what in options.what or (["open-apps", "hwu64"] if options.part == "real" else ["100000"]):
        measured = measure[options.part](what) | {"machine": describe()}
        print(json.dumps(measured), flush=True)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
