"""Where the time of `predict` goes: tokenise, encode, head; decode, read and write; for every way to compute.

    python benchmarks/speed/where_time_goes.py
    python benchmarks/speed/where_time_goes.py open-apps --texts 64 --rounds 2 --dry

The first adds to results/where_time_goes.jsonl, writes results/where_time_goes.md and draws
docs/images/where-time-goes.svg. Every stage is timed by itself on the same texts, on what the stage before gave; stages
and ways take turns, medians over rounds. In `predict` some of them overlap (the next texts are tokenised while others
are encoded), so the sum is what it would take one after the other. Weights of the network are random: the time does not
depend on them; `linear` is trained, since its time does.
"""

import argparse
import copy
import csv
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PICTURE = ROOT / "docs" / "images" / "where-time-goes.svg"
SETS = ("open-apps", "arxiv")
LINEAR = "linear"
LINEAR_ROWS = 2000
ROUNDS = 3
COPIES = 16
"""Rows of every text in the table that is read and written."""

REST = "decode, read, write"
STAGES = ("tokenise", "encode", "head", REST)
COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#8c8c8c")


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by PyTorch and by textaxa.runtime when they start
    found = []
    for name in options.sets:
        print(f"{name}: models", flush=True)
        found.append(measure(name, options))
        print(json.dumps(found[-1]), flush=True)
    if not options.dry:
        with (RESULTS / "where_time_goes.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(one) + "\n" for one in found)
        write_table()
        draw()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS, help="data sets of benchmarks/_corpora.py")
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time every stage of every way on texts of one data set."""
    from _corpora import load
    from _machine import describe

    split = load(name)
    texts = random.Random(0).sample(split.test[0], min(options.texts, len(split.test[0])))  # noqa: S311
    with tempfile.TemporaryDirectory() as scratch:
        models = _models(split, Path(scratch))
        stages = {way: _stages(model, texts, Path(scratch)) for way, model in models.items()}
        seconds = _in_turn(stages, options.rounds)
    ways = {way: {stage: statistics.median(each) for stage, each in found.items()} for way, found in seconds.items()}
    about = {"set": name, "texts": len(texts), "threads": options.threads, "rounds": options.rounds}
    return {**about, "ways": ways, "machine": describe()}


def _models(split: Any, scratch: Path) -> dict[str, Any]:
    from _engines import linear_model, saved, untrained, ways_here

    from textaxa.persistence import load_model

    model, ways = untrained(split.paths), ways_here()
    folders = {precision: saved(model, scratch, precision) for precision in {one for one, _ in ways.values()}}
    found = {name: load_model(folders[precision], runtime=runtime) for name, (precision, runtime) in ways.items()}
    return {**found, LINEAR: linear_model(split, rows=LINEAR_ROWS)}


def _stages(model: Any, texts: Sequence[str], scratch: Path) -> dict[str, Callable[[], object]]:
    """Give every stage as a function of nothing; what it works on was computed before, by the stage above it."""
    found: dict[str, Callable[[], object]] = {}
    if hasattr(model, "features"):  # linear
        found["tokenise"] = lambda: model.features(texts)
        features = model.features(texts)
    else:
        encoder = getattr(model, "encoder", model)
        tokenise = encoder.tokenise
        found["tokenise"] = lambda: tokenise(texts)
        known = dict(zip(texts, tokenise(texts), strict=True))
        encoder.tokenise = _Looked(known, tokenise)
        found["encode"] = lambda: encoder.encode(texts)
        features = encoder.encode(texts)
    found["head"] = lambda: model.node_proba_of(features)
    proba = model.node_proba_of(features)
    found[REST] = _read_and_write(model, texts, proba, scratch)
    return found


class _Looked:
    """A tokeniser that looks up what it gave before: encoding is then timed without it."""

    def __init__(self, known: dict[str, Any], real: Any) -> None:
        self._known, self._real = known, real

    def __call__(self, texts: Sequence[str]) -> list[Any]:
        return [self._known[text] for text in texts]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def _read_and_write(model: Any, texts: Sequence[str], proba: Any, scratch: Path) -> Callable[[], object]:
    """Give a whole `predict` of a CSV with a model that knows its answers: all that is no network.

    Of every text there are several rows that differ in a number: files of some hundred rows are opened and closed
    longer than they are written.
    """
    from textaxa.jobs.predict import predict

    table = scratch / "texts.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [["text"], *([f"{i} {n} {text}"] for n in range(COPIES) for i, text in enumerate(texts))]
        )
    known = copy.copy(model)
    object.__setattr__(known, "node_proba", lambda asked: proba[[int(text.partition(" ")[0]) for text in asked]])
    output = scratch / "out.csv"
    return lambda: predict(known, table, output, text="text", overwrite=True, processes=1)


def _in_turn(stages: dict[str, dict[str, Callable[[], object]]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Give the seconds of every stage in every round; a first round, which makes buffers and threads, is left out."""
    seconds: dict[str, dict[str, list[float]]] = {way: {name: [] for name in found} for way, found in stages.items()}
    for i in range(rounds + 1):
        print(f"round {i} of {rounds}", flush=True)
        for way, name, stage in _all(stages):
            began = time.perf_counter()
            stage()
            if i:
                seconds[way][name].append(time.perf_counter() - began)
    for found in seconds.values():
        found[REST] = [whole / COPIES for whole in found[REST]]
    return seconds


