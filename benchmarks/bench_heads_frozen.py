"""What does each head gain over a flat softmax on the very same text vectors? Frozen MiniLM, four heads, three seeds.

Every head reads the same cached vectors with the same recipe, so only the way of modelling the hierarchy differs.
Settings were chosen on validation rows; test rows are scored once a run.

    python benchmarks/bench_heads_frozen.py [DATA ...]        # writes results/heads_frozen.md
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from _corpora import Split, load
from _machine import describe
from _tables import gap, hits, mean_and_deviation

from textaxa.encoders import TransformerEncoder, load_encoder
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

DATA = ("open-apps", "trec", "hwu64")
HEADS = ("flat", "per-level", "cascade", "chained")
SEEDS = (0, 1, 2)


def encode_once(data: Split) -> None:
    """Let every later call for the same rows find the vectors that were computed here."""
    encoder = load_encoder(EncoderSettings())
    known = {id(part[0]): encoder.encode(part[0]) for part in (data.train, data.valid, data.test)}

    def look_up(_: TransformerEncoder, texts: Sequence[str]) -> np.ndarray:
        return known[id(texts)]

    TransformerEncoder.encode = look_up


def test_hits(data: Split, head: str, seed: int) -> dict[str, np.ndarray]:
    model = train_model(
        *data.train,
        Taxonomy.from_paths(dict.fromkeys(data.paths), sort=True),
        head=head,
        encoder=EncoderSettings(frozen=True),
        training=TrainingSettings(seed=seed),
        valid=data.valid,
    )
    found = [row[0].path for row in model.predict(data.test[0])]
    return hits(found, data.test[1])


def rows_of(data: Split) -> list[str]:
    encode = TransformerEncoder.encode
    encode_once(data)
    try:
        runs = {head: [test_hits(data, head, seed) for seed in SEEDS] for head in HEADS}
    finally:
        TransformerEncoder.encode = encode
    lines = []
    for head, found in runs.items():
        stacked = {key: np.array([run[key] for run in found]) for key in ("major", "path")}
        flat = {key: np.array([run[key] for run in runs["flat"]]) for key in stacked}
        cells = [mean_and_deviation(stacked[key]) for key in stacked]
        gaps = [gap(stacked[key], flat[key]) if head != "flat" else "" for key in stacked]
        lines.append(f"| {data.name} | {head} | {cells[0]} | {gaps[0]} | {cells[1]} | {gaps[1]} |")
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    lines = ["# Heads on frozen features", "", f"Written by `benchmarks/bench_heads_frozen.py`. {describe()}", ""]
    lines += [
        "Test accuracy in %, mean ± standard deviation over three seeds, and the difference to `flat` with the 95 %"
    ]
    lines += ["interval of a bootstrap over test texts and seeds.", ""]
    lines += ["| data | head | major | to flat | path | to flat |", "| --- | --- | --: | --: | --: | --: |"]
    for name in sys.argv[1:] or DATA:
        try:
            lines += rows_of(load(name))
        except FileNotFoundError as error:
            print(f"skipped {name}: {error}")
    (Path(__file__).parent / "results" / "heads_frozen.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
