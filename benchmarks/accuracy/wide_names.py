"""Can the head `wide` find categories that no training row has? Rows of a fifth of the leaves are hidden from it.

Frozen MiniLM, the same vectors for all. Hidden leaves are drawn at random, three times; the epoch is chosen on
validation rows of leaves that were seen. Test rows are scored once a run, those of hidden and of seen leaves apart.

    python benchmarks/accuracy/wide_names.py [--data naics2017] [--dry]     # writes results/wide_names.md
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from _runs import RESULTS, Split, _vectors, data_sets, describe, taxonomy_of  # makes the folder above importable

from _corpora import FOLDER  # isort: skip

from textaxa.encoders import load_encoder
from textaxa.settings import EncoderSettings
from textaxa.taxonomy import Taxonomy, label_texts
from textaxa.wide import WideHead, WideTraining, fit_wide
from textaxa.wide._names import LABEL_WORDS, favour_unseen, start_from_names
from textaxa.wide._scale import Scale

HIDDEN = 0.2
KEEP = ("label-names", "label-names, no bonus")
STARTS = ("random", *KEEP, "label-names, all rows learn")
DRAWS = 3
HEADER = (
    "| label texts | start | rows of hidden leaves | among hidden leaves' parents | rows of seen leaves | all rows |"
)


class Kept:
    """Gives vectors of label texts that were computed once."""

    def __init__(self, texts: Sequence[str]) -> None:
        vectors = load_encoder(EncoderSettings(frozen=True, max_length=64)).encode(list(texts))
        self._vectors = dict(zip(texts, vectors, strict=True))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self._vectors[text] for text in texts])


def described(taxonomy: Taxonomy, name: str) -> Taxonomy:
    """Give the taxonomy with the descriptions that its owner publishes, found by the code with which a name begins."""
    file = FOLDER / name / "label_descriptions.jsonl"
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    said = {one["code"]: " ".join(one["description"].split()) for one in found}
    stored = taxonomy.to_dict()
    texts = [said.get(path[-1].partition(" ")[0], "") for path in taxonomy.nodes]
    return Taxonomy.from_dict({**stored, "descriptions": texts})


def measure(data: Split, *, draws: int, epochs: int) -> list[dict[str, Any]]:
    bare = taxonomy_of(data)
    vectors = {part: _vectors(data, part) for part in ("train", "valid", "test")}
    ends = {
        part: np.array([bare.index(labels[0]) for labels in getattr(data, part)[1]])
        for part in ("train", "valid", "test")
    }
    results = []
    for said, taxonomy in (("names", bare), ("names and descriptions", described(bare, data.name))):
        encoder = Kept(label_texts(taxonomy, words=LABEL_WORDS))
        for draw in range(draws):
            leaves = np.random.default_rng(draw).permutation(taxonomy.terminals)
            hidden = leaves[: round(HIDDEN * len(leaves))]
            seen = {part: ~np.isin(ends[part], hidden) for part in ends}
            raw = vectors["train"][seen["train"]]
            scale = Scale.of(raw)
            for start in STARTS:
                if start != "label-names" and said != "names":
                    continue
                head = WideHead.zeros(taxonomy, raw.shape[1])
                if start != "random":
                    start_from_names(head, encoder, scale)
                known = ends["train"][seen["train"]]
                held = scale(vectors["valid"][seen["valid"]]), ends["valid"][seen["valid"]]
                kept = WideTraining(epochs=epochs, seed=draw, keep_unseen=start in KEEP)
                fit_wide(head, scale(raw), known, validation=held, training=kept)
                if start == "label-names":
                    favour_unseen(head, known, held, width=10)
                one = {"texts": said, "start": start, "draw": draw}
                results.append(one | {p: scores(head, scale(vectors[p]), ends[p], seen[p]) for p in ("valid", "test")})
                print(json.dumps(results[-1]), flush=True)
    return results


def scores(head: WideHead, vectors: np.ndarray, ends: np.ndarray, seen: np.ndarray) -> dict[str, float]:
    found = head.search(vectors, width=10).nodes[:, 0]
    right, above = found == ends, head.taxonomy.parent[found] == head.taxonomy.parent[ends]
    parts = {"hidden": right[~seen], "parent": above[~seen], "seen": right[seen], "all": right}
    return {name: float(part.mean()) for name, part in parts.items()}


def table(results: Sequence[dict[str, Any]]) -> list[str]:
    lines = [HEADER, "| --- | --- | --: | --: | --: | --: |"]
    for said, start in dict.fromkeys((one["texts"], one["start"]) for one in results):
        runs = [one["test"] for one in results if (one["texts"], one["start"]) == (said, start)]
        cells = []
        for name in ("hidden", "parent", "seen", "all"):
            values = 100 * np.array([run[name] for run in runs])
            cells.append(f"{values.mean():.1f} ± {values.std():.1f}")
        lines.append(f"| {said} | {start} | " + " | ".join(cells) + " |")
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Run, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="naics2017")
    parser.add_argument("--dry", action="store_true", help="a few rows, one draw; nothing is written")
    arguments = parser.parse_args(argv)
    (data,) = data_sets([arguments.data])
    results = measure(data, draws=1 if arguments.dry else DRAWS, epochs=3 if arguments.dry else 20)
    lines = [
        "# Categories without a training row, by their names",
        "",
        f"Written by `benchmarks/accuracy/wide_names.py`. {describe()}",
        "",
        f"{data.name}: rows of a fifth of the leaves, drawn at random, are hidden from training and from the choice of",
        "the epoch. Test rows whose path is right, in %, mean ± standard deviation over three draws; the fourth column",
        "is the share of hidden leaves' rows whose parent is right. With `label-names` the rows that no training text",
        "reaches stay where their names put them, and get a bonus that costs at most 1 % of the validation rows; *no",
        "bonus* is without it, and *all rows learn* lets them learn that they are never right.",
        "",
        *table(results),
    ]
    print("\n".join(lines))
    if not arguments.dry:
        (RESULTS / "wide_names.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
