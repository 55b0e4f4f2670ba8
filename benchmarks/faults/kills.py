"""Commands that are killed with SIGKILL at random, and then run again: is anything lost, doubled or half written?

    python benchmarks/faults/kills.py                    # 50 moments of each command; goes on where it was stopped
    python benchmarks/faults/kills.py train --moments 10
    python benchmarks/faults/kills.py --dry              # two moments of each; nothing is written

Half of the moments are drawn in time, up to the duration of an undisturbed run; half are drawn among the changes that
the command makes to the disk (a file opened to be written, a rename, a removal, …), just before which it is killed. In
every third trial the second run is killed, too. After each kill what is there is looked at: a model that is there must
load, and be the old one or the new one. Then the command is given again as a person would, with ``--resume`` where the
message asks for it. The result must be that of an undisturbed run: the same steps and the same probabilities to the
last bit, the same bytes, all confirmed corrections once.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _dying import Ended, Moment, run_killed
from _material import Material, made
from _subjects import BrokenError, Subject, is_litter, subjects

EARLIER = (1.0, 0.6, 0.3, 0.1)
"""A trial whose run had ended before it could be killed is made again, with an earlier moment."""

RESULTS = Path(__file__).resolve().parents[1] / "results"
HOW = """Half of the moments are drawn in time, half among the changes that a command makes to the disk. In every third
trial the second run is killed, too. Then the command is given again, and its result compared with that of an
undisturbed run: the same epoch kept and the same probabilities to the last bit, the same bytes, all confirmed
corrections once, and no file left beside them. *Killed in work*: the process had not ended before. *Left*: what a kill
left behind; a model that is there has to load, and be the old or the new one. `migrate`, `export` and `calibrate` get a
model to replace. *With litter*: killed when the new model was in its place and the old one was not yet
removed, which lies in a hidden folder beside it until the next save there; or in the middle of a table of `migrate`,
whose hidden half stays. `predict` saves after every 512 rows, not every
two seconds. Made by `benchmarks/faults/kills.py`."""


def trial(
    subject: Subject, material: Material, place: Path, moments: Sequence[Moment], undisturbed: Any
) -> dict[str, Any]:
    """Kill a command at each of some moments, one run after the other, let the last run end, and compare."""
    place.mkdir()
    subject.begin(material, place)
    found: dict[str, Any] = {"subject": subject.name, "moments": [vars(one) for one in moments], "states": []}
    try:
        for moment in moments:
            ended = run_killed(lambda: subject.run(material, place), place, moment)
            if "error" in ended.told:
                return found | {
                    "fault": f"{ended.told['error']}: {ended.told['message']}",
                    "trace": ended.told["trace"],
                }
            found["states"].append(subject.state(material, place) if ended.killed else "ended")
        last = run_killed(lambda: subject.run(material, place), place)
        if "error" in last.told or last.killed:
            return found | _fault(last)
        found["then"] = last.told["value"]
        found["litter"] = sum(map(is_litter, place.iterdir()))
        result = _plain(subject.result(material, place))
        if result != undisturbed:
            found["fault"] = f"another result: {result}, undisturbed {undisturbed}"
    except BrokenError as error:
        found["fault"] = f"broken: {error}"
    return found


def _fault(ended: Ended) -> dict[str, Any]:
    return {"fault": f"{ended.told.get('error')}: {ended.told.get('message')}", "trace": ended.told.get("trace")}


def measured(subject: Subject, material: Material, folder: Path) -> tuple[Any, float, int]:
    """Give the result of an undisturbed run, its seconds, and how many changes it makes to the disk."""
    place = folder / "undisturbed"
    place.mkdir()
    subject.begin(material, place)
    ended = run_killed(lambda: subject.run(material, place), place)
    if "error" in ended.told:
        raise SystemExit(f"{subject.name} fails undisturbed: {ended.told['trace']}")
    return _plain(subject.result(material, place)), ended.seconds, ended.told["changes"]


def moments_of(number: int, seconds: float, changes: int, *, seed: str) -> list[Moment]:
    """Draw when the process, and in every third trial the next one, too, is killed."""
    draw = random.Random(f"{seed} {number}")  # noqa: S311 - not for secrets
    first = Moment(change=draw.randint(1, changes)) if number % 2 else Moment(seconds=draw.uniform(0, seconds))
    second = Moment(seconds=draw.uniform(0, seconds))
    return [first, second] if number % 3 == 2 else [first]


def run(subject: Subject, material: Material, wanted: Sequence[int], keep: Path | None) -> list[dict[str, Any]]:
    """Run trials; each is written down as soon as it has ended."""
    done = []
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        undisturbed, seconds, changes = measured(subject, material, Path(scratch))
        for number in wanted:
            place = Path(scratch) / str(number)
            for earlier in EARLIER:
                moments = moments_of(number, earlier * seconds, changes, seed=subject.name)
                found = {"trial": number} | trial(subject, material, place, moments, undisturbed)
                shutil.rmtree(place, ignore_errors=True)
                if "fault" in found or set(found["states"]) != {"ended"}:
                    break
            done.append(found)
            print(subject.name, number, found["states"], found.get("then", {}).get("did"), found.get("fault", "ok"))
            if keep is not None:
                with keep.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(found) + "\n")
    return done


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Give a table of counts, a row a command."""
    lines = [
        "| command | trials | killed in work | left: nothing yet | a part to go on with | all of it | lost, doubled or "
        "half written | with litter |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name in subjects():
        own = [row for row in rows if row["subject"] == name]
        if not own:
            continue
        states = Counter(state for row in own for state in row["states"])
        kills = sum(states[state] for state in ("nothing", "part", "whole"))
        faults = sum("fault" in row for row in own)
        counts = (
            len(own),
            kills,
            states["nothing"],
            states["part"],
            states["whole"],
            faults,
            sum(bool(row.get("litter")) for row in own),
        )
        lines.append(f"| {name} | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="*", help=", ".join(subjects()))
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--dry", action="store_true")
    options = parser.parse_args()
    file = RESULTS / "faults.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        material = made(Path(folder), rows=240, texts=400 if options.dry else 6_000)
        for name in options.commands or subjects():
            known = {row["trial"] for row in rows if row["subject"] == name and not options.dry}
            wanted = [number for number in range(2 if options.dry else options.moments) if number not in known]
            if wanted:
                rows += run(subjects()[name], material, wanted, None if options.dry else file)
    if not options.dry:
        write(rows)


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Write the table beside the rows."""
    from _machine import describe

    lines = ["# Commands killed with SIGKILL, and run again", "", describe(), "", HOW, "", report(rows)]
    (RESULTS / "faults.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
