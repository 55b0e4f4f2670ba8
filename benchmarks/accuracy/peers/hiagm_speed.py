"""How many texts a second does the released HiAGM-TP train on, at given sizes?

    python hiagm_speed.py --structure TreeLSTM --batch 64 --length 64 --nodes 100 --dimension 300 --threads 1

Runs in the environment of the peer ``hiagm`` (``peer_environments.py hiagm`` makes it). The rows are drawn at random:
only sizes matter for the time. Timed is the released ``Trainer.train`` on one batch at a time: forward, loss with its
regularisation, backward, Adam. Batches are made before the clock starts, so that the reading of rows, slow in HiAGM (it
opens the file again for every row), does not count. Prints one line of JSON.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _clone import HIAGM, fetch
from _hiagm import Released, Row, Sizes, count_priors, write
from _peer import Skip, versions

WARM_UP = 2
SIZES = ("structure", "batch", "length", "nodes", "depth", "dimension", "words", "word", "threads")


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Give texts a second and the seconds of every step."""
    import torch

    clone = fetch(HIAGM, given.cache.resolve(), given.clone)
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    back = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _random_rows(given, folder)
        sizes = Sizes(batch=given.batch, length=given.length, node=given.dimension, word=given.word)
        released = Released(clone, folder, given.structure, sizes, repair=given.repair)
        seconds = _steps(given, released)
        os.chdir(back)
    return {
        "system": "HiAGM-TP as released" + (", repaired" if given.repair else ""),
        "commit": HIAGM.commit,
        **{key: getattr(given, key) for key in SIZES},
        "parameters": sum(one.numel() for one in released.model.parameters()),
        "texts_per_second": round(given.batch / statistics.median(seconds), 2),
        "seconds_a_step": [round(one, 4) for one in seconds],
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
    parents = tree(given.nodes, given.depth)
    draw = random.Random(given.seed)  # noqa: S311 - made-up rows, no secret
    words = [f"w{i}" for i in range(given.words)]

    def row(node: int) -> Row:
        nodes = [node]
        while parents[nodes[-1]] >= 0:
            nodes.append(parents[nodes[-1]])
        return draw.choices(words, k=given.length), nodes[::-1]

    train = [row(draw.randrange(given.nodes)) for _ in range(given.batch * 4)]
    every = [row(node) for node in range(given.nodes)]  # HiAGM knows only the nodes that some row has
    write(folder, {"train": train, "val": every, "test": every[:1]}, parents, count_priors([*train, *every], parents))
    with (folder / "vectors.txt").open("w", encoding="utf-8") as file:
        for word in words:
            file.write(word + " " + " ".join(f"{draw.uniform(-0.25, 0.25):.3f}" for _ in range(given.word)) + "\n")


def tree(nodes: int, depth: int) -> list[int]:
    """Give the parent of every node of a balanced tree, -1 on the top level: the narrowest one of that depth."""
    width = 1
    while sum(width**level for level in range(1, depth + 1)) < nodes:
        width += 1
    return [node // width - 1 for node in range(nodes)]


def parser() -> argparse.ArgumentParser:
    """Give the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--structure", choices=["GCN", "TreeLSTM"], default="GCN")
    found.add_argument("--batch", type=int, default=64, help="texts a step (B)")
    found.add_argument("--length", type=int, default=64, help="words a text (L); released: 256")
    found.add_argument("--nodes", type=int, default=100, help="nodes of the taxonomy (N)")
    found.add_argument("--depth", type=int, default=3, help="levels of the taxonomy")
    found.add_argument("--dimension", type=int, default=300, help="numbers a node (d); released: 300")
    found.add_argument("--words", type=int, default=5_000, help="words in the vocabulary; released: up to 50,000")
    found.add_argument("--word", type=int, default=300, help="numbers a word; released: 300")
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--steps", type=int, default=10, help="steps that are timed")
    found.add_argument("--seconds", type=float, default=60, help="no new step after this long")
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--repair", action="store_true", help="mend the two faults named in _hiagm.py")
    found.add_argument("--clone", help="a git repository of HiAGM on this machine")
    found.add_argument("--cache", type=Path, default=Path("build/peers/clones"))
    return found


if __name__ == "__main__":
    # HiAGM prints its settings; only the result belongs on standard output.
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        print(json.dumps(measure(parser().parse_args())), file=out)
    except Skip as reason:
        sys.exit(f"skipped: {reason}")
