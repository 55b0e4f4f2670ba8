"""Texts a second: the transformers pipeline, our model in PyTorch, and its exports for ONNX Runtime in fp32 and int8.

    python benchmarks/speed/runtime.py open-apps arxiv
    python benchmarks/speed/runtime.py open-apps --threads 1 --texts 64 --rounds 3 --dry

The first adds to results/runtime.jsonl and writes results/runtime.md. The ways take turns, round by round, on the same
texts; medians over rounds. Between the ways a large single-precision matrix product is timed on the same threads: the
ceiling. Useful work is the multiply-adds of the transformer over real tokens, padding left out. Weights of the head are
random: the time does not depend on them.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

RESULTS = Path(__file__).parents[1] / "results"
MAX_LENGTH = 256
NAIVE_BATCH = 32
SGEMM = 1536
PIPELINE, TORCH, FP32, INT8 = "transformers pipeline", "PyTorch", "ONNX Runtime fp32", "ONNX Runtime int8"


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by PyTorch and by textaxa.runtime when they start
    found = [measure(name, options) for name in options.sets]
    for one in found:
        print(json.dumps(one))
    if not options.dry:
        with (RESULTS / "runtime.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in found)
        write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="+", help="data sets of benchmarks/_corpora.py")
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time every way on texts of one data set."""
    from _corpora import load
    from _machine import describe

    split = load(name)
    texts = random.Random(0).sample(split.test[0], min(options.texts, len(split.test[0])))  # noqa: S311
    with tempfile.TemporaryDirectory() as scratch:
        ways, tokens = _ways(split, Path(scratch))
        lengths = [sum(map(len, pieces)) for pieces in tokens(texts)]
        times, ceiling = _in_turn(ways, texts, options.rounds)
    work = sum(map(useful_flop, lengths))
    rows = {
        way: {
            "texts_per_second": len(texts) / statistics.median(seconds),
            "share_of_sgemm": work / statistics.median(seconds) / statistics.median(ceiling),
            "times_pipeline": statistics.median(
                slow / fast for slow, fast in zip(times[PIPELINE], seconds, strict=True)
            ),
            "seconds": seconds,
        }
        for way, seconds in times.items()
    }
    about = {"texts": len(texts), "tokens": statistics.mean(lengths), "threads": options.threads}
    return {"set": name, **about, "gflops": statistics.median(ceiling) / 1e9, "ways": rows, "machine": describe()}


def _ways(split: Any, scratch: Path) -> tuple[dict[str, Callable[[Sequence[str]], object]], Callable[..., Any]]:
    """Give every way as a function of texts, and our tokeniser."""
    from textaxa.encoders import load_encoder, packaged_minilm
    from textaxa.exporting import as_int8, read_export, write_onnx
    from textaxa.heads import build_head, head_settings
    from textaxa.model import Model
    from textaxa.settings import EncoderSettings, ModelSettings
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths(split.paths)
    encoder = load_encoder(EncoderSettings(max_length=MAX_LENGTH))
    head = build_head("chained", taxonomy, encoder.width, task="single")
    settings = ModelSettings("single", "chained", head_settings("chained")(), encoder.settings)
    model = Model(taxonomy, encoder, head, settings).eval()
    exports = {}
    for way in (FP32, INT8):
        place = scratch / way
        place.mkdir()
        write_onnx(model, place)
        if way == INT8:
            as_int8(place)
        exports[way] = read_export(model, place)
    naive = _pipeline(packaged_minilm(), len(taxonomy.terminals))
    ways = {PIPELINE: naive, TORCH: model.node_proba, **{way: one.node_proba for way, one in exports.items()}}
    return ways, encoder.tokenise


def _pipeline(folder: Path, n_classes: int) -> Callable[[Sequence[str]], object]:
    """Give what most people run: a classifier of transformers, texts as they come, 32 at a time."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=n_classes)
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1)
    how = {"batch_size": NAIVE_BATCH, "truncation": True, "max_length": MAX_LENGTH, "top_k": None}
    return lambda texts: classify(list(texts), **how)


def _in_turn(
    ways: dict[str, Callable[[Sequence[str]], object]], texts: Sequence[str], rounds: int
) -> tuple[dict[str, list[float]], list[float]]:
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


def useful_flop(tokens: int, *, width: int = 384, layers: int = 6) -> float:
    """Give the floating-point operations of a BERT encoder over one text: projections, feed-forward, attention."""
    return layers * (24 * width**2 * tokens + 4 * width * tokens**2)


def write_table() -> None:
    """Write the last measurement of every set and number of threads as Markdown."""
    lines = (RESULTS / "runtime.jsonl").read_text(encoding="utf-8").splitlines()
    last = {(one["set"], one["threads"]): one for one in map(json.loads, lines)}
    text = [
        "# Prediction without PyTorch",
        "",
        "Made by `python benchmarks/speed/runtime.py`. Medians; the ways took turns.",
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
