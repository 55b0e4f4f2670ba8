"""Training: texts a second beside a plain Trainer script, and whether the accuracy is the same.

    python benchmarks/speed/training.py                       # speed, open-apps and arxiv; some 6 minutes on two cores
    python benchmarks/speed/training.py speed open-apps --texts 64 --rounds 1 --dry
    python benchmarks/speed/training.py accuracy --minutes 4  # goes on where it was stopped; every run is kept
    python benchmarks/speed/training.py table                 # writes results/training_speed.md anew

Speed: every way trains one epoch (`balanced` 5, the head alone 30, as their recipes have) on the same texts with the
Trainer of transformers; the ways take turns, round by round; medians over rounds. Tokenising, checkpoints and
validation are left out everywhere. The plain script is AutoModelForSequenceClassification with
DataCollatorWithPadding, batches of 32 in random order, everything else as transformers has it; and the same with
bf16=True. What ours does once is told apart: the states of the lower layers (`balanced`), the vectors of all texts
(`fast`), the feature scale. The whole recipe is that and 3 epochs, 5 of `balanced`, 30 of the head alone.

Accuracy: the share of test texts whose whole path is right. The plain script gets the encoder's learning rate of ours,
its warm-up and its epochs; it has one rate for encoder and head, and keeps its last epoch. Ours keeps the epoch that is
best on validation rows. Rate and epochs of `balanced` were chosen on
validation rows of trec and hwu64; that it trains two layers was not.
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

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import numpy as np  # noqa: E402 - after the path, as the neighbours

RESULTS = HERE.parent / "results"
SPEED, ACCURACY = RESULTS / "training_speed.jsonl", RESULTS / "training_accuracy.jsonl"
PLAIN, PLAIN_BF16 = "plain Trainer script", "plain Trainer script, bf16=True"
FULL, BALANCED, FROZEN = "textaxa best (all layers)", "textaxa balanced", "textaxa fast (frozen)"
MAX_LENGTH, BATCH, EPOCHS = 256, 32, 3
TOP_EPOCHS, HEAD_EPOCHS = 5, 30
SETS = ("open-apps", "arxiv")
TESTED_SETS = ("trec", "open-apps", "hwu64", "amazon3")
MOST_TRAIN, MOST_VALID, MOST_TEST, SEEDS = 2000, 500, 1000, 3
WAYS = {"plain": None, "best": None, "balanced": 2, "top 1": 1, "top 3": 3}
"""What accuracy is measured of, with the number of layers that are trained; None for all."""


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    if options.what == "speed":
        for name in options.sets or SETS:
            one = measure(name, options)
            print(json.dumps(one), flush=True)
            if not options.dry:
                _add(SPEED, one)
    elif options.what == "accuracy":
        measure_accuracy(options)
    if not options.dry:
        write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="speed", choices=("speed", "accuracy", "table"))
    parser.add_argument("sets", nargs="*", help=f"data sets; speed: {SETS}, accuracy: {TESTED_SETS}")
    parser.add_argument("--texts", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--ways", default="plain,best,balanced", help=f"of {', '.join(WAYS)}")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--minutes", type=float, default=1e9, help="no run of accuracy is begun after so many")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def _add(file: Path, one: dict[str, Any]) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(one) + "\n")


# Speed ---------------------------------------------------------------------------------------------------------------


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time an epoch of every way on texts of one data set."""
    from _corpora import load
    from _machine import describe

    data = load(name).train
    chosen = random.Random(0).sample(range(len(data[0])), min(options.texts, len(data[0])))  # noqa: S311
    rows = [data[0][i] for i in chosen], [data[1][i] for i in chosen]
    with tempfile.TemporaryDirectory() as scratch:
        ways, lengths = _ways(rows, Path(scratch))
        seconds = _in_turn(ways, options.rounds)
    n = len(chosen)
    plain = _whole(PLAIN, seconds)
    found = {
        way: {
            "texts_per_second": n / statistics.median(one["epoch"]),
            "seconds_before": statistics.median(one["before"]),
            "whole_recipe_per_1000": 1000 * _whole(way, seconds) / n,
            "times_plain": statistics.median(seconds[PLAIN]["epoch"]) / statistics.median(one["epoch"]),
            "times_plain_whole": plain / _whole(way, seconds),
            "rounds": one,
        }
        for way, one in seconds.items()
    }
    about = {"texts": n, "tokens": statistics.mean(lengths), "threads": options.threads, "rounds": options.rounds}
    return {"set": name, **about, "ways": found, "machine": describe()}


