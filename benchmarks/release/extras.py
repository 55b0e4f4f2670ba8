"""What each extra weighs in an empty environment, and what is told where one is missing.

    python benchmarks/release/extras.py                    # needs uv and a package index; about 10 minutes
    python benchmarks/release/extras.py --only core parquet --dry

A wheel is built and installed with each extra alone. In goes the checked-out tree, out comes
benchmarks/results/extras.jsonl and .md: packages, megabytes on the disk, and for every command that needs more than is
there, what it says. Rows of the .jsonl are kept: a stopped run goes on, ``--again`` measures anew. For a PyTorch
without CUDA set UV_FIND_LINKS or UV_INDEX to where its wheels are.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _machine import describe  # noqa: E402 - from the folder above

RESULTS = ROOT / "benchmarks" / "results"
FOR_USERS = ("dev", "docs", "release", "mutation", "all")
"""Extras that are left out: tools of this repository, and the sum of all others."""

TABLE = "text,category\nfootball club,Games\nphoto edit,Media\nbank money,Finance\n" * 8

CONCEPT = "<urn:games> a <http://www.w3.org/2004/02/skos/core#Concept> .\n"

PROBES = {
    "taxonomy of CSV": ["taxonomy", "show", "taxonomy.csv"],
    "taxonomy of SKOS": ["taxonomy", "show", "taxonomy.ttl"],
    "check of CSV": ["check", "apps.csv", "--text", "text", "--labels", "category"],
    "check of Parquet": ["check", "apps.parquet", "--text", "text", "--labels", "category"],
    "train, linear": [
        "train",
        "apps.csv",
        "--text",
        "text",
        "--labels",
        "category",
        "--head",
        "linear",
        "--out",
        "linear",
    ],
    "train, chained": ["train", "apps.csv", "--text", "text", "--labels", "category", "--out", "chained"],
    "audit": ["audit", "apps.csv", "--text", "text", "--labels", "category"],
    "predict of a folder": ["predict", "model", "tables/", "--engine", "ray", "-o", "out"],
    "export": ["export", "model"],
    "serve": ["serve", "model"],
    "explain": ["explain", "model", "football"],
    "push": ["push", "model", "anna/apps"],
}
"""Commands by what they need. Only the door is tried: where everything is there, a command may still miss its model."""

PROBE_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", help="extras, and core for none")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the environments")
    parser.add_argument("--again", action="store_true", help="measure anew what is in the results")
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    given = parser.parse_args()
    rows = {} if given.again or given.dry else known()
    with tempfile.TemporaryDirectory() as folder:
        wheel = built(Path(folder))
        for extra in given.only or ("core", *extras()):
            if extra not in rows:
                rows[extra] = {**measure(extra, wheel, Path(folder), given.python), "machine": describe()}
                print(json.dumps({key: rows[extra][key] for key in ("extra", "packages", "mb", "seconds")}), flush=True)
                if not given.dry:
                    write(rows)
    print(page(rows))


def extras() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [extra for extra in project["optional-dependencies"] if extra not in FOR_USERS]


def known() -> dict[str, dict]:
    file = RESULTS / "extras.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {row["extra"]: row for row in map(json.loads, lines)}


def write(rows: dict[str, dict]) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows.values())
    (RESULTS / "extras.jsonl").write_text(lines, encoding="utf-8")
    (RESULTS / "extras.md").write_text(page(rows), encoding="utf-8")


def built(folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def measure(extra: str, wheel: Path, folder: Path, python: str) -> dict:
    """Install the wheel with one extra into an environment of its own, weigh it, and try the doors."""
    place = folder / f"env-{extra}"
    uv("venv", "--quiet", "--python", python, str(place))
    before, begin = size(place), time.perf_counter()
    what = f"textaxa @ {wheel.as_uri()}" if extra == "core" else f"textaxa[{extra}] @ {wheel.as_uri()}"
    uv("pip", "install", "--quiet", "--python", str(place), "--constraint", str(ROOT / "constraints.txt"), what)
    seconds = time.perf_counter() - begin
    listed = json.loads(uv("pip", "list", "--python", str(place), "--format", "json"))
    found = {
        "extra": extra,
        "packages": len(listed) - 1,
        "mb": round((size(place) - before) / 1e6, 1),
        "seconds": round(seconds, 1),
        "told": {name: probe(place, folder, arguments) for name, arguments in PROBES.items()},
    }
    shutil.rmtree(place)
    return found


def uv(*arguments: str) -> str:
    done = subprocess.run(["uv", *arguments], capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def size(place: Path) -> int:
    """Give the bytes of all files; compiled modules are made at the first import, and not counted."""
    files = (file for file in place.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc")


def probe(place: Path, folder: Path, arguments: list[str]) -> dict:
    """Run a command in an empty folder: its exit status and the last line that it says."""
    with tempfile.TemporaryDirectory(dir=folder) as at:
        (Path(at) / "apps.csv").write_text(TABLE, encoding="utf-8")
        (Path(at) / "taxonomy.csv").write_text("path\nGames\nMedia\n", encoding="utf-8")
        (Path(at) / "taxonomy.ttl").write_text(CONCEPT, encoding="utf-8")
        (Path(at) / "apps.parquet").write_bytes(b"PAR1")
        (Path(at) / "tables").mkdir()
        command = [str(place / "bin" / "textaxa"), *arguments]
        env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "HF_HUB_OFFLINE": "1"}
        try:
            done = subprocess.run(
                command, cwd=at, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False, env=env
            )
        except subprocess.TimeoutExpired:
            return {"status": None, "said": "no end within a minute"}
    said = done.stderr.strip().splitlines() or [""]
    return {"status": done.returncode, "said": said[-1].replace(at, "."), "traceback": "Traceback" in done.stderr}


def page(rows: dict[str, dict]) -> str:
    parts = [
        "# Extras\n\nWritten by `benchmarks/release/extras.py`. The wheel with each extra alone in an empty "
        "environment, versions of constraints.txt. Megabytes (10⁶ bytes) of all files but compiled "
        "modules; `core` is `pip install textaxa`.\n\n"
        f"{next(iter(rows.values()))['machine'] if rows else ''}\n\n"
        "| extra | packages | MB | MB over core | seconds |\n| --- | --: | --: | --: | --: |\n"
    ]
    core = rows.get("core", {}).get("mb")
    for row in rows.values():
        over = "" if core is None or row["extra"] == "core" else f"{row['mb'] - core:,.1f}"
        parts.append(f"| {row['extra']} | {row['packages']} | {row['mb']:,.1f} | {over} | {row['seconds']:.0f} |\n")
    parts.append("\n## What is told where an extra is missing\n\nBy an environment with nothing but the core:\n\n")
    parts.append("| command | status | last line |\n| --- | --: | --- |\n")
    for name, told in rows.get("core", {}).get("told", {}).items():
        parts.append(f"| {name} | {told['status']} | {told['said'].replace('|', '/')} |\n")
    bad = [f"{row['extra']}: {name}" for row in rows.values() for name, told in row["told"].items() if is_bad(told)]
    parts.append(f"\nCommands that ended in a traceback or hung, of all environments: {', '.join(bad) or 'none'}.\n")
    return "".join(parts)


def is_bad(told: dict) -> bool:
    return told["status"] is None or bool(told.get("traceback"))


if __name__ == "__main__":
    main()
