"""How accurate is `chained`, against a plain flat classifier with the same encoder and budget, and against TF-IDF?

Three systems, trained on the same rows, their epoch chosen on the same validation rows, scored on the same test rows:

- ``chained``: textaxa's reference model with its defaults;
- ``flat``: ``AutoModelForSequenceClassification`` on the full path as one class, on the Hugging Face Trainer, with the
  rate that did best for it on validation rows; its major is the major of its path;
- ``tfidf``: word 1-2-grams and logistic regression on the full path.

Encoder, epochs, batch size, length limit, trainable layers and precision are the same for the first two.

    python benchmarks/bench_accuracy.py run open-apps trec hwu64    # appends one line a run; done ones are skipped
    python benchmarks/bench_accuracy.py report                      # writes results/accuracy.md
    python benchmarks/bench_accuracy.py rates open-apps             # validation rows only: how the rates were chosen
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from _corpora import Split, load
from _machine import describe
from _tables import gap, hits, mean_and_deviation

RESULTS = Path(__file__).parent / "results"
RUNS = RESULTS / "accuracy.jsonl"
SEEDS = (0, 1, 2)
BUDGETS = {
    "open-apps": {"epochs": 3, "max_length": 128, "trainable_layers": None},
    "trec": {"epochs": 3, "max_length": 64, "trainable_layers": None},
    "hwu64": {"epochs": 2, "max_length": 64, "trainable_layers": None},
    "appstore_tokens": {"epochs": 1, "max_length": 64, "trainable_layers": 2},
}
"""What both neural systems may spend."""

FLAT_RATE = 5e-4
"""The best of 5e-5, 1e-4, 2e-4 and 5e-4 on the validation rows of open-apps (.35, .42, .49 and .54 after three to four
epochs); 1e-3 was behind it after two. MiniLM's pooler gives small outputs: probably why so large a rate is best."""


def chained(data: Split, seed: int, **overrides: float) -> tuple[list, list]:
    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training import train_model

    budget = BUDGETS[data.name]
    model = train_model(
        *data.train,
        Taxonomy.from_paths(data.train[1][i][0] for i in range(len(data.train[0]))),
        encoder=EncoderSettings(max_length=budget["max_length"], trainable_layers=budget["trainable_layers"]),
        training=TrainingSettings(epochs=budget["epochs"], seed=seed, calibration="none", promise_share=0, **overrides),
        valid=_known(data.valid, data.train),
    )
    return [[row[0].path for row in model.predict(part[0])] for part in (data.valid, data.test)]


def flat(data: Split, seed: int, rate: float = FLAT_RATE) -> tuple[list, list]:
    import torch
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from textaxa.encoders import packaged_minilm

    budget = BUDGETS[data.name]
    classes = sorted({labels[0] for labels in data.train[1]})
    number = {path: i for i, path in enumerate(classes)}
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(packaged_minilm())
    model = AutoModelForSequenceClassification.from_pretrained(packaged_minilm(), num_labels=len(classes))
    if budget["trainable_layers"] is not None:
        model.bert.embeddings.requires_grad_(False)
        for layer in model.bert.encoder.layer[: -budget["trainable_layers"]]:
            layer.requires_grad_(False)

    def rows(part: tuple[list, list]) -> list[dict]:
        encoded = tokenizer(part[0], truncation=True, max_length=budget["max_length"])["input_ids"]
        return [
            {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": number.get(labels[0], 0)}
            for ids, labels in zip(encoded, part[1], strict=True)
        ]

    known = _known(data.valid, data.train)
    on_amx = torch.cpu.get_capabilities().get("amx_bf16", False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=folder,
                num_train_epochs=budget["epochs"],
                per_device_train_batch_size=32,
                per_device_eval_batch_size=128,
                train_sampling_strategy="group_by_length",
                learning_rate=rate,
                weight_decay=0.01,
                warmup_steps=0.1,
                seed=seed,
                bf16=torch.cuda.is_available() or on_amx,
                use_cpu=not torch.cuda.is_available(),
                dataloader_pin_memory=False,
                eval_strategy="epoch",
                save_strategy="epoch",
                save_total_limit=1,
                load_best_model_at_end=True,
                metric_for_best_model="accuracy",
                disable_tqdm=True,
                report_to="none",
            ),
            train_dataset=rows(data.train),
            eval_dataset=rows(known),
            data_collator=DataCollatorWithPadding(tokenizer),
            processing_class=tokenizer,
            compute_metrics=lambda p: {"accuracy": float((p.predictions.argmax(1) == p.label_ids).mean())},
        )
        trainer.train()
        trainer.args.train_sampling_strategy = "sequential"  # else predictions come back in the order of the lengths
        found = [trainer.predict(rows(part)).predictions.argmax(1) for part in (data.valid, data.test)]
    return [[classes[i] for i in part] for part in found]


def tfidf(data: Split, seed: int) -> tuple[list, list]:
    from textaxa.evaluation import TfidfReference

    reference = TfidfReference(*data.train, seed=seed)
    return [[row[0] for row in reference.predict(part[0])] for part in (data.valid, data.test)]


SYSTEMS = {"chained": chained, "flat": flat, "tfidf": tfidf}


