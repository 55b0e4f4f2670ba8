"""What `textaxa optimise` finds for fine-tuned models, and what it keeps on rows that nobody has seen.

    python benchmarks/speed/optimise.py                    # searches what is not searched yet, then measures all
    python benchmarks/speed/optimise.py trec --seconds 60  # one set; a minute for teaching each network
    python benchmarks/speed/optimise.py --timing-only      # measures the saved folders again
    python benchmarks/speed/optimise.py trec --dry         # a small search, nothing written to results

Models are those of _models.py. A search reads training and validation rows: a half of the latter chooses, the other
half proves. It is done once a set, for both bars, and its folders are kept under ``$TEXTAXA_RUNS/optimised``. Then each
folder answers the test rows once: path accuracy against the given model with a paired bootstrap. Texts per second are
those of `node_proba`, in turn with the given model by PyTorch and the transformers pipeline (unsorted, batches of 32),
medians. Results: optimise.jsonl, optimise.md and optimise.svg in results/.
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

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from _models import RESULTS, RUNS, fine_tuned, reduced  # noqa: E402

SETS = ("trec", "open-apps", "hwu64", "naics2017", "amazon3", "arxiv")
BARS = (0.3, 1.0)
FOLDERS = RUNS / "optimised"
NAIVE_BATCH, MAX_LENGTH = 32, 256
PIPELINE, GIVEN = "transformers pipeline", "given"
PIPELINE_SECONDS = 5.0
"""So many texts are timed as the pipeline answers in this time, between these."""
FEWEST_TEXTS, MOST_TEXTS = 128, 512
SHORTEST = 0.25
"""Seconds: what is faster is called again until it took so long."""


def main() -> None:
    options = _options()
    for name in options.sets:
        if not options.timing_only:
            search_once(name, options)
            score_once(name, options)
        if options.no_timing:
            continue
        found = timed(name, options)
        print(name, json.dumps(found), flush=True)
        if not options.dry:
            _keep(name, "timing", found)
    if not options.dry and (RESULTS / "optimise.jsonl").is_file():
        write_results()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--seconds", type=float, default=30.0, help="for teaching one network")
    parser.add_argument("--candidates", default="", help="with commas; all where nothing is said")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--timing-only", action="store_true", help="search and score nothing")
    parser.add_argument("--no-timing", action="store_true", help="search and score only")
    parser.add_argument("--dry", action="store_true", help="a small search in another folder; nothing is kept")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by PyTorch and by textaxa.runtime when they start
    options.folders = Path(tempfile.mkdtemp(prefix="optimised-")) if options.dry else FOLDERS
    return options


def search_once(name: str, options: argparse.Namespace) -> None:
    """Search a set where that was not done, and save a model folder for every bar."""
    from textaxa.optimising import QUICK, STANDARD, Bar, Search, save_candidate

    place = options.folders / name
    if (place / "search.json").is_file():
        return
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="optimise-") as scratch:
        material, proving = _material(name, Path(scratch), options)
        kinds = tuple(filter(None, options.candidates.split(","))) or (QUICK if options.dry else STANDARD)
        search = Search(material, proving, kinds=kinds, max_loss=min(BARS))
        found: dict[str, Any] = {}
        for max_loss in BARS:
            bar = Bar(max_loss)
            points, candidate = search.points(bar, rounds=2)
            chosen = next(point for point in points if point.chosen)
            if candidate.kind != "given":
                rows = {"choosing_rows": len(material.choosing), "proving_rows": len(proving)}
                told = {"metric": "path accuracy", **rows, **bar.told(), **chosen.told()}
                save_candidate(candidate, place / f"{max_loss:g}", told, scratch=Path(scratch))
            found[f"{max_loss:g}"] = [dict(vars(point)) for point in points]
            print(name, max_loss, chosen.name, f"{chosen.loss:.2f}", f"{chosen.times:.1f}", flush=True)
    place.mkdir(parents=True, exist_ok=True)
    rows = {"fitting": len(material.fitting), "choosing": len(material.choosing), "proving": len(proving)}
    told = {"rows": rows, "seconds": time.monotonic() - began, "points": found}
    (place / "search.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _material(name: str, scratch: Path, options: argparse.Namespace) -> tuple[Any, Any]:
    """Give what a search reads: never a test row."""
    from textaxa.optimising import Material, Rows
    from textaxa.persistence import load_model

    data = reduced(name)
    valid = Rows(list(data.valid[0]), list(data.valid[1]))
    order = np.random.default_rng(0).permutation(len(valid))
    choosing, proving = (valid.taken(np.sort(part)) for part in np.array_split(order, 2))
    fitting = Rows(list(data.train[0]), list(data.train[1]))
    tell = lambda what: print(f"  {name}: {what}", flush=True)  # noqa: E731
    model = load_model(fine_tuned(name))
    return Material(model, fitting, choosing, [], scratch, options.seconds, 0, tell), proving


def score_once(name: str, options: argparse.Namespace) -> None:
    """Let the given model and the chosen ones answer the test rows, once."""
    from textaxa.optimising._measure import measure

    place = options.folders / name
    if (place / "test.json").is_file():
        return
    data = reduced(name)
    rows = _rows(data.test)
    models = _models(place, name)
    scores = {way: measure(model, rows).score for way, model in models.items()}
    found = {way: _compared(scores[GIVEN], score) for way, score in scores.items()}
    for way, model in models.items():
        if hasattr(model, "ways"):
            found[way]["cheap_share"] = model.ways.share
    (place / "test.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(name, json.dumps(found), flush=True)
    if not options.dry:
        _keep(name, "test", found)


def _rows(part: Any) -> Any:
    from textaxa.optimising import Rows

    return Rows(list(part[0]), list(part[1]))


def _models(place: Path, name: str) -> dict[str, Any]:
    """Give the given model by PyTorch, and what was saved for every bar, as `textaxa predict` would read it."""
    from textaxa.persistence import load_model

    saved = {f"{bar:g}": place / f"{bar:g}" for bar in BARS}
    there = {bar: load_model(folder, runtime="auto") for bar, folder in saved.items() if folder.is_dir()}
    return {GIVEN: load_model(fine_tuned(name)), **there}


def _compared(before: np.ndarray, after: np.ndarray) -> dict[str, Any]:
    """Give accuracy, points lost, and their interval from a paired bootstrap."""
    draws = np.random.default_rng(0).integers(len(before), size=(4000, len(before)))
    lost = 100 * (before - after)
    low, high = np.quantile(lost[draws].mean(axis=1), [0.025, 0.975])
    return {"rows": len(before), "accuracy": after.mean(), "lost": lost.mean(), "interval": [low, high]}


def timed(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time the pipeline, the given model and the chosen ones in turn on texts of the test rows."""
    from _machine import describe

    place = options.folders / name
    naive = _pipeline(len(set(reduced(name).paths)))
    ways: dict[str, Callable[[Sequence[str]], object]] = {PIPELINE: naive}
    ways |= {way: model.node_proba for way, model in _models(place, name).items()}
    texts = _texts(name, naive)
    times: dict[str, list[float]] = {way: [] for way in ways}
    for way in ways.values():
        way(texts[:NAIVE_BATCH])
    for _ in range(options.rounds):
        for way, call in ways.items():
            times[way].append(_seconds(call, texts))
    rates = {way: len(texts) / statistics.median(found) for way, found in times.items()}
    ratios = {
        way: statistics.median(slow / fast for slow, fast in zip(times[PIPELINE], found, strict=True))
        for way, found in times.items()
    }
    about = {"texts": len(texts), "threads": options.threads, "machine": describe()}
    return {"rates": rates, "times_pipeline": ratios, "seconds": times, **about}


