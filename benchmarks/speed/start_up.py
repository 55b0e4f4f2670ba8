"""How long a start takes: fresh processes, from the call to the end, one text.

    python benchmarks/speed/start_up.py
    python benchmarks/speed/start_up.py --rounds 2 --dry

The first adds to results/start_up.jsonl and writes results/start_up.md. The ways take turns, round by round; medians.
Files are in the page cache, and modules are compiled: each way runs once before. So this is the second start of a
program on a machine, not the first after it was switched on. Weights are random: a start does not depend on them.
"""

import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

RESULTS = Path(__file__).parents[1] / "results"
ROUNDS = 9
TEXT = "Online football game: build your club"
AIMS = {"import textaxa": 0.15, "textaxa --help": 0.4, "predict, ONNX Runtime int8": 1.5, "predict, OpenVINO bf16": 1.5}
"""Seconds that we want to stay below."""

TRANSFORMERS = """
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
from textaxa.encoders import packaged_minilm
folder = packaged_minilm()
model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=100)
print(pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(folder))({text!r}))
"""


def main() -> None:
    options = _options()
    if options.prepare:
        _prepare(options.prepare)
        return
    with tempfile.TemporaryDirectory() as scratch:
        # A process of its own: what it has resident would be counted as that of the processes that are started later.
        subprocess.run([sys.executable, __file__, "--prepare", scratch], check=True)
        found = measure(_commands(Path(scratch)), options.rounds)
    print(json.dumps(found))
    if not options.dry:
        with (RESULTS / "start_up.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found) + "\n")
        write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--prepare", type=Path, metavar="DIR", help="only write what is started, into a folder")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def _prepare(scratch: Path) -> None:
    """Write a table of one text, a model folder for each precision, and which ways there are here."""
    from _corpora import load
    from _engines import saved, untrained, ways_here

    with (scratch / "one.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], [TEXT]])
    model, ways = untrained(load("open-apps").paths), ways_here()
    for precision in {precision for precision, _ in ways.values()}:
        saved(model, scratch, precision)
    (scratch / "ways.json").write_text(json.dumps(ways), encoding="utf-8")


def _commands(scratch: Path) -> dict[str, list[str]]:
    """Give every way as a command."""
    ways = json.loads((scratch / "ways.json").read_text(encoding="utf-8"))
    ours = [sys.executable, "-m", "textaxa"]
    one = [str(scratch / "one.csv"), "--quiet", "--text", "text"]
    predict = {
        f"predict, {name}": [*ours, "predict", str(scratch / precision), *one, "--runtime", runtime]
        for name, (precision, runtime) in ways.items()
    }
    return {
        "python": [sys.executable, "-c", "pass"],
        "import textaxa": [sys.executable, "-c", "import textaxa"],
        "import numpy": [sys.executable, "-c", "import numpy"],
        "textaxa --help": [*ours, "--help"],
        **predict,
        "import torch, transformers": [sys.executable, "-c", "import torch, transformers"],
        "transformers pipeline, one text": [sys.executable, "-c", TRANSFORMERS.format(text=TEXT)],
    }


def measure(commands: dict[str, list[str]], rounds: int) -> dict[str, object]:
    """Time the commands in turn."""
    from _machine import describe

    print("compiling modules, filling the page cache", flush=True)
    for command in commands.values():
        _timed(command)
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    memory: dict[str, int] = {}
    for i in range(rounds):
        print(f"round {i + 1} of {rounds}", flush=True)
        for name, command in commands.items():
            elapsed, memory[name] = _timed(command)
            seconds[name].append(elapsed)
    return {"seconds": seconds, "memory_mb": memory, "machine": describe()}


def _timed(command: list[str]) -> tuple[float, int]:
    """Give the seconds of a fresh process on the clock, and the most memory that it had resident, in MB.

    An environment in which Python may not keep compiled modules would be timed compiling them.
    """
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        told = process.stderr.read() if process.stderr else b""
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: {told.decode(errors='replace')}")
    return elapsed, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> int:
    return round(usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3))  # bytes there, kilobytes here


def _rounds(last: dict[str, Any]) -> str:
    rounds = len(last["seconds"]["python"])
    return f"{rounds} rounds" + (" (a trial run: do not rely on the times)" if rounds < ROUNDS else "")


def write_table() -> None:
    """Write the last measurement as Markdown."""
    last = json.loads((RESULTS / "start_up.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    text = [
        "# Start-up",
        "",
        f"Written by `benchmarks/speed/start_up.py`. {last['machine']}",
        "",
        f"Fresh processes from the call to the end, in turn, {_rounds(last)}; files in the page cache, modules "
        "compiled before. `predict` reads a table of one text. Resident: the most that the process had.",
        "",
        "| | seconds, median | fastest | aim | resident |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name, seconds in last["seconds"].items():
        aim = f"< {AIMS[name]:g}" if name in AIMS else ""
        resident = f"{last['memory_mb'][name]} MB"
        text.append(f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {aim} | {resident} |")
    (RESULTS / "start_up.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
