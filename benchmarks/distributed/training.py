"""Training in several processes of one thread each: texts a second beside one such process, and the scores of both.

    python benchmarks/distributed/training.py          # some 4 minutes on two cores
    python benchmarks/distributed/training.py --dry    # the same on few texts, writes nothing

The ways take turns, round by round; medians over rounds. All fine-tune MiniLM on the same texts. A batch is divided
among the processes, so two take the same steps as one, and half as long for the texts in them. Sending gradients and
moving the weights takes as long as ever, whatever the batch, so the gain grows with the batch and with the length of
the texts; `--batches 32 128 --set open-apps` shows it on short ones. Texts a second are counted from the first step of
an epoch to its last, validation and checkpoints left out; start-up is told apart. Every process has one thread, so that
two processes have two cores and one has one.
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
MAX_LENGTH = 256
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
    parser.add_argument("--texts", type=int, default=384)
    parser.add_argument("--valid", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[32])
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--set", default="arxiv")
    parser.add_argument("--dry", action="store_true", help="few texts, one round, nothing is written")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.dry:
        options.texts, options.valid, options.rounds, options.batches = 96, 32, 1, [32]
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    from _machine import describe

    cases = [(batch, n) for batch in options.batches for n in options.processes]
    runs: dict[tuple[int, int], list[dict[str, Any]]] = {case: [] for case in cases}
    for turn in range(options.rounds):
        for (batch, n), done in runs.items():
            done.append(_run(batch, n, options))
            print(f"round {turn + 1}, batches of {batch}, {n} processes: {done[-1]}", file=sys.stderr, flush=True)
    ways = [
        {
            "batch": batch,
            "processes": n,
            "texts_per_second": statistics.median(one["texts_per_second"] for one in done),
            "seconds": statistics.median(one["seconds"] for one in done),
            "scores": done[-1]["scores"],
            "rounds": done,
        }
        for (batch, n), done in runs.items()
    ]
    about = {"set": options.set, "texts": options.texts, "valid": options.valid, "epochs": options.epochs}
    return {**about, "max_length": MAX_LENGTH, "ways": ways, "machine": describe()}


def _run(batch: int, n: int, options: argparse.Namespace) -> dict[str, Any]:
    """Train in a fresh interpreter, or in n of them under torchrun; give what the main one measured."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n}"] if n > 1 else []
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        numbers = [f"--{name}={getattr(options, name)}" for name in ("texts", "valid", "epochs", "set")]
        command = [sys.executable, *launcher, __file__, f"--worker={told}", f"--batch={batch}", *numbers]
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
    watch = Watch(options.batch)
    model = train_model(
        texts[: options.texts],
        labels[: options.texts],
        Taxonomy.from_paths([paths[0] for paths in labels], sort=True),
        encoder=EncoderSettings(max_length=MAX_LENGTH),
        training=TrainingSettings(
            epochs=options.epochs, batch_size=options.batch, patience=0, promise_share=0, device="cpu"
        ),
        valid=(texts[options.texts :], labels[options.texts :]),
        listener=watch,
    )
    if os.environ.get("RANK", "0") == "0":
        told = {"texts_per_second": watch.texts_per_second(), "cpu_seconds_per_step": watch.cpu / watch.steps}
        told |= {"scores": watch.scores, "best": model.summary["best"]}
        Path(options.worker).write_text(json.dumps(told), encoding="utf-8")


class Watch:
    """Listens to training: how long its steps take from the second of an epoch on, and the last validation."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.before: tuple[int, float, float] | None = None
        self.steps, self.seconds, self.cpu = 0, 0.0, 0.0
        self.scores: dict[str, float] = {}

    def __call__(self, event: dict[str, Any]) -> None:
        if event["event"] == "step":
            now = event["step"], time.perf_counter(), time.process_time()
            if self.before is not None:
                self.steps += now[0] - self.before[0]
                self.seconds += now[1] - self.before[1]
                self.cpu += now[2] - self.before[2]
            self.before = now
        elif event["event"] == "validation":
            self.before = None
            self.scores = {name: event[name] for name in ("path_accuracy", "hierarchical_f1")}

    def texts_per_second(self) -> float:
        return self.batch * self.steps / self.seconds


def write_page(found: dict[str, Any]) -> None:
    """Write the table that people read."""
    ways = found["ways"]
    lines = [
        "# Training in several processes",
        "",
        f"`python benchmarks/distributed/training.py`: {found['texts']} texts of {found['set']}, cut at "
        f"{found['max_length']} tokens, MiniLM fine-tuned for {found['epochs']} epochs; the processes divide every "
        "batch. One thread a process, gloo between them, all on one machine. Medians over "
        f"{len(ways[0]['rounds'])} rounds, the ways in turn. Validation: {found['valid']} texts, after the last epoch.",
        "",
        "| batch | processes | texts a second | times one | whole run, start included | path accuracy | hier. F1 |",
        "| --: | --: | --: | --: | --: | --: | --: |",
    ]
    for way in ways:
        one = next(other for other in ways if other["batch"] == way["batch"])
        times, scores = way["texts_per_second"] / one["texts_per_second"], way["scores"]
        lines.append(
            f"| {way['batch']} | {way['processes']} | {way['texts_per_second']:.1f} | {times:.2f} | "
            f"{way['seconds']:.0f} s | {scores['path_accuracy']:.3f} | {scores['hierarchical_f1']:.3f} |"
        )
    lines += ["", f"Aim: {WANTED} times with two processes, the same scores.", "", found["machine"], ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
