"""What a run keeps in its output of itself: its plan, and what is known of every piece that is done.

It decides whether an output is free, is gone on with, is replaced, or is somebody else's.
"""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from textaxa._version import __version__
from textaxa.distributed._claim import LEASE_FILE
from textaxa.distributed._pieces import KEPT, Task, done_name, done_numbers, part_name, sum_of
from textaxa.distributed._plan import Input
from textaxa.distributed._storage import Storage
from textaxa.errors import ConfigError, ModelFileError
from textaxa.jobs._interrupted import LOCK_FILE

PLAN, MANIFEST = f"{KEPT}/plan.json", f"{KEPT}/manifest.json"

_AT_ONCE = 16

_PART = re.compile(r"(\.[0-9a-f]{8}\.)?part-\d{6,}\.")
"""Names of output files, and of those that were being written."""

_BEING_WRITTEN = re.compile(r"\.[0-9a-f]{8}\.")

Entry = dict[str, Any]


def refuse_strangers(place: Storage) -> None:
    """Make sure that an output is empty, or of a run like this one.

    Raises
    ------
    ConfigError
        It holds something else.
    DataError
        It is a file.
    """
    if _plan_in(place) is None and not (place.is_empty() or _hardly_begun(place)):
        raise ConfigError(
            f"The output {place.address!r} is there already, and is not of a run of textaxa. Name another folder."
        )


def begin(place: Storage, plan: Entry, *, overwrite: bool, restart: bool) -> dict[int, Entry]:
    """Give what is done already of a plan, and keep the plan.

    Raises
    ------
    ConfigError
        The output holds a run with another plan.
    """
    kept = _plan_in(place)
    whole = place.exists(MANIFEST)
    if kept == plan and not restart and not (whole and overwrite):
        return {} if not plan["pieces"] else _done(place, plan)
    if kept is not None and not (overwrite or restart):
        what = "a finished run" if whole else "an interrupted run"
        changed = ", ".join(name for name in plan if plan[name] != kept.get(name)) or "nothing"
        raise ConfigError(
            f"The output {place.address!r} holds {what} with other {changed}. Name another folder, or add --overwrite "
            "to replace it."
        )
    _clear(place)
    place.write_json(PLAN, plan)
    return {}


def sweep(place: Storage) -> None:
    """Remove what workers were writing when they were killed."""
    for folder in ("", f"{KEPT}/", f"{KEPT}/done/"):
        for name in place.names(folder.rstrip("/")):
            if _BEING_WRITTEN.match(name) and (folder or _PART.match(name)):
                place.remove(folder + name)


def _plan_in(place: Storage) -> Entry | None:
    """Give the plan of an output; None where there is none, or something else under its name."""
    found = place.read_json(PLAN)
    return found if isinstance(found, dict) else None


def _hardly_begun(place: Storage) -> bool:
    """Tell whether all that is here was left by a run that was killed before it had a plan."""
    claims = (LOCK_FILE, LEASE_FILE)
    return place.names("") == [KEPT] and all(name in claims or _BEING_WRITTEN.match(name) for name in place.names(KEPT))


def _clear(place: Storage) -> None:
    """Remove the parts of a run before: first what says that they are whole."""
    place.remove(MANIFEST)
    place.remove(f"{KEPT}/done")
    for name in place.names(""):
        if _PART.match(name):
            place.remove(name)


def _done(place: Storage, plan: Entry) -> dict[int, Entry]:
    """Give what is known of the pieces that are done: those whose file is there, too, as it was written."""
    numbers = [number for number in done_numbers(place) if number < len(plan["pieces"])]

    def known(number: int) -> Entry | None:
        entry = place.read_json(done_name(number))
        part = part_name(number, plan["options"]["format"])
        if not isinstance(entry, dict) or entry.get("sum") != sum_of(entry):  # a bit may have flipped in it
            return None
        return entry if _is_as_written(place, part, entry) else None

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = dict(zip(numbers, threads.map(known, numbers), strict=True))
    return {number: entry for number, entry in found.items() if entry is not None}


def _is_as_written(place: Storage, part: str, entry: Entry) -> bool:
    """Compare a part with its record: by the store's own checksum, which costs nothing, else byte by byte."""
    if place.size(part) != entry.get("bytes"):
        return False
    mark = place.mark(part)
    if mark is not None and entry.get("mark") is not None:
        return bool(mark == entry["mark"])
    return place.sha256(part) == entry.get("sha256")


def plan_of(task: Task, found: Input) -> Entry:
    """Give what must be the same to go on, as JSON gives it back."""
    options = {name: value for name, value in vars(task).items() if name not in ("model", "output")}
    plan = {
        "textaxa": __version__,
        "model": _sum_of_model(task.model),
        "options": options | {"choice": repr(task.choice)},
        "files": found.files,
        "pieces": [piece.to_dict() for piece in found.pieces],
    }
    return dict(json.loads(json.dumps(plan)))


def _sum_of_model(address: str) -> str:
    """Give the checksum of a model's ``config.json``, which holds those of its other files."""
    storage = Storage(address)
    try:
        return hashlib.sha256(storage.fs.cat_file(f"{storage.path.rstrip('/')}/config.json")).hexdigest()
    except (OSError, ValueError) as error:
        raise ModelFileError(
            f"There is no model at {address!r}: its config.json cannot be read. Name the folder of a model."
        ) from error
