"""Training in several processes of one thread each: texts a second beside one such process, and the scores of both.

    python benchmarks/distributed/training.py          # some 5 minutes on two cores
    python benchmarks/distributed/training.py --dry    # the same on few texts, writes nothing

The ways take turns, round by round; medians over rounds. All fine-tune MiniLM on the same texts with the same batches:
a batch of 32 is divided, so two processes take the same steps as one. Texts a second are counted from the second
step of an epoch to its last, validation and checkpoints left out; start-up is told apart. Every process has one thread,
so that two processes have two cores and one has one. The scores are those of the validation rows after the last epoch.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

RESULTS = HERE.parent / "results"
FILE, PAGE = RESULTS / "distributed_training.jsonl", RESULTS / "distributed_training.md"
BATCH, MAX_LENGTH = 32, 128
WANTED = 1.7


def main() -> None:
    options = _options()
    if options.worker:
        work(options)
        return
    found = measure(options)
    print(json.dumps(found))
    if not options.dry:
        with FILE.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(found) + "\n")
        write_page(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=640)
    parser.add_argument("--valid", type=int, default=320)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--set", default="open-apps")
    parser.add_argument("--dry", action="store_true", help="few texts, one round, nothing is written")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.dry:
        options.texts, options.valid, options.epochs, options.rounds = 128, 32, 1, 1
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from _machine import describe

    runs: dict[int, list[dict[str, Any]]] = {n: [] for n in options.processes}
    for turn in range(options.rounds):
        for n, done in runs.items():
            done.append(_run(n, options))
            print(f"round {turn + 1}, {n} processes: {done[-1]}", file=sys.stderr, flush=True)
    ways = {
        str(n): {
            "texts_per_second": statistics.median(one["texts_per_second"] for one in done),
            "seconds": statistics.median(one["seconds"] for one in done),
            "scores": done[-1]["scores"],
            "rounds": done,
        }
        for n, done in runs.items()
    }
    about = {"set": options.set, "texts": options.texts, "valid": options.valid, "epochs": options.epochs}
    return {**about, "batch": BATCH, "max_length": MAX_LENGTH, "ways": ways, "machine": describe()}


def _run(n: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train in a fresh interpreter, or in n of them under torchrun; give what the main one measured."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"] if n > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        numbers = [f"--{name}={getattr(options, name)}" for name in ("texts", "valid", "epochs", "set")]
        command = [sys.executable, *launcher, __file__, f"--worker={told}", *numbers]
        threads = {"OMP_NUM_THREADS": "1", "TORCH_CPP_LOG_LEVEL": "ERROR", "TRANSFORMERS_VERBOSITY": "error"}
        began = time.perf_counter()
        subprocess.run(command, check=True, env=os.environ | threads, stdout=sys.stderr)
        return json.loads(told.read_text(encoding="utf-8")) | {"seconds": time.perf_counter() - began}


def work(options: argparse.Namespace) -> None:
    """Train here, alone or as one of several."""
    import torch
    from _corpora import load

    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.taxonomy import Taxonomy
    from textaxa.training import train_model

    torch.set_num_threads(1)
    texts, labels = (part[: options.texts + options.valid] for part in load(options.set).train)
    watch = Watch()
    model = train_model(
        texts[: options.texts],
        labels[: options.texts],
        Taxonomy.from_paths([paths[0] for paths in labels], sort=True),
        encoder=EncoderSettings(max_length=MAX_LENGTH),
        training=TrainingSettings(epochs=options.epochs, batch_size=BATCH, patience=0, promise_share=0, device="cpu"),
        valid=(texts[options.texts :], labels[options.texts :]),
        listener=watch,
    )
    if os.environ.get("RANK", "0") == "0":
        told = {"texts_per_second": watch.texts_per_second(), "scores": watch.scores, "best": model.summary["best"]}
        Path(options.worker).write_text(json.dumps(told), encoding="utf-8")


class Watch:
    """Listens to training: how long its steps take from the second of an epoch on, and the last validation."""

    def __init__(self) -> None:
        self.before: tuple[int, float] | None = None
        self.steps, self.seconds = 0, 0.0
        self.scores: dict[str, float] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "step":
            now = event["step"], time.perf_counter()
            if self.before is not None:
                self.steps += now[0] - self.before[0]
                self.seconds += now[1] - self.before[1]
            self.before = now
        elif event["event"] == "validation":
            self.before = None
            self.scores = {name: event[name] for name in ("path_accuracy", "hierarchical_f1")}

    def texts_per_second(self) -> float:
        return BATCH * self.steps / self.seconds


def write_page(found: dict[str, Any]) -> None:
    """Write the table that people read."""
    first, *_ = found["ways"].values()
    lines = [
        "# Training in several processes",
        "",
        f"`python benchmarks/distributed/training.py`: {found['texts']} texts of {found['set']}, cut at "
        f"{found['max_length']} tokens, MiniLM fine-tuned for {found['epochs']} epochs in batches of {found['batch']}, "
        "which the processes divide. One thread a process, gloo between them, all on one machine. Medians over "
        f"{len(first['rounds'])} rounds, the ways in turn. Validation: {found['valid']} texts, after the last epoch.",
        "",
        "| processes | texts a second | times one | whole run, start included | path accuracy | hierarchical F1 |",
        "| --: | --: | --: | --: | --: | --: |",
    ]
    for n, way in found["ways"].items():
        times, scores = way["texts_per_second"] / first["texts_per_second"], way["scores"]
        lines.append(
            f"| {n} | {way['texts_per_second']:.1f} | {times:.2f} | {way['seconds']:.0f} s | "
            f"{scores['path_accuracy']:.3f} | {scores['hierarchical_f1']:.3f} |"
        )
    lines += ["", f"Aim: {WANTED} times with two processes, the same scores.", "", found["machine"], ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
