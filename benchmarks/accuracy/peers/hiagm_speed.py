"""How many texts a second does the released HiAGM-TP train on, at given sizes?

    python hiagm_speed.py --structure gcn tree-lstm --batch 64 --length 256 --nodes 100 --steps 10 --threads 1

Runs in the environment of the peer ``hiagm`` (``peer_environments.py hiagm`` makes it), and prints one line of JSON a
structure; ``../hiagm_speed.py`` measures textaxa at the same sizes. The rows are drawn at random, words by Zipf's law:
only sizes matter for the time. Timed is the released ``Trainer.train`` on one batch at a time: forward, loss with its
regularisation, backward, Adam. Batches are made before the clock starts, so that the reading of rows, slow in HiAGM (it
opens the file again for every row), does not count.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from _clone import HIAGM, fetch
from _hiagm import CONFIGURATIONS, Released, Row, Sizes, count_priors, write
from _peer import Skip, versions

WARM_UP = 2
BATCHES = 4


def measure(given: argparse.Namespace, structure: str) -> dict[str, Any]:
    """Give texts a second and the seconds of every step."""
    import torch

    clone = fetch(HIAGM, given.cache.resolve(), given.clone)
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    back = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _random_rows(given, folder)
        sizes = Sizes(batch=given.batch, length=given.length, node=given.dimension, word=given.dimension)
        released = Released(clone, folder, structure, sizes, repair=given.repair)
        seconds = _steps(given, released)
        os.chdir(back)
    return {
        "system": "HiAGM-TP, released" + (" and repaired" if given.repair else ""),
        "structure": structure,
        "texts_per_second": round(given.batch / statistics.median(seconds), 2),
        "B": given.batch,
        "L": given.length,
        "N": given.nodes,
        "depth": given.depth,
        "d": given.dimension,
        "words": given.words,
        "threads": given.threads,
        "precision": "fp32",
        "parameters": sum(one.numel() for one in released.model.parameters()),
        "seconds_a_step": [round(one, 4) for one in seconds],
        "commit": HIAGM.commit,
        "versions": versions("torch"),
    }


def _steps(given: argparse.Namespace, released: Released) -> list[float]:
    """Train on one batch after the other, until there are enough steps or the time is over."""
    batches = list(released.batches("train"))
    end, seconds = time.monotonic() + given.seconds, []
    for step in range(WARM_UP + given.steps):
        began = time.perf_counter()
        released.trainer.train([batches[step % len(batches)]], 0)
        seconds.append(time.perf_counter() - began)
        if time.monotonic() > end and len(seconds) > WARM_UP:
            break
    return seconds[WARM_UP:]


def _random_rows(given: argparse.Namespace, folder: Path) -> None:
    parents = two_levels(given.nodes) if given.depth == 2 else balanced(given.nodes, given.depth)
    draw = np.random.default_rng(0)
    words = [f"w{i}" for i in range(given.words)]
    share = 1 / np.arange(1, given.words + 1)
    share /= share.sum()

    def row(node: int) -> Row:
        nodes = [node]
        while parents[nodes[-1]] >= 0:
            nodes.append(parents[nodes[-1]])
        return [words[i] for i in draw.choice(given.words, given.length, p=share)], nodes[::-1]

    train = [row(int(node)) for node in draw.integers(0, given.nodes, given.batch * BATCHES)]
    every = [row(node) for node in range(given.nodes)]  # HiAGM knows only the nodes that some row has
    write(folder, {"train": train, "val": every, "test": every[:1]}, parents, count_priors([*train, *every], parents))
    vectors = draw.uniform(-0.25, 0.25, (given.words, given.dimension))
    with (folder / "vectors.txt").open("w", encoding="utf-8") as file:
        for word, vector in zip(words, vectors, strict=True):
            file.write(word + " " + " ".join(f"{x:.3f}" for x in vector) + "\n")


def two_levels(nodes: int) -> list[int]:
    """Give the parent of every node, -1 at the top: one in ten is there, the others are shared evenly among them."""
    tops = max(1, nodes // 10)
    return [-1] * tops + [i % tops for i in range(nodes - tops)]


def balanced(nodes: int, depth: int) -> list[int]:
    """Give the parent of every node of a balanced tree, -1 at the top: the narrowest one of that depth."""
    width = 1
    while sum(width**level for level in range(1, depth + 1)) < nodes:
        width += 1
    return [node // width - 1 for node in range(nodes)]


def parser() -> argparse.ArgumentParser:
    """Give the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--structure", nargs="+", default=list(CONFIGURATIONS), choices=list(CONFIGURATIONS))
    found.add_argument("--batch", type=int, default=64, help="texts a step (B)")
    found.add_argument("--length", type=int, default=256, help="words a text (L)")
    found.add_argument("--nodes", type=int, default=100, help="nodes of the taxonomy (N)")
    found.add_argument("--depth", type=int, default=2, help="levels of the taxonomy")
    found.add_argument("--dimension", type=int, default=300, help="numbers a word and a node (d)")
    found.add_argument("--words", type=int, default=20_000, help="words in the vocabulary")
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--steps", type=int, default=10, help="steps that are timed")
    found.add_argument("--seconds", type=float, default=120, help="no new step after this long")
    found.add_argument("--repair", action="store_true", help="mend the two faults named in _hiagm.py")
    found.add_argument("--clone", help="a git repository of HiAGM on this machine")
    cache = Path(os.environ.get("TEXTAXA_PEERS", "build/peers")) / "clones"
    found.add_argument("--cache", type=Path, default=cache, help="where what was fetched is kept")
    return found


def main() -> None:
    """Print one line a structure. HiAGM prints its settings: only the results belong on standard output."""
    given = parser().parse_args()
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        for structure in given.structure:
            print(json.dumps(measure(given, structure)), file=out, flush=True)
    except Skip as reason:
        sys.exit(f"skipped: {reason}")


if __name__ == "__main__":
    main()
