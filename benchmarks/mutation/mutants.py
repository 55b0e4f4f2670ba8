"""How many small faults, put into taxonomy, decoding and evaluation one at a time, the tests of that room find.

    python benchmarks/mutation/mutants.py                       # 150 mutants a room, about an hour on one core
    python benchmarks/mutation/mutants.py --rooms decoding --sample 10 --dry

mutmut makes every mutant of a room; a sample of them, drawn by a seed, is tested, each with the tests that run the
changed function. The work lies in build/mutation, so that a stopped run goes on. In goes the checked-out tree, out
comes benchmarks/results/mutation.jsonl and .md. ``--dry`` prints and writes nothing.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _machine import describe  # noqa: E402 - from the folder above

WORK = ROOT / "build" / "mutation"
RESULTS = ROOT / "benchmarks" / "results"
ROOMS = {
    "taxonomy": ["tests/taxonomy", "tests/migration/test_mapping.py"],
    "decoding": ["tests/decoding"],
    "evaluation": ["tests/evaluation"],
}
"""The rooms, and where their tests are."""

BATCH = 50
"""Mutants a call of mutmut; before each it runs the room's tests once, which takes longer than most mutants."""

OUTCOMES = {0: "survived", 1: "killed", 3: "killed", 33: "no tests", 5: "no tests", 34: "skipped", -11: "killed"}
"""What mutmut's exit codes mean; all others are times that ran out, which find a fault as well."""

AIM = 0.8
Z = 1.96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=list(ROOMS))
    parser.add_argument("--sample", type=int, default=150, help="mutants a room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, default=WORK, help="where the mutated copies lie")
    parser.add_argument("--batches", type=int, default=100, help="batches a room before the script stops")
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    given = parser.parse_args()
    rows = [measure(room, given.work / room, given.sample, given.seed, batches=given.batches) for room in given.rooms]
    text = page(rows, given.seed)
    print(text)
    if not given.dry:
        (RESULTS / "mutation.md").write_text(text, encoding="utf-8")
        lines = "".join(json.dumps({**row, "machine": describe(), "seed": given.seed}) + "\n" for row in rows)
        (RESULTS / "mutation.jsonl").write_text(lines, encoding="utf-8")


def measure(room: str, place: Path, size: int, seed: int, *, batches: int) -> dict:
    """Test a sample of a room's mutants, or what is left of it."""
    made = place / "made"
    if not made.exists():
        lay_out(room, place)
        mutmut(place, "no.such.mutant")  # makes them all, and tests none
        made.touch()
    names = sorted(outcomes(place, room))
    # Tested in the order drawn: what a stopped run reached is a sample of the whole room, too.
    chosen = random.Random(seed).sample(names, min(size, len(names)))  # noqa: S311 - a sample, no secret
    for _ in range(batches):
        left = [name for name in chosen if outcomes(place, room)[name] is None]
        if not left:
            break
        mutmut(place, *left[:BATCH])
    found = outcomes(place, room)
    told = {name: told_outcome(found[name]) for name in chosen if found[name] is not None}
    counts = Counter(told.values())
    survivors = sorted(name for name, outcome in told.items() if outcome in ("survived", "no tests"))
    return {
        "room": room,
        "mutants": len(names),
        "sample": len(chosen),
        "tested": len(told),
        **counts,
        "files": sorted({module(name) for name in told}),
        "all_files": len({module(name) for name in names}),
        "survivors": survivors,
    }


def module(name: str) -> str:
    """Give the file of a mutant, ``_beam`` of ``textaxa.decoding._beam.x_beam_paths__mutmut_42``."""
    return name.split(".")[-2]


def lay_out(room: str, place: Path) -> None:
    """Copy what mutmut needs, and tell it which room is meant."""
    place.mkdir(parents=True, exist_ok=True)
    for folder in ("src", "tests"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, place / folder, ignore=ignore, dirs_exist_ok=True)
    settings = {
        "source_paths": ["src"],
        "only_mutate": [f"src/textaxa/{room}/*.py"],
        "pytest_add_cli_args_test_selection": ROOMS[room],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist", "-W", "default"],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    own = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    text = "\n".join([own, "[tool.mutmut]", *lines, "use_git_change_detection = false", ""])
    (place / "pyproject.toml").write_text(text, encoding="utf-8")


def mutmut(place: Path, *names: str) -> None:
    """Run mutmut on mutants by name; what it prints goes to a file."""
    with (place / "mutmut.log").open("a", encoding="utf-8") as log:
        command = [sys.executable, "-m", "mutmut", "run", "--max-children", "1", *names]
        subprocess.run(command, cwd=place, stdout=log, stderr=subprocess.STDOUT, check=False)


def outcomes(place: Path, room: str) -> dict[str, int | None]:
    """Give the exit code of every mutant; None where it has not been tested."""
    found: dict[str, int | None] = {}
    for file in sorted((place / "mutants" / "src" / "textaxa" / room).rglob("*.meta")):
        found.update(json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"])
    return found


def told_outcome(code: int) -> str:
    return OUTCOMES.get(code, "time ran out")


def interval(hits: int, n: int) -> tuple[float, float]:
    """Give Wilson's 95 % interval of a share."""
    centre, spread = hits + Z * Z / 2, Z * (hits * (n - hits) / n + Z * Z / 4) ** 0.5
    return (centre - spread) / (n + Z * Z), (centre + spread) / (n + Z * Z)


def page(rows: list[dict], seed: int) -> str:
    head = (
        f"# Mutation testing\n\nWritten by `benchmarks/mutation/mutants.py`. {describe()}\n\n"
        f"mutmut puts one small fault at a time into a room; a sample drawn by seed {seed} is tested with the room's "
        f"own tests. Texts of messages are mutated, too. Aim: {AIM:.0%} found.\n\n"
        "| room | mutants | tested | failed a test | time ran out | no test runs it | survived | found | 95 % |\n"
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |\n"
    )
    return head + "".join(line(row) for row in rows) + "".join(unfinished(row) for row in rows)


def unfinished(row: dict) -> str:
    """Say what a stopped run reached."""
    if row["tested"] == row["sample"]:
        return ""
    files = ", ".join(f"`{name}`" for name in row["files"])
    return (
        f"\n{row['room']}: {row['tested']} of the {row['sample']} drawn were tested before the run was stopped; they "
        f"lie in {len(row['files'])} of {row['all_files']} files ({files}), and the number is one of these.\n"
    )


def line(row: dict) -> str:
    kinds = [row.get(kind, 0) for kind in ("killed", "time ran out", "no tests", "survived")]
    hits, n = kinds[0] + kinds[1], row["tested"]
    share, (low, high) = hits / max(1, n), interval(hits, max(1, n))
    cells = [row["room"], f"{row['mutants']:,}", n, *kinds, f"{share:.1%}", f"{low:.0%} to {high:.0%}"]
    return "| " + " | ".join(map(str, cells)) + " |\n"


if __name__ == "__main__":
    main()
