"""A taxonomy of a million leaves: built, read, checked, saved, loaded, asked; seconds and memory.

    python benchmarks/speed/taxonomy.py [--leaves 1000000] [--before COMMIT] [--networkx]
    python benchmarks/speed/taxonomy.py --leaves 3000 --dry

The first writes results/taxonomy_scale.json and results/taxonomy_scale.md. Every step runs in a process of its own
(``_taxonomy_steps.py``); where git still has the commit ``--before``, the version before taxonomies were stored as
arrays runs the same steps in turn. Rivals that do less: plain Python, and with ``--networkx`` that (a minute more).
"""

import argparse
import csv
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import _taxonomy_steps as steps

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "taxonomy_scale"
BEFORE = "402f48f"
MODEL = {
    "format": "textaxa-model",
    "format_version": 1,
    "textaxa_version": "0",
    "task": "single",
    "head": {"name": "flat"},
}
MODEL |= {"encoder": {}, "training": {}, "summary": {}, "files": {}}
"""What ``textaxa info`` needs beside the taxonomy."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="of loading, which is quick; the rest runs once")
    parser.add_argument("--before", default=BEFORE, metavar="COMMIT")
    parser.add_argument("--networkx", action="store_true", help="time networkx, too")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(options, Path(scratch))
    if options.dry:
        print(table(found))
        return
    RESULTS.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".md").write_text(table(found), encoding="utf-8")
    print(f"written: {RESULTS}.md")


def measure(options: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """Run every step, of this version and of the one before in turn."""
    from _machine import describe

    write_tables(scratch, options.leaves)
    versions = {"before": source_of(options.before, scratch), "now": HERE.parents[1] / "src"}
    versions = {name: source for name, source in versions.items() if source is not None}
    found: dict[str, Any] = {"machine": describe(), "leaves": options.leaves, "before": options.before, "versions": {}}
    found["versions"] = {name: {} for name in versions}
    for step in ("from_paths", "from_codes"):
        for name, source in versions.items():
            found["versions"][name][step] = run(step, scratch / name, options.leaves, source)
    for name in versions:
        found["versions"][name] |= loaded(scratch / name, options, versions[name], arrays=name == "now")
        found["versions"][name]["commands"] = commands(scratch / name, versions[name], quick=name == "now")
    rivals = ("plain_python", "networkx") if options.networkx else ("plain_python",)
    found["rivals"] = {rival: run(rival, scratch / "now", options.leaves, versions["now"]) for rival in rivals}
    return found


def loaded(folder: Path, options: argparse.Namespace, source: Path, *, arrays: bool) -> dict[str, Any]:
    """Give the medians of loading, in turn: JSON is the way that was and is, arrays the way that is."""
    ways = ("load_json", "load_arrays") if arrays else ("load_json",)
    rounds: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
    for number in range(options.rounds if arrays else 1):
        for way in ways if number == 0 else ways[-1:]:
            rounds[way].append(run(way, folder, options.leaves, source))
    return {way: _medians(runs) for way, runs in rounds.items()}


def _medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    seconds = {name: statistics.median(run["seconds"][name] for run in runs) for name in runs[0]["seconds"]}
    rest = {name: statistics.median(run[name] for run in runs) for name in runs[0] if name != "seconds"}
    return {"seconds": seconds, **rest}


def run(step: str, folder: Path, leaves: int, source: Path) -> dict[str, Any] | None:
    """Run one step in a process of its own, with textaxa from ``source``."""
    folder.mkdir(exist_ok=True)
    for name in ("codes.csv", "changed.csv"):
        if not (folder / name).exists():
            (folder / name).hardlink_to(folder.parent / name)
    command = [sys.executable, str(HERE / "_taxonomy_steps.py"), step, str(folder), str(leaves)]
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(source))
    if done.returncode:
        print(f"{step}: not measured ({done.stderr.strip().splitlines()[-1]})", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    print(f"{source.parent.name} {step}: {time.perf_counter() - begun:.1f} s, {found['seconds']}", flush=True)
    return found


def _environment(source: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def commands(folder: Path, source: Path, *, quick: bool) -> dict[str, float]:
    """Give the seconds, by the clock, of the commands that look at a taxonomy of this size."""
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(MODEL), encoding="utf-8")
    if quick:
        (folder / "arrays").rename(model / "taxonomy.arrays")
    else:
        (folder / "json").rename(model / "taxonomy.json")
    file = str(folder / "codes.csv")
    asked = {"info MODEL": ["info", str(model)], "taxonomy check MODEL": ["taxonomy", "check", str(model)]}
    if quick:  # before, showing one took minutes
        asked |= {
            "taxonomy check CSV": ["taxonomy", "check", file],
            "taxonomy show CSV": ["taxonomy", "show", file],
            "taxonomy show MODEL": ["taxonomy", "show", str(model)],
        }
    return {name: _seconds(arguments, source) for name, arguments in asked.items()}


def _seconds(arguments: list[str], source: Path) -> float:
    begun = time.perf_counter()
    command = [sys.executable, "-m", "textaxa", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(source))
    if done.returncode not in (0, 1):  # 1: a check that finds errors
        print(f"{arguments}: {done.stderr.strip()[-300:]}", flush=True)
        return float("nan")
    return round(time.perf_counter() - begun, 2)


def write_tables(folder: Path, leaves: int) -> None:
    """Write ``code,parent,name,description`` in no helpful order, and a version in which some things changed."""
    codes: dict[tuple[str, ...], str] = {(): ""}
    rows = []
    for path in steps.paths(leaves):
        known = next(level for level in reversed(range(len(path))) if path[:level] in codes)
        for level in range(known + 1, len(path) + 1):
            codes[path[:level]] = f"c{len(codes)}"
            told = steps.description(path[:level]) if len(rows) % 5 == 0 else ""
            rows.append((codes[path[:level]], codes[path[: level - 1]], path[level - 1], told))
    random.Random(0).shuffle(rows)  # noqa: S311
    _write(folder / "codes.csv", iter(rows))
    inner = {parent for _, parent, _, _ in rows}
    kept = [row for at, row in enumerate(rows) if at % 5_000 != 7 or row[0] in inner]
    _write(
        folder / "changed.csv",
        ((*row[:2], f"{row[2]} (revised)", row[3]) if at % 4_999 == 0 else row for at, row in enumerate(kept)),
    )


def _write(file: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        writer.writerow(("code", "parent", "name", "description"))
        writer.writerows(rows)


def source_of(commit: str, scratch: Path) -> Path | None:
    """Unpack the source of a commit, where git has it."""
    command = ["git", "-C", str(HERE.parents[1]), "archive", f"{commit}:src"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        print(f"The commit {commit} is not here, so nothing is compared with it.", flush=True)
        return None
    place = scratch / "before-src" / "src"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as packed:
        packed.extractall(place, filter="data")
    return place


ROWS = (
    ("`Taxonomy.from_paths`", "from_paths", "from_paths"),
    ("read a `code,parent,name` CSV", "from_codes", "read_codes"),
    ("`check_taxonomy`", "from_codes", "check"),
    ("`diff_taxonomies`", "from_codes", "diff"),
    ("a million label paths to nodes, first time", "from_paths", "rows_to_nodes"),
    ("the same again", "from_paths", "rows_to_nodes_again"),
    ("save as JSON", "from_paths", "save_json"),
    ("save as arrays", "from_paths", "save_arrays"),
    ("load from JSON", "load_json", "load"),
    ("load from arrays", "load_arrays", "load"),
    ("sums of the arrays' files", "load_arrays", "sums"),
    ("paths of 100,000 nodes, after JSON", "load_json", "paths_of_100k"),
    ("paths of 100,000 nodes, after arrays", "load_arrays", "paths_of_100k"),
    ("nodes of 100,000 paths, after arrays, first time", "load_arrays", "find_100k_first"),
    ("the same again", "load_arrays", "find_100k_again"),
    ("fingerprint, after arrays", "load_arrays", "fingerprint"),
    ("all names as Python text, after arrays", "load_arrays", "names"),
    ("all paths, after arrays", "load_arrays", "all_paths"),
    ("ancestors of all nodes", "load_arrays", "ancestors"),
    ("lowest common ancestors of a million pairs", "load_arrays", "lca_of_1m"),
)


def table(found: dict[str, Any]) -> str:
    """Write what was found as Markdown."""
    now = found["versions"]["now"]
    nodes, levels = now["from_paths"]["nodes"], now["from_paths"]["levels"]
    names = list(found["versions"])
    text = [
        "# A taxonomy of a million categories",
        "",
        "Made by `python benchmarks/speed/taxonomy.py`. Seconds of processor time, one thread; loading: medians.",
        f'"Before" is commit {found["before"]}.' if "before" in names else "",
        "",
        found["machine"],
        "",
        f"{found['leaves']:,} leaves, {nodes:,} nodes on {levels} levels; every fifth has a description.",
        "",
        f"| | {' | '.join(names)} |",
        f"| --- |{' --: |' * len(names)}",
    ]
    for label, step, what in ROWS:
        text.append(f"| {label} | {' | '.join(_cell(found['versions'][name], step, what) for name in names)} |")
    text += ["", f"| memory | {' | '.join(names)} |", f"| --- |{' --: |' * len(names)}"]
    for label, step, what in (
        ("`from_paths`, beyond the paths", "from_paths", "more_mb"),
        ("reading the CSV", "from_codes", "more_mb"),
        ("loading from JSON, at most", "load_json", "peak_more_mb"),
        ("loaded from JSON, private", "load_json", "private_mb"),
        ("loaded from arrays, private", "load_arrays", "private_mb"),
        ("… with the paths of 100,000 nodes kept", "load_arrays", "private_answering_mb"),
    ):
        cells = [found["versions"][name].get(step, {}).get(what) for name in names]
        text.append(f"| {label} | {' | '.join('–' if one is None else f'{one:,.0f} MB' for one in cells)} |")
    return "\n".join([*text, *_commands(found, names), *_rivals(found)]) + "\n"


def _cell(version: dict[str, Any], step: str, what: str) -> str:
    seconds = version.get(step, {}).get("seconds", {}).get(what)
    return "–" if seconds is None else f"{seconds:.2f}"


def _commands(found: dict[str, Any], names: list[str]) -> list[str]:
    text = ["", f"| command, seconds by the clock | {' | '.join(names)} |", f"| --- |{' --: |' * len(names)}"]
    for command in found["versions"]["now"]["commands"]:
        cells = [found["versions"][name]["commands"].get(command) for name in names]
        text.append(f"| `textaxa {command}` | {' | '.join('–' if one is None else f'{one:.1f}' for one in cells)} |")
    return text


def _rivals(found: dict[str, Any]) -> list[str]:
    measured = {name: one for name, one in found["rivals"].items() if one is not None}
    if not measured:
        return []
    ours = found["versions"]["now"]["from_codes"]
    rows = {"textaxa": ours, **measured}
    text = ["", "| the same CSV | read | ancestors of all nodes | most memory |", "| --- | --: | --: | --: |"]
    for name, one in rows.items():
        told = one["seconds"]
        reading = told["read_codes"] + told.get("no_cycle", 0)
        text.append(
            f"| {name.replace('_', ' ')} | {reading:.1f} | {told['ancestors']:.2f} | {one['peak_mb']:,.0f} MB |"
        )
    remark = "The others check nothing, networkx only that there is no cycle; our memory includes a check and a diff."
    return [*text, "", remark]


if __name__ == "__main__":
    main()
