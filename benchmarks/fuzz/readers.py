"""Atheris on every reader of files: coverage leads it to bytes that no one thought of.

    python benchmarks/fuzz/readers.py                 # a minute a reader
    python benchmarks/fuzz/readers.py --seconds 5 --dry

Each reader is a process of its own. A fault (anything but an error of textaxa), more than four gigabytes, or ten
seconds for one input ends it, and the input is kept. The table has how many inputs each one read.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tests")]

SEEDS = 30
LONGEST_INPUT_SECONDS = 10
LARGEST_MEMORY_MB = 4096
LONGEST_INPUT = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--only", help="readers whose name has this")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--reader", help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args()
    if given.reader:
        _fuzz(given.reader, rest)
        return
    from _machine import describe

    names, kept = _names(), _kept()
    for name in names:
        if given.only is None or given.only in name:
            kept[name] = _run(name, given.seconds)
            print(json.dumps(kept[name]), flush=True)
            if not given.dry:
                _write([kept[name] for name in names if name in kept], describe())
    if any(kept[name]["fault"] for name in names if name in kept):
        sys.exit(1)


def _kept() -> dict[str, dict[str, Any]]:
    """Give what earlier runs found, by reader: a run with ``--only`` keeps the rest."""
    file = RESULTS / "fuzz.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {one["reader"]: one for one in map(json.loads, lines)}


def _write(found: list[dict[str, Any]], machine: str) -> None:
    (RESULTS / "fuzz.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")
    (RESULTS / "fuzz.md").write_text(_table(found, machine) + "\n", encoding="utf-8")


def _names() -> list[str]:
    from hostile.files import Scratch
    from hostile.folders import KINDS
    from hostile.readers import readers

    scratch = Scratch()
    names = list(readers(scratch, KINDS))
    scratch.gone()
    return names


def _run(name: str, seconds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(
            [
                sys.executable,
                __file__,
                f"--reader={name}",
                f"-max_total_time={seconds}",
                f"-timeout={LONGEST_INPUT_SECONDS}",
                f"-rss_limit_mb={LARGEST_MEMORY_MB}",
                f"-artifact_prefix={place}/",
                "-print_final_stats=1",
                f"-max_len={LONGEST_INPUT}",
                "-verbosity=0",
                str(Path(place) / "corpus"),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        kept = sorted(file.read_bytes() for file in Path(place).glob("*") if file.is_file())
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    fault = "" if done.returncode == 0 else _reason(done.stdout + done.stderr)
    return {
        "reader": name,
        "seconds": seconds,
        "inputs": int(runs[1]) if runs else 0,
        "fault": fault,
        "bytes": [one[:300].hex() for one in kept[:3]],
    }


def _reason(output: str) -> str:
    lines = [
        line
        for line in output.splitlines()
        if re.match(r"(\w+\.)*\w*(Error|Exception)\b|==\d+== (ERROR|libFuzzer)", line)
    ]
    return lines[0][:300] if lines else output.strip()[-300:]


def _fuzz(name: str, arguments: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["textaxa"]):
        from hostile.files import Scratch
        from hostile.readers import changed_json, damaged, readers
    scratch = Scratch()
    read, sample = readers(scratch, _kinds_of(name))[name]
    corpus = Path(arguments[-1])
    corpus.mkdir(exist_ok=True)
    rng = random.Random(0)  # noqa: S311
    for number in range(SEEDS):
        make = changed_json if number % 2 and sample[:1] in (b"{", b"[") else damaged
        (corpus / f"{number}").write_bytes(sample if number == 0 else make(sample, rng)[:LONGEST_INPUT])
    atheris.Setup([sys.argv[0], *arguments], read)
    atheris.Fuzz()


def _kinds_of(name: str) -> tuple[str, ...]:
    """Give the kind of model folder that a reader's name begins with: the others need not be made."""
    from hostile.folders import KINDS

    return tuple(kind for kind in KINDS if name.startswith(f"{kind} "))


def _table(found: list[dict[str, Any]], machine: str) -> str:
    lines = [
        "# Readers and hostile bytes",
        "",
        "Made by `python benchmarks/fuzz/readers.py`: atheris, from a sound sample and damaged ones; model folders of "
        "each kind, sums made right again. Inputs of a network are few: each loads and asks a model. A fault is "
        "anything but an error of textaxa, more than 4 GB, or ten seconds for one input.",
        "",
        "| reader | seconds | inputs | fault |",
        "| --- | --: | --: | --- |",
        *(f"| {one['reader']} | {one['seconds']} | {one['inputs']:,} | {one['fault'] or 'none'} |" for one in found),
        "",
        f"{sum(one['inputs'] for one in found):,} inputs, {sum(bool(one['fault']) for one in found)} faults.",
        "",
        machine,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
