"""Do the tests pass on every Python, with the oldest dependencies that pyproject.toml allows, and with the newest?

    python benchmarks/release/versions.py --pythons 3.11 3.12 3.13            # the light core; needs uv and an index
    python benchmarks/release/versions.py --train --ways lowest               # with PyTorch: gigabytes, and longer

For every Python and way (``lowest``: uv's lowest-direct; ``newest``: no constraints) an environment is made, the tests
of the rooms are run in it, and the counts go into benchmarks/results/versions.jsonl and .md; runs of the same name are
replaced, others kept. ``--dry`` prints and writes nothing.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _machine import describe  # noqa: E402 - from the folder above

RESULTS = ROOT / "benchmarks" / "results"

LIGHT = ("data", "decoding", "evaluation", "taxonomy", "calibration", "guarantee")
TRAIN = ("training/test_training.py", "persistence", "linear", "encoders", "heads/test_heads.py")
EXTRAS = {"light": "runtime,parquet,skos,serve,hub", "train": "train,minilm,export,audit,explain"}
TOOLS = ("pytest>=8.3", "hypothesis>=6.100", "pandas>=2.2", "scikit-learn>=1.6", "scipy>=1.12")
"""What the tests hold our numbers against, besides."""

WAYS = {"lowest": ["--resolution", "lowest-direct"], "newest": []}
TOLD = ("numpy", "torch", "transformers", "scikit-learn", "onnxruntime", "pyarrow", "typer")
SECONDS = 1800


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pythons", nargs="+", default=[f"{sys.version_info[0]}.{sys.version_info[1]}"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--train", action="store_true", help="with PyTorch, and the tests that train")
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    given = parser.parse_args()
    rows = {} if given.dry else known()
    for python in given.pythons:
        for way in given.ways:
            row = run(python, way, "train" if given.train else "light")
            rows[row["name"]] = row
            print(json.dumps(row), flush=True)
            if not given.dry:
                write(rows)
    print(page(rows))


def known() -> dict[str, dict]:
    file = RESULTS / "versions.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {row["name"]: row for row in map(json.loads, lines)}


def write(rows: dict[str, dict]) -> None:
    (RESULTS / "versions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows.values()), encoding="utf-8")
    (RESULTS / "versions.md").write_text(page(rows), encoding="utf-8")


def run(python: str, way: str, part: str) -> dict:
    """Make an environment, and run the tests of a part in it."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "env"
        uv("venv", "--quiet", "--python", python, str(place))
        install(place, way, part)
        listed = json.loads(uv("pip", "list", "--python", str(place), "--format", "json"))
        versions = {one["name"]: one["version"] for one in listed}
        interpreter = str(place / "bin" / "python")
        told = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
        rooms = [f"tests/{room}" for room in (LIGHT if part == "light" else TRAIN)]
        # Warnings of old versions about new ones are not what is asked here.
        options = ["-q", "-p", "no:cacheprovider", "-W", "default", "--continue-on-collection-errors"]
        done = subprocess.run(
            [interpreter, "-m", "pytest", *rooms, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    counts = {kind: int(number) for number, kind in re.findall(r"(\d+) (passed|failed|skipped|error)", last)}
    return {
        "name": f"{part}, Python {told}, {way}",
        "versions": {name: versions[name] for name in TOLD if name in versions},
        **counts,
        "failures": re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)[:20],
        "machine": describe(),
    }


def install(place: Path, way: str, part: str) -> None:
    """Install what a part needs from wheels, then the checked-out tree.

    Old versions have no wheels for new Pythons, and most can no longer be built: the oldest wheel counts.
    """
    into = ("pip", "install", "--quiet", "--python", str(place))
    extras = [f"--extra={name}" for name in EXTRAS[part].split(",")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as tools:
        tools.write("\n".join(TOOLS))
        tools.flush()
        uv(*into, "--no-build", *WAYS[way], "-r", str(ROOT / "pyproject.toml"), *extras, "-r", tools.name)
    uv(*into, "--no-deps", str(ROOT))


def uv(*arguments: str) -> str:
    done = subprocess.run(["uv", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def page(rows: dict[str, dict]) -> str:
    head = (
        "# Versions\n\nWritten by `benchmarks/release/versions.py`: the tests of the light core (taxonomies, tables, "
        "decoding, calibration, promises, evaluation), or those that train, in environments of their own. `lowest`: "
        "the oldest of every dependency that pyproject.toml allows and that has a wheel for this Python.\n\n"
        "| environment | versions | passed | failed | skipped |\n| --- | --- | --: | --: | --: |\n"
    )
    failures = [f"- {row['name']}: {', '.join(row['failures'])}\n" for row in rows.values() if row["failures"]]
    told = "\n## What failed\n\n" + "".join(failures) if failures else ""
    table = "".join(
        f"| {row['name']} | {', '.join(f'{name} {number}' for name, number in row['versions'].items())} | "
        f"{row.get('passed', 0):,} | {row.get('failed', 0) + row.get('error', 0)} | {row.get('skipped', 0)} |\n"
        for row in rows.values()
    )
    return head + table + told


if __name__ == "__main__":
    main()
