"""What the benchmarks of the service share: a served model, texts, servers as processes, offline answers, results."""

import json
import math
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "speed")]

from _machine import describe  # noqa: E402
from _models import RESULTS, RUNS, fine_tuned  # noqa: E402

THREADS = "OMP_NUM_THREADS"


def options(about: str, **more: Any) -> Namespace:
    """Give the options that all scripts have, and more with their defaults: (whole, --dry)."""
    parser = ArgumentParser(description=about)
    parser.add_argument("--set", default="open-apps", help="of benchmarks/_corpora.py; its fine-tuned model is served")
    parser.add_argument("--precision", default="bf16", help="of the export; what computes it is what `auto` chooses")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="that compute")
    parser.add_argument("--dry", action="store_true", help="small, and writes nothing")
    for name, (kind, _, _) in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
    found = parser.parse_args()
    for name, (_, whole, dry) in more.items():
        if getattr(found, name) is None:
            setattr(found, name, dry if found.dry else whole)
    os.environ[THREADS] = str(found.threads)  # read when models are loaded, here and in the processes that are started
    return found


def served_model(name: str, precision: str) -> Path:
    """Give the folder of a fine-tuned model with an export; made where it is not there."""
    folder = RUNS / "served" / f"{name}-{precision}"
    if not (folder / "onnx").is_dir():
        from textaxa.jobs.export import export

        copytree(fine_tuned(name), folder, dirs_exist_ok=True)
        export(folder, precision=precision)
    return folder


def texts_of(name: str, count: int) -> list[str]:
    """Give so many different texts of a data set; where it has fewer, some again with a number behind them."""
    from _corpora import load

    data = load(name)
    there = list(dict.fromkeys([*data.test[0], *data.train[0]]))
    random.Random(0).shuffle(there)  # noqa: S311
    return [there[i % len(there)] + (f" {i // len(there)}" if i >= len(there) else "") for i in range(count)]


@contextmanager
def process(arguments: Sequence[str], port: int, path: str = "/health/ready") -> Iterator[subprocess.Popen[bytes]]:
    """Start a server, wait until it answers, and end it afterwards."""
    running = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait(running, f"http://127.0.0.1:{port}{path}")
        yield running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


@contextmanager
def textaxa_serve(folder: Path, *more: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Start ``textaxa serve`` with the settings that it has by itself; give its port and its process."""
    port = free_port()
    with process(["-m", "textaxa", "serve", f"m={folder}", "--port", str(port), *more], port) as running:
        yield port, running


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def _wait(running: subprocess.Popen[bytes], url: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if running.poll() is not None:
            raise RuntimeError(f"{running.args} ended by itself with status {running.returncode}.")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} did not answer within {seconds} s.")


PREDICT = """
import json, sys
from textaxa.decisions import Choice
from textaxa.jobs.predict import predict
found = predict(sys.argv[1], sys.argv[2], sys.argv[3], overwrite=True, choice=Choice(top=int(sys.argv[4])))
print(json.dumps([found.rows, found.seconds, found.runtime]))
"""


def predicted(
    folder: Path, texts: Sequence[str], scratch: Path, *, top: int = 1
) -> tuple[float, str, list[dict[str, Any]]]:
    """Give what ``textaxa predict`` needs for texts: seconds without loading, what computed, and the answers."""
    table, out = scratch / "in.jsonl", scratch / "out.jsonl"
    table.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(folder), str(table), str(out), str(top)],
        check=True,
        capture_output=True,
        text=True,
    )
    _, seconds, runtime = json.loads(done.stdout.splitlines()[-1])
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return seconds, runtime, [{key: value for key, value in row.items() if key != "text"} for row in rows]


def keep(name: str, found: dict[str, Any], table: Sequence[str], *, dry: bool) -> None:
    """Print the results, and unless it is dry add them to results/NAME.jsonl and write results/NAME.md."""
    print(json.dumps(found, indent=1))
    print("\n".join(table))
    if dry:
        return
    with (RESULTS / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({**found, "machine": describe()}) + "\n")
    head = [f"Made by `python benchmarks/serve/{name.removeprefix('serve_')}.py`.", "", describe(), ""]
    (RESULTS / f"{name}.md").write_text("\n".join([f"# {table[0]}", "", *head, *table[1:], ""]), encoding="utf-8")


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give a percentile in milliseconds: the smallest value that so many are not above."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))]


def arrivals(count: int, rate: float) -> list[float]:
    """Give the times of independent arrivals, so many a second on average, always the same."""
    draw, now, found = random.Random(1), 0.0, []  # noqa: S311
    for _ in range(count):
        now += draw.expovariate(rate)
        found.append(now)
    return found