def _whole(way: str, seconds: dict[str, dict[str, list[float]]]) -> float:
    epochs = {FROZEN: HEAD_EPOCHS, BALANCED: TOP_EPOCHS}.get(way, EPOCHS)
    return statistics.median(seconds[way]["before"]) + epochs * statistics.median(seconds[way]["epoch"])


def _in_turn(ways: dict[str, Callable[[], tuple[float, float]]], rounds: int) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {way: {"before": [], "epoch": []} for way in ways}
    for turn in range(rounds):
        for name, way in ways.items():
            before, epoch = way()
            found[name]["before"].append(before)
            found[name]["epoch"].append(epoch)
            print(f"round {turn + 1} {name}: {before:.2f} + {epoch:.2f} s", file=sys.stderr, flush=True)
    return found


def _ways(rows: tuple, scratch: Path) -> tuple[dict[str, Callable[[], tuple[float, float]]], list[int]]:
    """Give every way as a function that trains an epoch; it gives the seconds before it, and of it."""
    ours = {FULL: {"preset": "best"}, BALANCED: {"preset": "balanced"}, FROZEN: {"preset": "fast"}}
    ways: dict[str, Callable[[], tuple[float, float]]] = {
        PLAIN: plain_way(rows, scratch, bf16=False),
        PLAIN_BF16: plain_way(rows, scratch, bf16=True),
    }
    lengths: list[int] = []
    for way, preset in ours.items():
        ways[way], lengths = our_way(rows, scratch, preset)
    return ways, lengths


def plain_way(rows: tuple, scratch: Path, *, bf16: bool) -> Callable[[], tuple[float, float]]:
    trainer_of = plain_trainer(rows, scratch, bf16=bf16, num_train_epochs=1)

    def train() -> tuple[float, float]:
        trainer = trainer_of()
        began = time.perf_counter()
        trainer.train()
        return 0.0, time.perf_counter() - began

    return train