def _texts(name: str, naive: Callable[[Sequence[str]], object]) -> list[str]:
    """Draw as many texts as the pipeline answers in a few seconds."""
    texts = list(reduced(name).test[0])
    texts = random.Random(0).sample(texts, min(MOST_TEXTS, len(texts)))  # noqa: S311
    naive(texts[:NAIVE_BATCH])
    rate = NAIVE_BATCH / _seconds(naive, texts[:NAIVE_BATCH])
    return texts[: max(FEWEST_TEXTS, round(rate * PIPELINE_SECONDS))]


def _seconds(call: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """Give the seconds of one call; short ones are called again and averaged."""
    began, calls = time.perf_counter(), 0
    while calls == 0 or time.perf_counter() - began < SHORTEST:
        call(texts)
        calls += 1
    return (time.perf_counter() - began) / calls


def _pipeline(n_classes: int) -> Callable[[Sequence[str]], object]:
    """Give what most people run: a classifier of transformers, texts as they come, 32 at a time."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    from textaxa.encoders import packaged_minilm

    folder = packaged_minilm()
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=n_classes)
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder), device=-1)
    how = {"batch_size": NAIVE_BATCH, "truncation": True, "max_length": MAX_LENGTH, "top_k": None}
    return lambda texts: classify(list(texts), **how)


def _keep(name: str, what: str, found: dict[str, Any]) -> None:
    with (RESULTS / "optimise.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"set": name, "what": what, **found}) + "\n")


def write_results() -> None:
    """Write the last measurement of every set as Markdown, and the picture."""
    from _optimise_table import table

    lines = (RESULTS / "optimise.jsonl").read_text(encoding="utf-8").splitlines()
    last: dict[tuple[str, str], dict[str, Any]] = {}
    for one in map(json.loads, lines):
        last[one["set"], one["what"]] = one
    searches = {path.parent.name: json.loads(path.read_text()) for path in sorted(FOLDERS.glob("*/search.json"))}
    table(last, searches, BARS, RESULTS)


if __name__ == "__main__":
    main()
