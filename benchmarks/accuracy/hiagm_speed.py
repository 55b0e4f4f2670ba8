"""Texts a second in training of ``hiagm-tp`` over TextRCNN: forward, backward and optimizer step, at the paper's sizes.

    python benchmarks/accuracy/hiagm_speed.py --batch 64 --length 256 --nodes 100 --steps 10 --threads 1

prints one line of JSON a structure. The released code is measured by ``peers/hiagm_speed.py``, with the same options,
in its own environment; run both in turn on an idle machine.

Texts are random words that follow Zipf's law, as those of a language do; all have the full length.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from textaxa.encoders import Tokens
from textaxa.encoders._textrcnn import TextRCNN, TextRCNNShape
from textaxa.encoders._word_vectors import SPECIAL, WordVectors
from textaxa.heads import build_head, head_settings
from textaxa.settings import EncoderSettings
from textaxa.taxonomy import Taxonomy

WORDS = 20_000
WIDTH = 300
WARM_UP = 2


def main() -> None:
    arguments = options().parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    for structure in arguments.structure:
        step = training_step(arguments, structure)
        for _ in range(WARM_UP):
            step()
        seconds = [timed(step) for _ in range(arguments.steps)]
        found = {
            "system": "textaxa",
            "structure": structure,
            "texts_per_second": round(arguments.batch / statistics.median(seconds), 2),
            "B": arguments.batch,
            "L": arguments.length,
            "N": arguments.nodes,
            "threads": arguments.threads,
            "precision": arguments.precision,
        }
        print(json.dumps(found), flush=True)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--nodes", type=int, default=100)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--structure", nargs="+", default=["gcn", "tree-lstm"], choices=["gcn", "tree-lstm"])
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    return parser


def training_step(arguments: argparse.Namespace, structure: str) -> Callable[[], None]:
    """Make encoder, head, optimizer and one batch; give what runs one step."""
    random = np.random.default_rng(0)
    words = WordVectors([f"w{i}" for i in range(WORDS)], random.normal(size=(WORDS, WIDTH)).astype(np.float32))
    settings = EncoderSettings(encoder="textrcnn", max_length=arguments.length)
    encoder = TextRCNN(words, settings, TextRCNNShape()).train()
    taxonomy = two_levels(arguments.nodes)
    counts = np.ones(len(taxonomy.terminals), dtype=np.int64)
    chosen = head_settings("hiagm-tp")(structure=structure, node_width=WIDTH)
    head = build_head("hiagm-tp", taxonomy, encoder.width, task="single", settings=chosen, counts=counts).train()
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=1e-4, fused=True)
    tokens = random_texts(random, arguments.batch, arguments.length)
    targets = torch.from_numpy(random.integers(0, len(taxonomy.terminals), arguments.batch))

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=arguments.precision == "bf16"):
            vectors = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)
            loss = head.loss(head(vectors, targets), targets)
        loss.backward()
        optimizer.step()

    return step


def two_levels(n_nodes: int) -> Taxonomy:
    """Make a taxonomy of so many nodes: one in ten at the top, the others shared evenly among them."""
    tops = max(1, n_nodes // 10)
    paths = [(f"top {i % tops}", f"below {i}") for i in range(n_nodes - tops)]
    return Taxonomy.from_paths([*((f"top {i}",) for i in range(tops)), *paths], terminals="leaves")


def random_texts(random: np.random.Generator, batch: int, length: int) -> Tokens:
    """Draw word ids by Zipf's law, (batch, length)."""
    share = 1 / np.arange(1, WORDS + 1)
    ids = random.choice(WORDS, size=(batch, length), p=share / share.sum()) + len(SPECIAL)
    ids = torch.from_numpy(ids)
    return Tokens(ids, torch.ones_like(ids), torch.arange(batch))


def timed(step: Callable[[], None]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