def _known(part: tuple[list, list], train: tuple[list, list]) -> tuple[list, list]:
    """Leave out rows whose path no training row has: no system can get them right, and they choose no epoch."""
    seen = set(train[1])
    kept = [i for i, labels in enumerate(part[1]) if labels in seen]
    return [part[0][i] for i in kept], [part[1][i] for i in kept]


def run(names: list[str], systems: list[str]) -> None:
    """Train and score what is not in the results yet, one line a run. Systems take turns within a seed."""
    done = {(r["data"], r["system"], r["seed"]) for r in _runs()}
    for name in names:
        try:
            data = load(name)
        except FileNotFoundError as error:
            print(f"skipped {name}: {error}")
            continue
        for seed in SEEDS:
            for system in systems:
                if (name, system, seed) in done or (system == "tfidf" and seed):
                    continue
                began = time.monotonic()
                _, test = SYSTEMS[system](data, seed)
                line = {"data": name, "system": system, "seed": seed, "seconds": round(time.monotonic() - began, 1)}
                line |= {"rows": [len(part[0]) for part in (data.train, data.valid, data.test)]}
                line |= {"budget": BUDGETS[name] if system != "tfidf" else None, "machine": describe()}
                right = hits(test, data.test[1])
                with RUNS.open("a", encoding="utf-8") as file:
                    packed = {key: "".join(map(str, value)) for key, value in right.items()}
                    file.write(json.dumps(line | packed) + "\n")
                shares = {key: round(float(np.mean(value)), 4) for key, value in right.items()}
                print(name, system, seed, shares, line["seconds"], "s", flush=True)


def rates(names: list[str]) -> None:
    """Compare learning rates on validation rows; the test rows are not looked at."""
    for name in names:
        data = load(name)
        for system, options in (
            ("flat", [{"rate": r} for r in (5e-5, 1e-4, 2e-4, 5e-4, 1e-3)]),
            ("chained", [{"encoder_rate": e, "head_rate": h} for e in (5e-5, 1e-4, 2e-4) for h in (1e-3, 3e-3)]),
        ):
            for option in options:
                began = time.monotonic()
                valid, _ = SYSTEMS[system](data, 0, **option)
                right = {key: round(float(np.mean(value)), 4) for key, value in hits(valid, data.valid[1]).items()}
                print(name, system, option, right, round(time.monotonic() - began), "s", flush=True)


def _runs() -> list[dict]:
    return [json.loads(line) for line in RUNS.read_text(encoding="utf-8").splitlines()] if RUNS.is_file() else []


def report() -> None:
    """Write the table: mean over seeds, and the 95 % bootstrap interval of the difference to `chained`."""
    runs = defaultdict(dict)
    for r in _runs():
        runs[r["data"], r["system"]][r["seed"]] = r
    lines = ["# Accuracy", "", __doc__.split("\n\n", maxsplit=1)[0], ""]
    lines += [f"Written by `benchmarks/bench_accuracy.py report`. {describe()}", ""]
    lines += ["Mean over seeds in %, ± standard deviation over seeds; below each rival, `chained` minus it with the"]
    lines += ["95 % interval of a bootstrap over test texts and seeds. Test rows were scored once, with settings"]
    lines += ["chosen on validation rows.", ""]
    lines += ["| data | system | seeds | major | path | seconds a run |", "| --- | --- | --: | --: | --: | --: |"]
    for name in BUDGETS:
        ours = runs.get((name, "chained"), {})
        for system in SYSTEMS:
            found = runs.get((name, system), {})
            if not found:
                continue
            cells = [mean_and_deviation(_marks(found, key)) for key in ("major", "path")]
            seconds = np.median([r["seconds"] for r in found.values()])
            lines.append(f"| {name} | {system} | {len(found)} | {cells[0]} | {cells[1]} | {seconds:.0f} |")
            if system != "chained" and ours:
                gaps = [gap(_marks(ours, key), _marks(found, key)) for key in ("major", "path")]
                lines.append(f"| | `chained` − {system} | | {gaps[0]} | {gaps[1]} | |")
    lines += ["", "| data | training / validation / test rows | epochs | max_length | trainable layers |"]
    lines += ["| --- | --- | --: | --: | --: |"]
    for name, budget in BUDGETS.items():
        if (name, "chained") in runs:
            rows = " / ".join(f"{n:,}" for n in next(iter(runs[name, "chained"].values()))["rows"])
            layers = budget["trainable_layers"] or "all"
            lines.append(f"| {name} | {rows} | {budget['epochs']} | {budget['max_length']} | {layers} |")
    (RESULTS / "accuracy.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def _marks(found: dict[int, dict], key: str) -> np.ndarray:
    return np.array([[int(c) for c in run[key]] for _, run in sorted(found.items())])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "rates", "report", "all"], nargs="?", default="all")
    parser.add_argument("data", nargs="*")
    parser.add_argument("--systems", default="chained,flat,tfidf")
    given = parser.parse_args()
    if given.what == "rates":
        rates(given.data or ["open-apps", "trec"])
    if given.what in ("run", "all"):
        run(given.data or list(BUDGETS), given.systems.split(","))
    if given.what in ("report", "all"):
        report()
