"""Texts a second of MiniLM, step by step: transformers' pipeline, PyTorch, batches of like length, other engines.

    python benchmarks/speed/runtime.py                     # open-apps and arxiv, about five minutes on two cores
    python benchmarks/speed/runtime.py open-apps --texts 32 --rounds 1 --dry
    python benchmarks/speed/runtime.py arxiv --budgets 2048 4096 8192 --rounds 3
    python benchmarks/speed/runtime.py open-apps --in-turn --texts 2048 --rounds 3

The first adds to results/runtime.jsonl and writes results/runtime.md. The ways take turns, round by round, on the same
texts; medians over rounds. Between the ways a large single-precision matrix product is timed on the same threads: the
ceiling of fp32. Useful work is the multiply-adds of the transformer over real tokens, padding left out. Weights of the
head are random: the time does not depend on them. ``--budgets`` times the exports with other sizes of batches instead,
and ``--in-turn`` also without the thread that tokenises ahead.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from _engines import NAIVE_BATCH, PIPELINE, TORCH, UNSORTED, Way, exported, exports_here, pipeline, unsorted, untrained

RESULTS = Path(__file__).parents[1] / "results"
SGEMM = 1536


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by PyTorch and by textaxa.runtime when they start
    for name in options.sets:
        found = measure(name, options)
        print(json.dumps(found), flush=True)
        if not options.dry:
            with (RESULTS / "runtime.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["open-apps", "arxiv"], help="of benchmarks/_corpora.py")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--budgets", type=int, nargs="+", help="tokens in a batch, for the exports; implies --dry")
    parser.add_argument(
        "--in-turn", action="store_true", help="tokenising ahead or not, for the exports; implies --dry"
    )
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    options.dry = options.dry or bool(options.budgets) or options.in_turn
    return options


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time every way on texts of one data set."""
    from _corpora import load
    from _machine import describe

    from textaxa._pieces import flop_of
    from textaxa.encoders._transformer import sizes_of

    split = load(name)
    texts = random.Random(0).sample(split.test[0], min(options.texts, len(split.test[0])))  # noqa: S311
    with tempfile.TemporaryDirectory() as scratch:
        model = untrained(split.paths)
        lengths = [len(piece) for pieces in model.encoder.tokenise(texts) for piece in pieces]
        ways = _ways(model, Path(scratch), options)
        print(f"{name}: {len(texts)} texts, {options.rounds} rounds of {', '.join(ways)}", flush=True)
        times, ceiling = _in_turn(ways, texts, options.rounds)
    work = flop_of(lengths, **sizes_of(model.encoder.backbone.config))
    first = times[next(iter(times))]
    rows = {
        way: {
            "texts_per_second": len(texts) / statistics.median(seconds),
            "share_of_sgemm": work / statistics.median(seconds) / statistics.median(ceiling),
            "times_pipeline": statistics.median(slow / fast for slow, fast in zip(first, seconds, strict=True)),
            "seconds": seconds,
        }
        for way, seconds in times.items()
    }
    about = {"texts": len(texts), "tokens": sum(lengths) / len(texts), "threads": options.threads}
    return {"set": name, **about, "gflops": statistics.median(ceiling) / 1e9, "ways": rows, "machine": describe()}


def _ways(model: Any, scratch: Path, options: argparse.Namespace) -> dict[str, Way]:
    if options.budgets or options.in_turn:
        return _budgets(model, options.budgets, scratch) if options.budgets else _in_turn_or_ahead(model, scratch)
    ways = {
        PIPELINE: pipeline(len(model.taxonomy.terminals)),
        UNSORTED: unsorted(model),
        TORCH: model.node_proba,
    }
    return ways | {way: exported(model, way, scratch).node_proba for way in exports_here()}


def _budgets(model: Any, budgets: Sequence[int], scratch: Path) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    for way in exports_here():
        one = exported(model, way, scratch)
        for budget in budgets:
            sized = copy(one)
            sized.batch_tokens = budget
            ways[f"{way}, {budget} tokens"] = sized.node_proba
    return ways


def _in_turn_or_ahead(model: Any, scratch: Path) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    for way in exports_here():
        one = exported(model, way, scratch)
        ways[way] = one.node_proba
        ways[f"{way}, tokenised in turn"] = _tokenised_in_turn(one)
    return ways


def _tokenised_in_turn(model: Any) -> Way:
    """Give a model that computes the same chunks of texts, but tokenises each when it is its turn."""
    from textaxa._windows import CHUNK

    def way(texts: Sequence[str]) -> object:
        longest_first = sorted(texts, key=len, reverse=True)
        return [model.node_proba(longest_first[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)]

    return way


def _in_turn(ways: dict[str, Way], texts: Sequence[str], rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Give the seconds of every way in every round, and the FLOP/s of matrix products in between."""
    for way in ways.values():
        way(texts[:NAIVE_BATCH])  # first calls make buffers and thread pools
    times: dict[str, list[float]] = {name: [] for name in ways}
    ceiling = []
    for _ in range(rounds):
        for name, way in ways.items():
            ceiling.append(_sgemm())
            began = time.perf_counter()
            way(texts)
            times[name].append(time.perf_counter() - began)
    return times, ceiling


def _sgemm() -> float:
    """Give the FLOP/s of a large single-precision matrix product, the best of three."""
    import torch

    left, right = torch.rand(SGEMM, SGEMM), torch.rand(SGEMM, SGEMM)
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        torch.mm(left, right)
        best = min(best, time.perf_counter() - began)
    return 2 * SGEMM**3 / best


def write_table() -> None:
    """Write the last measurement of every set and number of threads as Markdown."""
    lines = (RESULTS / "runtime.jsonl").read_text(encoding="utf-8").splitlines()
    last = {(one["set"], one["threads"]): one for one in map(json.loads, lines)}
    text = [
        "# Prediction without PyTorch",
        "",
        "Made by `python benchmarks/speed/runtime.py`. Medians; the ways took turns. From *PyTorch* on, texts are in",
        "batches of like length.",
    ]
    for one in last.values():
        text += ["", f"## {one['set']}, {one['threads']} threads", "", one["machine"], ""]
        text += [
            f"{one['texts']} texts of {one['tokens']:.0f} tokens on average; "
            f"matrix products at {one['gflops']:.0f} GFLOP/s.",
            "",
            "| | texts a second | × pipeline | share of sgemm |",
            "| --- | --: | --: | --: |",
        ]
        for way, row in one["ways"].items():
            text.append(
                f"| {way} | {row['texts_per_second']:.1f} | {row['times_pipeline']:.2f} | {row['share_of_sgemm']:.2f} |"
            )
    (RESULTS / "runtime.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
