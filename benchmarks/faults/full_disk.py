"""Commands on a disk that is full in the middle, and again once there is room: is anything lost or half written?

    python benchmarks/faults/full_disk.py          # as root on Linux: the disk is a tmpfs of a few kilobytes
    python benchmarks/faults/full_disk.py --dry    # two sizes of each; nothing is written

Each command runs on disks with so much free room, from none to what it needs. It has to tell what is wrong (an error of
textaxa's, or the system's own, which the command line turns into one paragraph), and what was there before has to be
whole. Then the disk gets room, the command is given again, and its result is compared with that of an undisturbed run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _dying import run_killed
from _machine import describe
from _material import Material, made
from _subjects import BrokenError, Subject, subjects
from kills import measured

RESULTS = Path(__file__).resolve().parents[1] / "results"
TOLD = {"ModelFileError", "DataError", "ConfigError", "OSError", "Error"}
"""Errors that the command line tells in one paragraph; `shutil.Error` is an `OSError`."""
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)
"""Of the room that an undisturbed run leaves used."""


@contextmanager
def disk(place: Path) -> Iterator[None]:
    """Put a disk of its own at a place."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", place], check=True)  # noqa: S607
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)  # noqa: S607


def room(place: Path, size: int | None) -> None:
    """Leave a disk so many bytes of room; None: enough."""
    size = 256 << 20 if size is None else size + used(place)
    subprocess.run(["mount", "-o", f"remount,size={max(4096, size)}", place], check=True)  # noqa: S607


def used(place: Path) -> int:
    """Give the bytes that are taken on a disk."""
    told = subprocess.run(["df", "-B1", "--output=used", place], check=True, capture_output=True, text=True)  # noqa: S607
    return int(told.stdout.split()[-1])


def trial(subject: Subject, material: Material, place: Path, size: int, undisturbed: Any) -> dict[str, Any]:
    """Run a command with so many bytes of room, then with enough; give how both ended."""
    found: dict[str, Any] = {"subject": subject.name, "room": size}
    with disk(place):
        subject.begin(material, place)
        room(place, size)
        first = run_killed(lambda: subject.run(material, place), place)
        found["first"] = first.told.get("error", "done")
        found["message"] = str(first.told.get("message", ""))[:200].replace(str(place), "…")
        room(place, None)
        try:
            found["left"] = subject.state(material, place)
            again = run_killed(lambda: subject.run(material, place), place)
            same = "error" not in again.told and json.loads(json.dumps(subject.result(material, place))) == undisturbed
            found["same"] = same
        except BrokenError as error:
            found |= {"same": False, "broken": str(error)}
    return found


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Give a table of counts, a row a command."""
    lines = ["| command | disks | done all the same | told | other errors | then as undisturbed |"]
    lines.append("| --- | --: | --: | --: | --: | --: |")
    for name in subjects():
        own = [row for row in rows if row["subject"] == name]
        if not own:
            continue
        ended = Counter("done" if row["first"] == "done" else row["first"] in TOLD for row in own)
        counts = (len(own), ended["done"], ended[True], ended[False], sum(row["same"] for row in own))
        lines.append(f"| {name} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true")
    dry, rows = parser.parse_args().dry, []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        material = made(Path(folder) / "material", rows=240, texts=400 if dry else 6_000)
        for subject in subjects().values():
            scratch = Path(folder) / subject.name.replace(" ", "")
            scratch.mkdir()
            undisturbed, _, _ = measured(subject, material, scratch)
            most = sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file())
            for share in SHARES[2:8:4] if dry else SHARES:
                place = scratch / str(share)
                rows.append(trial(subject, material, place, int(share * most), undisturbed))
                print(rows[-1])
    if not dry:
        (RESULTS / "faults_disk.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        lines = ["# Commands on a full disk, and again with room", "", describe(), "", HOW, "", report(rows)]
        (RESULTS / "faults_disk.md").write_text("\n".join(lines), encoding="utf-8")


HOW = """Each command ran on tmpfs disks with 0 to 95 % of the room that its result takes. *Told*: an error of textaxa
or of the system, which the command line tells in one paragraph. After each, what was there before was whole (a model
loads), and with room the command, given again, gave the result of an undisturbed run. Made by
`benchmarks/faults/full_disk.py`."""


if __name__ == "__main__":
    main()
