"""How well do the systems that people use today do on our data sets? All in one run, scored by our path-aware metrics.

    python benchmarks/accuracy/run_peers.py                                    # all sets, all peers, three seeds
    python benchmarks/accuracy/run_peers.py trec fdroid --peers hiclass-per-parent,fasttext --seeds 0
    python benchmarks/accuracy/run_peers.py open-apps --rows 300 --timeout 120 # a quick trial, not kept as a result
    python benchmarks/accuracy/run_peers.py --report                           # writes results/peers.md

Every peer gets the same rows in its own environment (`peer_environments.py`), one peer after the other: training rows,
validation rows to choose settings with, and the texts of the test rows without their labels. A finished run is one line
of results/peers.jsonl and is not done again; a run over the time limit is written down as stopped. What cannot be run
is skipped with the reason, and tried again the next time.
"""

import argparse
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from _peer_table import COLUMNS, read, table, write
from _peers import PEERS, SCRIPTS, Peer
from peer_environments import home, interpreter, reason_missing

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the other benchmarks' common parts

from _corpora import Rows, Split, load
from _machine import processor

from textaxa.evaluation import evaluate_paths
from textaxa.taxonomy import Taxonomy

RESULTS = Path(__file__).resolve().parents[1] / "results"
DATA = (
    "open-apps", "trec", "hwu64", "amazon3", "naics2017", "newsgroups20", "arxiv", "appstore_tokens",
    "fdroid", "selfhosted", "goemotions",
)  # fmt: skip
SEEDS = (0, 1, 2)
Labels = tuple[tuple[str, ...], ...]
GRACE = 0.8
"""Share of the time limit that a peer may spend on training in epochs; the rest is for making ready and predicting."""


def main(given: argparse.Namespace) -> None:
    """Run what is not in the results yet, then print the table."""
    peers = [_with_options(peer, given) for peer in PEERS if not given.peers or peer.name in given.peers]
    target = given.results or (home() / "trial.jsonl" if given.rows else RESULTS / "peers.jsonl")
    known = read(target)
    done = {_key(line) for line in known if _finished(line, given.timeout)}
    for name in given.data or DATA:
        try:
            data = load(name)
        except FileNotFoundError as error:
            print(f"{name}: skipped, {error}", flush=True)
            continue
        if given.rows:
            data = _sample(data, given.rows)
        for seed in given.seeds:
            for peer in peers:
                line = {"data": name, "peer": peer.name, "seed": seed, "rows": [len(part[0]) for part in _parts(data)]}
                if _key(line) in done or (seed != given.seeds[0] and not peer.seeded):
                    continue
                line |= one_run(peer, data, seed, given)
                if line not in known:  # the same reason is not written twice
                    _append(target, line)
                print(_told(line), flush=True)
    print("\n".join(table(read(target), list(given.data or DATA))))


