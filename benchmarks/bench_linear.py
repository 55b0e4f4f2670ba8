"""Time, memory and speed of the head ``linear`` on growing shares of a data set.

    python benchmarks/bench_linear.py ../shared/data/appstore_tokens/appstore_tokens.jsonl.xz --rows 2000 20000 100000

What goes in: JSON lines (also .xz) with ``text`` and ``path`` or ``labels``. What comes out: one line a size, on the
screen. Every size runs in a process of its own, so that its peak of memory is its own.
"""

import argparse
import json
import lzma
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HELD_OUT = 1000
HEADER = "| rows | classes | arrangement | n-grams | fit | texts/s | peak memory | folder | path accuracy |"


def read(file: Path) -> list[dict]:
    content = lzma.decompress(file.read_bytes()) if file.suffix == ".xz" else file.read_bytes()
    return [json.loads(line) for line in content.splitlines()]


def measure(file: Path, n_rows: int, settings: dict) -> str:
    from textaxa.data import taxonomy_of_labels
    from textaxa.linear import LinearModel, LinearSettings
    from textaxa.persistence import save_model

    rows = read(file)
    order = np.random.default_rng(0).permutation(len(rows))
    rows = [rows[i] for i in order[: n_rows + HELD_OUT]]
    texts = [row["text"] for row in rows]
    labels = [[tuple(path) for path in row.get("labels") or [row["path"]]] for row in rows]
    task = "multi" if "labels" in rows[0] else "single"
    taxonomy = taxonomy_of_labels(labels)
    valid = (texts[-HELD_OUT:], labels[-HELD_OUT:])
    began = time.perf_counter()
    model = LinearModel.fit(
        texts[:-HELD_OUT],
        labels[:-HELD_OUT],
        taxonomy,
        task=task,
        head_settings=LinearSettings(**settings),
        valid=valid,
    )
    fitted = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    began = time.perf_counter()
    model.predict(valid[0])
    speed = HELD_OUT / (time.perf_counter() - began)
    with tempfile.TemporaryDirectory() as folder:
        size = sum(part.stat().st_size for part in save_model(model, Path(folder) / "m").iterdir()) / 1e6
    cells = [f"{len(rows) - HELD_OUT:,}", f"{len(taxonomy.terminals):,}", model.settings.head_settings.arrangement]
    cells += [f"{model.features.width:,}", f"{fitted:.1f} s", f"{speed:,.0f}", f"{peak:.1f} GB", f"{size:.0f} MB"]
    return "| " + " | ".join([*cells, f"{model.summary['best']['path_accuracy']:.3f}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--settings", type=json.loads, default={}, help='JSON: {"arrangement": "flat"}')
    parser.add_argument("--alone", action="store_true", help="measure in this process, for one size")
    given = parser.parse_args()
    if given.alone:
        print(measure(given.file, given.rows[0], given.settings))
        return
    print(HEADER + "\n" + "| --: " * (HEADER.count("|") - 1) + "|", flush=True)
    for n_rows in given.rows:
        command = [sys.executable, __file__, str(given.file), "--rows", str(n_rows), "--alone"]
        subprocess.run([*command, "--settings", json.dumps(given.settings)], check=True)


if __name__ == "__main__":
    main()
