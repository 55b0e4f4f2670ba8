"""What is a node worth that training never saw? A fifth of the leaves is hidden, added by name, then taught with texts.

Which leaves are hidden is drawn at random, once a seed, after the split of rows. A model is trained without them, then
migrated to the whole taxonomy by name (and description, where the set has some), then taught with ten training texts of
each; beside it stands the model that was trained with them on all rows. Test rows are scored once a run: the ones of
hidden leaves, and the others. Frozen MiniLM, defaults everywhere, no calibration.

    python benchmarks/living/hidden_leaves.py [DATA ...]             # goes on where it stopped; writes results/living.*
    python benchmarks/living/hidden_leaves.py --dry                  # one small set, one seed; nothing is written
    python benchmarks/living/hidden_leaves.py --tune --seeds 100     # on validation rows: for choosing, not for telling
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _hidden import Hidden, hidden, right, trained  # makes the folders of the shared modules importable
from _runs import RESULTS, RUNS, SEEDS, data_sets, task_of

from _machine import describe  # isort: skip

from textaxa.heads import head_class
from textaxa.migration import migrate
from textaxa.model import Model
from textaxa.teaching import teach

DATA = (
    "open-apps",
    "hwu64",
    "naics2017",
    "trec",
    "amazon3",
    "newsgroups20",
    "appstore_tokens",
    "fdroid",
    "arxiv",
    "awesome_mac_zh",
    "selfhosted",
    "goemotions",
)
HEADS = ("chained", "label-text")
TEXTS = 10
"""Texts of each hidden leaf that are taught."""

WAYS = ("base", "full", "migrated", "taught", "taught-alone")
RESAMPLES = 2000


class Kept:
    """The set's encoder, with the vectors of its rows computed once; any other text is encoded."""

    def __init__(self, what: Hidden, encoder: Any) -> None:
        self._encoder = encoder
        self._known = {}
        for part in ("train", "valid"):
            self._known |= dict(zip(getattr(what.data, part)[0], what.vectors(part), strict=True))

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Give the vectors of texts, (B, D)."""
        if all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return self._encoder.encode(texts)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._encoder, name)


def measure(what: Hidden, head: str, part: str) -> dict[str, Any]:
    """Train, migrate and teach; give which rows of a part each way has right."""
    base, base_seconds = trained(what, head, with_hidden=False)
    full, full_seconds = trained(what, head, with_hidden=True)
    started = time.monotonic()
    migrated = migrate(base, what.full).model
    seconds = {"base": base_seconds, "full": full_seconds, "migrated": time.monotonic() - started}
    found = {"base": base, "full": full, "migrated": migrated}
    rows = what.taken("train", few(what))
    old = what.taken("train", what.rows("train", hidden=False))
    migrated_with = _with_vectors(migrated, what)
    for way, remember in (("taught", old), ("taught-alone", None)):
        done = teach(migrated_with, *_without_repeats(rows), remember=remember, seed=what.seed)
        found[way], seconds[way] = done.model, done.report.seconds
    marks = {way: right(model, what, part).astype(int).tolist() for way, model in found.items()}
    return {
        "data": what.data.name,
        "head": head,
        "seed": what.seed,
        "part": part,
        "leaves": len(what.leaves),
        "described": any(what.full.descriptions or ()),
        "texts": len(rows[0]),
        "hidden": what.is_hidden(part).astype(int).tolist(),
        "right": marks,
        "seconds": {way: round(value, 2) for way, value in seconds.items()},
        "machine": describe(),
    }


def _with_vectors(model: Model, what: Hidden) -> Model:
    """Give the model with an encoder that looks vectors up: what is timed is the rest, so that is told beside it."""
    known = Model(model.taxonomy, model.encoder, model.head, model.settings, model.summary)
    known.scale, known.thresholds = model.scale, model.thresholds
    del known._modules["encoder"]
    known.__dict__["encoder"] = Kept(what, model.encoder)
    return known.eval()


def few(what: Hidden) -> np.ndarray:
    """Draw the training rows that are taught: `TEXTS` of each hidden leaf, all where there are fewer."""
    labels = what.data.train[1]
    order = np.random.default_rng([what.seed, TEXTS]).permutation(what.rows("train", hidden=True))
    left = dict.fromkeys(what.leaves, TEXTS)
    taken = []
    for row in order:
        own = [path for path in labels[row] if left.get(path, 0) > 0]
        if own:
            taken.append(int(row))
            left |= {path: left[path] - 1 for path in own}
    return np.array(taken)


def _without_repeats(rows: tuple[list[str], list[Any]]) -> tuple[list[str], list[Any]]:
    """Leave out a text that another of the rows has, too: with another path it would be refused."""
    seen: dict[str, Any] = {}
    for text, labels in zip(*rows, strict=True):
        seen.setdefault(" ".join(text.casefold().split()), (text, labels))
    return [text for text, _ in seen.values()], [labels for _, labels in seen.values()]


def run(what: Hidden, head: str, part: str, mark: str) -> dict[str, Any]:
    """Give a finished run, from disk where it was made before."""
    file = RUNS / "living" / "runs" / f"{what.data.name}-{head}-{what.seed}-{part}{mark}.json"
    if not file.is_file():
        done = measure(what, head, part)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".partial").write_text(json.dumps(done), encoding="utf-8")
        file.with_suffix(".partial").rename(file)
    return json.loads(file.read_text(encoding="utf-8"))


def share(runs: Sequence[dict[str, Any]], way: str, *, hidden_rows: bool) -> np.ndarray:
    """Give for every run the hits of a way on hidden leaves' rows, or on the others, as arrays."""
    return [np.array(r["right"][way])[np.array(r["hidden"], dtype=bool) == hidden_rows] for r in runs]