def _all(stages: dict[str, dict[str, Callable[[], object]]]) -> Iterator[tuple[str, str, Callable[[], object]]]:
    for way, found in stages.items():
        for name, stage in found.items():
            yield way, name, stage


def _last() -> list[dict[str, Any]]:
    lines = (RESULTS / "where_time_goes.jsonl").read_text(encoding="utf-8").splitlines()
    return list({one["set"]: one for one in map(json.loads, lines)}.values())


def _trial(one: dict[str, Any]) -> str:
    """Say of too few rounds that nobody should rely on them."""
    return "" if one["rounds"] >= ROUNDS else " (a trial run: do not rely on the times)"


def write_table() -> None:
    """Write the last measurement of every set as Markdown."""
    text = ["# Where the time goes", "", "Written by `benchmarks/speed/where_time_goes.py`. Milliseconds a text, each"]
    text += ["stage by itself, in turn, medians. *Together*: one after the other; in `predict` some overlap."]
    for one in _last():
        about = f"{one['texts']} texts, {one['threads']} threads, {one['rounds']} rounds{_trial(one)}"
        text += ["", f"## {one['set']}, {about}", "", one["machine"], ""]
        text += [f"| | {' | '.join(STAGES)} | together | encode's share |", "| --- |" + " --: |" * (len(STAGES) + 2)]
        for way, seconds in one["ways"].items():
            each = [1000 * seconds[stage] / one["texts"] if stage in seconds else None for stage in STAGES]
            whole = sum(filter(None, each))
            cells = ["–" if value is None else f"{value:.3f}" for value in each]
            share = "–" if each[1] is None else f"{each[1] / whole:.0%}"
            text.append(f"| {way} | {' | '.join(cells)} | {whole:.3f} | {share} |")
    (RESULTS / "where_time_goes.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def draw() -> None:
    """Draw a bar for every way: how its time is shared out, and how long it is beside."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "textaxa"  # the same picture of the same numbers
    import matplotlib.pyplot as plt

    found = _last()
    figure, axes = plt.subplots(len(found), 1, figsize=(8, 2.6 * len(found)), squeeze=False, layout="constrained")
    for axis, one in zip(axes[:, 0], found, strict=True):
        names = list(one["ways"])[::-1]
        whole = [sum(one["ways"][name].values()) for name in names]
        start = [0.0] * len(names)
        for stage, colour in zip(STAGES, COLOURS, strict=True):
            shares = [100 * one["ways"][name].get(stage, 0.0) / total for name, total in zip(names, whole, strict=True)]
            axis.barh(names, shares, left=start, color=colour, label=stage)
            start = [before + share for before, share in zip(start, shares, strict=True)]
        for place, total in enumerate(whole):
            axis.text(101, place, f"{1000 * total / one['texts']:.2g} ms", va="center")
        axis.set(xlim=(0, 112), title=f"{one['set']}: share of the time of a text, %{_trial(one)}")
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=len(STAGES), frameon=False)
    figure.savefig(PICTURE, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