def plain_trainer(rows: tuple, scratch: Path, **how: Any) -> Callable[[], Any]:
    """Give what makes the Trainer that most people write."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainingArguments,
    )

    from textaxa.encoders import packaged_minilm

    texts, labels = rows
    classes = sorted({paths[0] for paths in labels})
    tokenizer = AutoTokenizer.from_pretrained(packaged_minilm())
    encoded = tokenizer(list(texts), truncation=True, max_length=MAX_LENGTH)["input_ids"]
    numbers = [classes.index(paths[0]) for paths in labels]
    table = [{"input_ids": ids, "labels": number} for ids, number in zip(encoded, numbers, strict=True)]

    def make() -> Any:
        model = AutoModelForSequenceClassification.from_pretrained(packaged_minilm(), num_labels=len(classes))
        model.config.id2label = dict(enumerate(" > ".join(path) for path in classes))
        quiet = {"save_strategy": "no", "report_to": "none", "disable_tqdm": True, "use_cpu": True}
        arguments = TrainingArguments(
            output_dir=str(scratch / "plain"), per_device_train_batch_size=BATCH, **quiet, **how
        )
        collate = DataCollatorWithPadding(tokenizer)
        trainer = Trainer(model=model, args=arguments, train_dataset=table, data_collator=collate)
        trainer.remove_callback(PrinterCallback)
        trainer.classes = classes
        return trainer

    return make


def our_way(rows: tuple, scratch: Path, preset: dict[str, Any]) -> tuple[Callable[[], tuple[float, float]], list[int]]:
    """Give our training as it is, without the checkpoints that the plain script does not write either."""
    from textaxa.encoders import length_of, load_encoder
    from textaxa.heads import head_settings
    from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training._rows import Targets
    from textaxa.training._train import _Rows, _Run
    from textaxa.training._trainer import HierarchyTrainer

    # A short epoch is timed among as many as its recipe has: the Trainer's start would outweigh one.
    epochs = {"fast": HEAD_EPOCHS, "balanced": TOP_EPOCHS}.get(preset["preset"], 1)
    HierarchyTrainer._save_checkpoint = lambda *_, **__: None
    texts, labels = rows
    taxonomy = Taxonomy.from_paths([paths[0] for paths in labels], sort=True)
    settings = ModelSettings(
        "single",
        "chained",
        head_settings("chained")(),
        EncoderSettings(max_length=MAX_LENGTH),
        TrainingSettings(epochs=epochs, device="cpu", **preset),
    )
    targets = Targets(taxonomy, labels, "single")

    def train() -> tuple[float, float]:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            run = _Run(settings, taxonomy, Path(folder), None)
            encoder = run._encoder()
            ours = _Rows(texts, (), encoder)
            recipe = run._settle_settings(encoder, None)
            model = run._model(encoder, recipe, targets)
            del ours.pieces[len(texts) :]  # asked for here, so that tokenising is not timed
            began = time.perf_counter()
            kept = run._kept(model, recipe, ours)
            collate, lengths = run._batches(model, recipe, ours, targets, kept)
            before = time.perf_counter() - began
            began = time.perf_counter()
            run._fit(model, recipe, collate, lengths, None, validate=None, checkpoint=None)
            epoch = (time.perf_counter() - began) / epochs
            if kept is not None:
                kept.remove()
        return before, epoch

    return train, [length_of(pieces) for pieces in load_encoder(settings.encoder).tokenise(texts)]


# Accuracy ------------------------------------------------------------------------------------------------------------


def measure_accuracy(options: argparse.Namespace) -> None:
    """Train what was not trained yet, seed by seed, and keep each result."""
    began = time.monotonic()
    done = {(one["set"], one["way"], one["seed"]) for one in _read(ACCURACY)}
    ways = options.ways.split(",")
    for seed in range(options.seeds):
        for name in options.sets or TESTED_SETS:
            for way in ways:
                if (name, way, seed) in done:
                    continue
                if time.monotonic() - began > 60 * options.minutes:
                    print("time is over; the same command goes on from here", flush=True)
                    return
                one = _trained(name, way, seed)
                print(name, way, seed, {key: one[key] for key in ("seconds", "valid", "test")}, flush=True)
                if not options.dry:
                    _add(ACCURACY, one)


def _trained(name: str, way: str, seed: int) -> dict[str, Any]:
    from _corpora import load
    from _machine import describe
    from _models import sample

    split = load(name)
    train, valid = sample(split.train, MOST_TRAIN), sample(split.valid, MOST_VALID)
    test = sample(split.test, MOST_TEST)
    began = time.monotonic()
    give = _plain_answers if way == "plain" else _our_answers
    answers, seconds = give(train, valid, test, way, seed)
    right = [
        "".join(str(int(tuple(path) == tuple(paths[0]))) for path, paths in zip(found, labels, strict=True))
        for found, labels in zip(answers, (valid[1], test[1]), strict=True)
    ]
    shares = {part: 100 * hits.count("1") / len(hits) for part, hits in zip(("valid", "test"), right, strict=True)}
    about = {"set": name, "way": way, "seed": seed, "rows": len(train[0]), **shares, "hits": right[1]}
    return about | {"seconds": round(seconds, 1), "all": round(time.monotonic() - began, 1), "machine": describe()}


def _plain_answers(train: tuple, valid: tuple, test: tuple, way: str, seed: int) -> tuple[list[list], float]:
    import torch

    del way
    bf16 = bool(getattr(torch.cpu, "get_capabilities", dict)().get("amx_bf16"))
    how = {"learning_rate": 1e-4, "warmup_ratio": 0.1, "weight_decay": 0.01, "num_train_epochs": EPOCHS, "seed": seed}
    steps = EPOCHS * -(-len(train[0]) // BATCH)
    how["warmup_steps"] = round(how.pop("warmup_ratio") * steps)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = plain_trainer(train, Path(scratch), bf16=bf16, **how)()
        began = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - began
    return [_plain_predictions(trainer, part[0]) for part in (valid, test)], seconds


def _plain_predictions(trainer: Any, texts: Sequence[str]) -> list[tuple[str, ...]]:
    import torch

    tokenizer, model = trainer.data_collator.tokenizer, trainer.model.eval()
    order = sorted(range(len(texts)), key=lambda row: len(texts[row]))
    found: list[Any] = [None] * len(texts)
    for start in range(0, len(order), BATCH):
        some = order[start : start + BATCH]
        how = {"truncation": True, "max_length": MAX_LENGTH, "padding": True, "return_tensors": "pt"}
        with torch.inference_mode():
            best = model(**tokenizer([texts[row] for row in some], **how)).logits.argmax(1)
        for row, number in zip(some, best.tolist(), strict=True):
            found[row] = trainer.classes[number]
    return found


def _our_answers(train: tuple, valid: tuple, test: tuple, way: str, seed: int) -> tuple[list[list], float]:
    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training import train_model

    taxonomy = Taxonomy.from_paths([paths[0] for part in (train, valid, test) for paths in part[1]], sort=True)
    began = time.monotonic()
    model = train_model(
        *train,
        taxonomy,
        encoder=EncoderSettings(max_length=MAX_LENGTH, trainable_layers=WAYS[way]),
        training=TrainingSettings(seed=seed, device="cpu", calibration="none", promise_share=0),
        valid=valid,
    )
    seconds = time.monotonic() - began
    return [[row[0].path for row in model.predict(part[0])] for part in (valid, test)], seconds


# Tables --------------------------------------------------------------------------------------------------------------


def _read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.is_file() else []


def write_table() -> None:
    """Write what was measured last as Markdown."""
    text = ["# Training beside a plain Trainer script", "", "Made by `python benchmarks/speed/training.py`; what is"]
    text[-1] += " timed, and how, stands at the head of that file. Medians; the ways took turns."
    for one in {one["set"]: one for one in _read(SPEED)}.values():
        text += _speed_lines(one)
    runs = _read(ACCURACY)
    if runs:
        text += _accuracy_lines(runs)
    (RESULTS / "training_speed.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _speed_lines(one: dict[str, Any]) -> list[str]:
    lines = ["", f"## Speed: {one['set']}", "", one["machine"], ""]
    lines += [f"{one['texts']} texts of {one['tokens']:.0f} tokens on average, {one['threads']} threads.", ""]
    lines += ["| | texts a second in an epoch | × plain | seconds before | whole recipe, s per 1,000 texts | × plain |"]
    lines += ["| --- | --: | --: | --: | --: | --: |"]
    for way, row in one["ways"].items():
        lines.append(
            f"| {way} | {row['texts_per_second']:.0f} | {row['times_plain']:.2f} | {row['seconds_before']:.1f} | "
            f"{row['whole_recipe_per_1000']:.1f} | {row['times_plain_whole']:.2f} |"
        )
    return lines


def _accuracy_lines(runs: list[dict[str, Any]]) -> list[str]:
    from _tables import gap, mean_and_deviation

    lines = ["", "## Accuracy", "", runs[-1]["machine"], ""]
    lines += [
        f"At most {MOST_TRAIN} training rows; paths of test texts that are right, %, mean and deviation over seeds,"
    ]
    lines += ["and the difference with its 95 % interval over texts and seeds.", ""]
    lines += ["| data | seeds | plain | best | best − plain | balanced | balanced − best |"]
    lines += ["| --- | --: | --: | --: | --: | --: | --: |"]
    for name in dict.fromkeys(one["set"] for one in runs):
        hits = {way: _hits(runs, name, way) for way in ("plain", "best", "balanced")}
        if any(one is None for one in hits.values()):
            continue
        plain, best, balanced = (hits[way] for way in ("plain", "best", "balanced"))
        shown = [mean_and_deviation(one) for one in (plain, best, balanced)]
        lines.append(
            f"| {name} | {len(best)} | {shown[0]} | {shown[1]} | {gap(best, plain)} | {shown[2]} | "
            f"{gap(balanced, best)} |"
        )
    return lines + _valid_lines(runs)


def _valid_lines(runs: list[dict[str, Any]]) -> list[str]:
    ways = ["top 1", "balanced", "top 3", "best"]
    lines = ["", "Validation rows, by the number of top layers that are trained:", "", "| data | 1 | 2 | 3 | all 6 |"]
    lines += ["| --- | --: | --: | --: | --: |"]
    for name in dict.fromkeys(one["set"] for one in runs):
        means = []
        for way in ways:
            found = [one["valid"] for one in runs if (one["set"], one["way"]) == (name, way)]
            means.append(f"{statistics.mean(found):.1f} ({len(found)})" if found else "")
        if means[0] or means[2]:
            lines.append(f"| {name} | {' | '.join(means)} |")
    return [*lines, "", "In brackets: how many seeds."] if len(lines) > 5 else []


def _hits(runs: list[dict[str, Any]], name: str, way: str) -> np.ndarray | None:
    found = {one["seed"]: one["hits"] for one in runs if (one["set"], one["way"]) == (name, way)}
    return np.array([[int(hit) for hit in found[seed]] for seed in sorted(found)]) if found else None


if __name__ == "__main__":
    main()
