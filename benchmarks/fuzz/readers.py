"""Atheris on every reader of files: coverage leads it to bytes that no one thought of.

    python benchmarks/fuzz/readers.py                 # a minute a reader
    python benchmarks/fuzz/readers.py --seconds 5 --dry

Each reader is a process of its own. A fault (anything but an error of textaxa), more than four gigabytes, or ten
seconds for one input ends it, and the input is kept. The table has how many inputs each one read.
"""

import argparse
import json
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

    found = []
    for name in _names():
        if given.only is None or given.only in name:
            found.append(_run(name, given.seconds))
            print(json.dumps(found[-1]), flush=True)
    table = _table(found, given.seconds, describe())
    print(table)
    if not given.dry:
        (RESULTS / "fuzz.jsonl").write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")
        (RESULTS / "fuzz.md").write_text(table + "\n", encoding="utf-8")
    if any(one["fault"] for one in found):
        sys.exit(1)


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
                "-max_len=4096",
                "-verbosity=0",
                str(Path(place) / "corpus"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        kept = sorted(file.read_bytes() for file in Path(place).glob("*") if file.is_file())
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    fault = "" if done.returncode == 0 else _reason(done.stdout + done.stderr)
    return {
        "reader": name,
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
        (corpus / f"{number}").write_bytes(sample if number == 0 else make(sample, rng)[:4096])
    atheris.Setup([sys.argv[0], *arguments], read)
    atheris.Fuzz()


def _kinds_of(name: str) -> tuple[str, ...]:
    """Give the kind of model folder that a reader's name begins with: the others need not be made."""
    from hostile.folders import KINDS

    return tuple(kind for kind in KINDS if name.startswith(f"{kind} "))


def _table(found: list[dict[str, Any]], seconds: int, machine: str) -> str:
    lines = [
        "# Readers and hostile bytes",
        "",
        f"Made by `python benchmarks/fuzz/readers.py`: atheris, {seconds} seconds a reader, from a sound sample and "
        "damaged ones. A fault is anything but an error of textaxa, more than 4 GB, or ten seconds for one input.",
        "",
        "| reader | inputs | fault |",
        "| --- | --: | --- |",
        *(f"| {one['reader']} | {one['inputs']:,} | {one['fault'] or 'none'} |" for one in found),
        "",
        f"{sum(one['inputs'] for one in found):,} inputs, {sum(bool(one['fault']) for one in found)} faults.",
        "",
        machine,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
