"""Short texts a second through a static encoder: its tokenizer alone, vectors, probabilities; beside model2vec.

    python benchmarks/speed/static.py                  # a minute; writes results/static.md
    python benchmarks/speed/static.py --texts 500 --rounds 2 --dry

The questions of TREC, repeated; token vectors and the weights of the head are random: time does not depend on them. The
ways take turns, round by round; medians.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RESULTS = Path(__file__).resolve().parents[1] / "results"
WIDTH = 256
FLOOR = "tokenizer alone"


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(options.threads)
    found = measure(options)
    print(json.dumps(found))
    if not options.dry:
        with (RESULTS / "static.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        write_table(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Time every way on the same texts."""
    from _corpora import load
    from _machine import describe

    data = load("trec")
    texts = random.Random(0).choices(data.test[0], k=options.texts)  # noqa: S311
    with tempfile.TemporaryDirectory() as scratch:
        ways = _ways(data.paths, texts, Path(scratch))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way()
        for _ in range(options.rounds):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                times[name].append(time.perf_counter() - began)
    speeds = {name: len(texts) / statistics.median(taken) for name, taken in times.items()}
    words = statistics.mean(len(text.split()) for text in texts)
    about = {"texts": len(texts), "words": words, "threads": options.threads}
    return about | {"texts_per_second": speeds, "machine": describe()}


def _ways(paths: list[Any], texts: list[str], scratch: Path) -> dict[str, Callable[[], object]]:
    import torch
    from transformers import AutoTokenizer

    from textaxa.encoders import load_encoder, packaged_minilm
    from textaxa.encoders._distil import write_static
    from textaxa.heads import build_head, head_settings
    from textaxa.model import Model
    from textaxa.settings import EncoderSettings, ModelSettings
    from textaxa.taxonomy import Taxonomy

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    tokenizer = AutoTokenizer.from_pretrained(packaged_minilm()).backend_tokenizer
    vectors = np.random.default_rng(0).normal(size=(tokenizer.get_vocab_size(), WIDTH)).astype(np.float32)
    write_static(scratch, vectors, tokenizer, {"model_type": "model2vec", "normalize": True})
    encoder = load_encoder(EncoderSettings(encoder=str(scratch)))
    taxonomy = Taxonomy.from_paths(dict.fromkeys(paths), sort=True)
    head = build_head("flat", taxonomy, encoder.width, task="single")
    model = Model(taxonomy, encoder, head, ModelSettings("single", "flat", head_settings("flat")(), encoder.settings))
    model.eval()
    ways: dict[str, Callable[[], object]] = {
        FLOOR: lambda: tokenizer.encode_batch_fast(texts, add_special_tokens=False),
        "textaxa, vectors": lambda: encoder.encode(texts),
        "textaxa, node probabilities": lambda: model.node_proba(texts),
    }
    try:
        from model2vec import StaticModel
    except ImportError:
        return ways
    theirs = StaticModel.from_pretrained(scratch)
    return ways | {"model2vec, vectors": lambda: theirs.encode(texts, use_multiprocessing=False)}


def write_table(found: dict[str, Any]) -> None:
    """Write the measurement as Markdown."""
    floor = found["texts_per_second"][FLOOR]
    text = ["# Static encoders", "", "Made by `python benchmarks/speed/static.py`. Medians; the ways took turns.", ""]
    text += [found["machine"], ""]
    text += [f"{found['texts']:,} texts of {found['words']:.1f} words on average; {found['threads']} threads.", ""]
    text += ["| | texts a second | share of the tokenizer |", "| --- | --: | --: |"]
    text += [f"| {way} | {speed:,.0f} | {speed / floor:.2f} |" for way, speed in found["texts_per_second"].items()]
    (RESULTS / "static.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