def one_run(peer: Peer, data: Split, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Run one peer on one set: its status, and its scores where it is done."""
    reason = _unfit(peer, data)
    if reason is not None:
        return {"status": "skipped", "reason": reason}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "task.json").write_text(json.dumps(_task(peer, data, seed, given)), encoding="utf-8")
        began = time.monotonic()
        status, told = _call(peer, folder, given)
        seconds = round(time.monotonic() - began, 1)
        if status == "stopped":
            return {"status": "stopped", "reason": f"stopped after {given.timeout:.0f} s", "limit": given.timeout}
        if status == "failed":
            return {"status": "failed", "reason": _without_folders(told)}
        answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    if "skipped" in answer:
        return {"status": "skipped", "reason": _without_folders(answer["skipped"])}
    found = [tuple(tuple(path) for path in paths) for paths in answer.pop("paths")]
    about = {"threads": given.threads, "options": dict(peer.options), "machine": _machine()}
    keep_found(data, peer.name, seed, found)
    return {"status": "done", "seconds": seconds} | answer | about | score(data, found)


def keep_found(data: Split, name: str, seed: int, found: Sequence[Labels]) -> None:
    """Keep the nodes found for every test row, numbered as in `_runs.taxonomy_of`, for paired tests against textaxa."""
    taxonomy = _taxonomy(data)
    file = found_file(data.name, name, seed, len(data.train[0]))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps([[taxonomy.index(path) for path in paths] for paths in found]), encoding="utf-8")


def found_file(data: str, name: str, seed: int, rows: int) -> Path:
    """Give where `keep_found` puts what a peer found: a list of nodes for each test row, as JSON."""
    return home() / "found" / f"{data}-{rows}-{name}-{seed}.json"


def _taxonomy(data: Split) -> Taxonomy:
    return Taxonomy.from_paths(dict.fromkeys(data.paths), sort=True)


def score(data: Split, found: Sequence[Labels]) -> dict[str, Any]:
    """Give our metrics of found labels, and a bit a test row (packed, in hexadecimals): are its paths right?"""
    true = data.test[1]
    values = evaluate_paths(_taxonomy(data), true, found, intervals=False).values()
    right = [set(a) == set(b) for a, b in zip(found, true, strict=True)]
    return {
        "metrics": {name: round(value, 5) for name, value in values.items()},
        "right": np.packbits(right).tobytes().hex(),
    }


def _machine() -> str:
    return f"{datetime.now(UTC).date().isoformat()}; {processor()}, {os.cpu_count()} cores"


def _unfit(peer: Peer, data: Split) -> str | None:
    if data.several and not peer.several:
        return "gives one path a text, and this set has several"
    if peer.most_rows and len(data.train[0]) > peer.most_rows:
        return f"more than {peer.most_rows:,} training rows take hours"
    if peer.needs and peer.needs not in peer.options:
        return f"no {peer.needs} at hand (--set {peer.name}.{peer.needs}=...)"
    return reason_missing(peer.environment)


def _task(peer: Peer, data: Split, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    (train, train_labels), (valid, valid_labels) = data.train, data.valid
    return {
        "several": data.several,
        "seed": seed,
        "threads": given.threads,
        "seconds": GRACE * given.timeout,
        "options": dict(peer.options) | {"cache": str(home() / "clones"), "clone": _clone(peer, given)},
        "train_texts": train,
        "train_labels": train_labels,
        "valid_texts": valid,
        "valid_labels": valid_labels,
        "test_texts": data.test[0],
    }


def _clone(peer: Peer, given: argparse.Namespace) -> str | None:
    found = [folder for name, folder in given.clone if name.lower() == peer.environment]
    return str(Path(found[-1]).resolve()) if found else None


def _call(peer: Peer, folder: Path, given: argparse.Namespace) -> tuple[str, str]:
    """Run the script; give how it ended, and the last words of one that failed."""
    threads = {f"{name}_NUM_THREADS": str(given.threads) for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
    command = [interpreter(peer.environment), SCRIPTS / peer.script, folder / "task.json", folder / "answer.json"]
    offline = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "PYTHONNOUSERSITE": "1"}
    with (folder / "told.txt").open("w+", encoding="utf-8") as told:
        running = subprocess.Popen(
            command, stdout=told, stderr=subprocess.STDOUT, env=kept | threads | offline, start_new_session=True
        )
        try:
            running.wait(given.timeout)
        except subprocess.TimeoutExpired:
            return "stopped", ""
        finally:
            _end(running)
        told.seek(0)
        words = told.read().strip().splitlines()
    if running.returncode or not (folder / "answer.json").is_file():
        if given.verbose:
            print("\n".join(words[-30:]), file=sys.stderr)
        return "failed", (words[-1] if words else f"ended with status {running.returncode} and without a word")[:300]
    return "done", ""


def _without_folders(text: str) -> str:
    """Leave out the names of this machine's folders: results are published."""
    return re.sub(r"(?<![\w:/])(/[\w.+-]+){2,}", "…", text)


def _end(running: subprocess.Popen) -> None:
    """End a script and whatever it started: its own session, nothing else."""
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def _with_options(peer: Peer, given: argparse.Namespace) -> Peer:
    own = {}
    for words, value in given.set:
        name, _, option = words.partition(".")
        if name == peer.name:
            own[option] = _value(value)
    return replace(peer, options=dict(peer.options) | own)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _parts(data: Split) -> tuple[Rows, Rows, Rows]:
    return data.train, data.valid, data.test


def _sample(data: Split, n: int) -> Split:
    """Give a small data set: ``n`` training rows, a third as many of the others, by the hash of the text."""
    return Split(data.name, *(_some(part, size) for part, size in zip(_parts(data), (n, n // 3, n // 3), strict=True)))


def _some(part: Rows, n: int) -> Rows:
    kept = sorted(range(len(part[0])), key=lambda i: hashlib.sha256(part[0][i].encode()).digest())[:n]
    return [part[0][i] for i in kept], [part[1][i] for i in kept]


def _finished(line: dict[str, Any], timeout: float) -> bool:
    """Say whether a run needs no other try: it is done, or was stopped with as much time as it would have now."""
    return line["status"] == "done" or (line["status"] == "stopped" and line["limit"] >= timeout)


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["data"], line["peer"], line["seed"], tuple(line["rows"])


def _append(path: Path, line: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _told(line: dict[str, Any]) -> str:
    start = f"{line['data']} {line['peer']} seed {line['seed']}: {line['status']}"
    if line["status"] != "done":
        return f"{start}, {line['reason']}"
    found = ", ".join(f"{name} {line['metrics'][key]:.3f}" for name, key in COLUMNS.items())
    return f"{start} in {line['seconds']} s; {found}"


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def parser() -> argparse.ArgumentParser:
    """Give the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("data", nargs="*", help="data sets; all where none is named")
    found.add_argument("--peers", type=lambda text: text.split(","), help="names with commas; all where none is named")
    found.add_argument("--seeds", type=lambda text: [int(one) for one in text.split(",")], default=list(SEEDS))
    found.add_argument("--rows", type=int, help="a trial with so many training rows; its results go elsewhere")
    found.add_argument("--threads", type=int, default=1)
    found.add_argument("--timeout", type=float, default=1800, help="seconds a run may take")
    found.add_argument("--clone", type=_pair, action="append", default=[], help="HiAGM=FOLDER, revisitingHTC=FOLDER")
    found.add_argument("--set", type=_pair, action="append", default=[], help="PEER.OPTION=VALUE (JSON)")
    found.add_argument("--results", type=Path, help="file for the results")
    found.add_argument("--report", action="store_true", help="write results/peers.md, run nothing")
    found.add_argument("--verbose", action="store_true", help="show what a failed peer printed")
    return found


if __name__ == "__main__":
    arguments = parser().parse_args()
    wrong = sorted(set(arguments.peers or []) - {peer.name for peer in PEERS})
    if wrong:
        sys.exit(f"No peer {', '.join(wrong)}. There are: {', '.join(peer.name for peer in PEERS)}.")
    if arguments.report:
        write(arguments.results or RESULTS / "peers.jsonl", list(arguments.data or DATA))
    else:
        main(arguments)