def interval(draw: Any) -> str:
    """Give the 95 % interval of a statistic over runs and rows drawn again."""
    random = np.random.default_rng(0)
    values = [draw(random) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return f"({low:.1f} to {high:.1f})"


def compared(runs: Sequence[dict[str, Any]], way: str, other: str, *, hidden_rows: bool, ratio: bool) -> str:
    """Write a way's hits in percent of another's (``ratio``), or in points more than it, with the interval."""
    sides = [share(runs, name, hidden_rows=hidden_rows) for name in (way, other)]

    def value(pick: Sequence[tuple[int, np.ndarray]]) -> float:
        a, b = (np.mean([side[i][rows].mean() for i, rows in pick]) for side in sides)
        if ratio:
            return 100 * a / b if b else float("nan")
        return 100 * (a - b)

    def again(random: np.random.Generator) -> float:
        chosen = random.integers(0, len(runs), len(runs))
        return value([(i, random.integers(0, len(sides[0][i]), len(sides[0][i]))) for i in chosen])

    whole = value([(i, np.arange(len(sides[0][i]))) for i in range(len(runs))])
    return f"{whole:.0f} % {interval(again)}" if ratio else f"{whole:+.1f} {interval(again)}"


def table(runs: Sequence[dict[str, Any]], head: str) -> list[str]:
    """Give the table of one head, a row a data set."""
    lines = [
        "| data | leaves hidden | trained with them | by name | of that | taught | of that | others: before "
        "| trained with | by name | taught |",
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name in dict.fromkeys(one["data"] for one in runs):
        own = [one for one in runs if (one["data"], one["head"]) == (name, head)]
        if not own:
            continue
        hits = {way: np.mean([100 * s.mean() for s in share(own, way, hidden_rows=True)]) for way in WAYS}
        others = {way: np.mean([100 * s.mean() for s in share(own, way, hidden_rows=False)]) for way in WAYS}
        said = " (described)" if own[0]["described"] else ""
        cells = [
            f"{name}{said}, {len(own)} seed{'s' if len(own) > 1 else ''}",
            str(own[0]["leaves"]),
            f"{hits['full']:.1f}",
            f"{hits['migrated']:.1f}",
            compared(own, "migrated", "full", hidden_rows=True, ratio=True),
            f"{hits['taught']:.1f}",
            compared(own, "taught", "full", hidden_rows=True, ratio=True),
            f"{others['base']:.1f}",
            f"{others['full'] - others['base']:+.1f}",
            compared(own, "migrated", "base", hidden_rows=False, ratio=False),
            compared(own, "taught", "base", hidden_rows=False, ratio=False),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def alone(runs: Sequence[dict[str, Any]], head: str) -> list[str]:
    """Give the table of teaching without remembered rows, and of seconds."""
    lines = ["| data | taught alone, of that | others | training, s | teaching, s |", "| --- | --: | --: | --: | --: |"]
    for name in dict.fromkeys(one["data"] for one in runs):
        own = [one for one in runs if (one["data"], one["head"]) == (name, head)]
        if own:
            seconds = {way: np.median([one["seconds"][way] for one in own]) for way in ("full", "taught")}
            first = compared(own, "taught-alone", "full", hidden_rows=True, ratio=True)
            second = compared(own, "taught-alone", "base", hidden_rows=False, ratio=False)
            lines.append(f"| {name} | {first} | {second} | {seconds['full']:.1f} | {seconds['taught']:.1f} |")
    return lines


def page(runs: Sequence[dict[str, Any]]) -> str:
    """Write the results as Markdown."""
    parts = [
        "# Nodes that training never saw",
        f"Written by `benchmarks/living/hidden_leaves.py`. {runs[0]['machine']}",
        "A fifth of the leaves, drawn at random after the split of rows, is hidden from training. Then the model is\n"
        "migrated to the whole taxonomy by name and description, then taught with ten texts of each hidden leaf, with\n"
        "at most 20 old rows a node remembered. Test rows whose whole path is right, in %, on the rows of hidden\n"
        "leaves; then *others*: all other rows, before the leaves came, and by how many points that changes. A model\n"
        "that is trained with the leaves changes them, too: there is more to mistake a text for. Means over seeds\n"
        "(each draws its own leaves); in brackets the 95 % interval over seeds and rows drawn again.",
    ]
    for head in dict.fromkeys(one["head"] for one in runs):
        parts += [f"## {head}", "\n".join(table(runs, head))]
        parts += [
            "Without remembered rows, and how long it takes with them (vectors at hand, medians, on a busy machine):",
            "\n".join(alone(runs, head)),
        ]
    return "\n\n".join(parts) + "\n"


def write(runs: Sequence[dict[str, Any]]) -> None:
    """Write ``results/living.jsonl`` (counts, no row marks) and ``results/living.md``."""
    lines = []
    for one in runs:
        marks = np.array(one["hidden"], dtype=bool)
        rows = {"hidden": int(marks.sum()), "others": int((~marks).sum())}
        hits = {way: [int(np.array(v)[marks].sum()), int(np.array(v)[~marks].sum())] for way, v in one["right"].items()}
        kept = {name: value for name, value in one.items() if name not in ("hidden", "right")}
        lines.append(json.dumps({**kept, "rows": rows, "right": hits}))
    (RESULTS / "living.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (RESULTS / "living.md").write_text(page(runs), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is asked for, and write the page of everything that is finished."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", default=list(DATA))
    parser.add_argument("--heads", nargs="+", default=list(HEADS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--tune", action="store_true", help="score validation rows; nothing is kept or written")
    parser.add_argument("--dry", action="store_true", help="trec, one seed; nothing is written")
    parser.add_argument("--report", action="store_true", help="only write the page of finished runs")
    arguments = parser.parse_args(argv)
    if arguments.report:
        write(finished())
        return
    names, seeds = (["trec"], [0]) if arguments.dry else (arguments.data, arguments.seeds)
    for data in data_sets(names):
        for head in arguments.heads:
            if task_of(data) not in head_class(head).tasks:
                continue
            for seed in seeds:
                what = hidden(data, seed)
                one = measure(what, head, "valid") if arguments.tune else run(what, head, "test", "")
                print(data.name, head, seed, told(one), flush=True)
    if not (arguments.tune or arguments.dry):
        write(finished())


def told(one: dict[str, Any]) -> str:
    """Give one line: hidden and other rows right, in percent, for every way."""
    marks = np.array(one["hidden"], dtype=bool)
    rates = {
        way: (100 * np.array(v)[marks].mean(), 100 * np.array(v)[~marks].mean()) for way, v in one["right"].items()
    }
    return "  ".join(f"{way} {a:.1f}/{b:.1f} {one['seconds'][way]:.1f}s" for way, (a, b) in rates.items())


def finished() -> list[dict[str, Any]]:
    """Give all runs on test rows that are on disk, in the order of `DATA`."""
    files = sorted(Path(RUNS / "living" / "runs").glob("*-test.json"))
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return sorted(runs, key=lambda one: (DATA.index(one["data"]), one["head"], one["seed"]))


if __name__ == "__main__":
    main()
