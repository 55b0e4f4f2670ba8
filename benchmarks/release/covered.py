"""What share of lines and branches the tests run, room by room, from the data that `make coverage` has just gathered.

    python -m pytest --cov --cov-report= && python benchmarks/release/covered.py

Writes benchmarks/results/coverage.md, and ends with a status of 1 below the aims: 88 % of all, 95 % of the light core.
Processes that tests start are not counted, so what runs only there (workers, several processes) looks uncovered.
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from _machine import describe  # noqa: E402 - from the folder above

PAGE = ROOT / "benchmarks" / "results" / "coverage.md"
AIMS = {"all": 88.0, "the light core": 95.0}
LIGHT = (
    *("settings", "taxonomy", "data", "feedback", "decoding", "calibration", "guarantee", "evaluation", "selection"),
    *("decisions.py", "config.py", "errors.py"),
)
"""What never imports PyTorch; modules of the package itself whose names begin with an underscore, too."""

Counts = Counter[str]


def main() -> None:
    command = [sys.executable, "-m", "coverage", "json", "-q", "-o", "-"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    rooms = by_room(found["files"])
    totals = {
        "all": sum(rooms.values(), Counter()),
        "the light core": sum((one for room, one in rooms.items() if is_light(room)), Counter()),
    }
    PAGE.write_text(page(rooms, totals), encoding="utf-8")
    for name, aim in AIMS.items():
        sys.stdout.write(f"{name}: {share(totals[name]):.1f} %, aim {aim:.0f} %\n")
    sys.exit(any(share(totals[name]) < aim for name, aim in AIMS.items()))


def by_room(files: dict[str, dict]) -> dict[str, Counts]:
    """Add up the counts of files by the folder, or the module, right below the package."""
    rooms: dict[str, Counts] = {}
    for name, told in sorted(files.items()):
        room = Path(name).parts[Path(name).parts.index("textaxa") + 1]
        summary = told["summary"]
        counts = {"lines": summary["num_statements"], "lines run": summary["covered_lines"]}
        counts |= {"branches": summary["num_branches"], "branches run": summary["covered_branches"]}
        rooms.setdefault(room, Counter()).update(counts)
    return rooms


def is_light(room: str) -> bool:
    return room in LIGHT or room.startswith("_")


def share(counts: Counts) -> float:
    """Give the share of lines and branches that ran, in percent, as coverage.py counts it."""
    there = counts["lines"] + counts["branches"]
    return 100.0 * (counts["lines run"] + counts["branches run"]) / there if there else 100.0


def page(rooms: dict[str, Counts], totals: dict[str, Counts]) -> str:
    head = (
        "# Coverage\n\nWritten by `make coverage` (`benchmarks/release/covered.py`): lines and branches that the tests "
        "run. Processes that tests start are not counted. Aims: 88 % of all, 95 % of the light core, which never "
        f"imports PyTorch.\n\n{describe()}\n\n"
    )
    table = ["| part | lines | branches | run |", "| --- | --: | --: | --: |"]
    for name, counts in (totals | rooms).items():
        shown = f"**{name}**" if name in totals else f"`{name}`"
        table.append(f"| {shown} | {counts['lines']:,} | {counts['branches']:,} | {share(counts):.1f} % |")
    return head + "\n".join(table) + "\n"


if __name__ == "__main__":
    main()
