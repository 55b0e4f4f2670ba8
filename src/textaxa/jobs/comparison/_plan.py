"""The plan of a comparison and its folder: what is compared, and whether what lies there belongs to it.

::

    compare/
    ├── plan.json       rows, taxonomy and settings by which a comparison is known, and what it was told
    ├── runs/           one JSON and one NPZ a finished run; checkpoints of the run that was interrupted
    ├── models/         the model of every first run, ready for `textaxa predict`
    ├── vectors/        text vectors of a frozen encoder, until all runs are finished
    └── result.json     what ``--json`` prints

Finished runs stay valid while rows, taxonomy and settings are the same. Models and seeds may be added.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textaxa._version import __version__
from textaxa.config import Config
from textaxa.data import Examples, rows_fingerprint
from textaxa.errors import ConfigError
from textaxa.jobs._interrupted import LOCK_FILE, held
from textaxa.taxonomy import Taxonomy

FORMAT = "textaxa-comparison"
PLAN, RUNS, MODELS, VECTORS, RESULT = "plan.json", "runs", "models", "vectors", "result.json"

_SAME = {
    "textaxa": "textaxa's version",
    "task": "the task",
    "rows": "the rows",
    "taxonomy_sum": "the taxonomy",
    "time_a_run": "the time for each run",
}
"""What must be the same for finished runs to count, and how it is called."""

_SECTIONS = ("encoder", "head", "training")


@dataclass(frozen=True)
class Plan:
    """What a comparison is told.

    Attributes
    ----------
    config
        Tables, columns, and the settings that all models share.
    models
        As they were written; empty for the default set.
    seeds
        Runs a model; their seeds count up from ``config.training.seed``.
    test
        A table of test rows; None: `test_share` of the rows is held out.
    test_share
        In (0, 1).
    time_budget
        Seconds of training, shared evenly by all runs; None: each trains to its end.
    """

    config: Config
    models: tuple[str, ...] = ()
    seeds: int = 3
    test: str | None = None
    test_share: float = 0.2
    time_budget: float | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise ConfigError(f"seeds = {self.seeds} is too small: it must be at least 1.")
        if self.test is None and not 0 < self.test_share < 1:
            raise ConfigError(
                f"test_share = {self.test_share} must lie between 0 and 1, for example 0.2: the models are compared on "
                "these rows. Or give a table of test rows (--test)."
            )
        if self.time_budget is not None and self.time_budget <= 0:
            raise ConfigError(f"time_budget = {self.time_budget} is too small: it must be above 0.")

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values; files are named from the root, so that it can be resumed from anywhere."""
        return {
            "config": self.config.with_files(_from_the_root).to_dict(),
            "models": list(self.models),
            "seeds": self.seeds,
            "test": self.test if self.test in (None, "-") else _from_the_root(self.test),
            "test_share": self.test_share,
            "time_budget": self.time_budget,
        }


@dataclass(frozen=True)
class Material:
    """The rows of a comparison, the same for all models and seeds.

    Attributes
    ----------
    training, valid, test
        Rows to train on, to choose the epoch by, and to compare on; ``valid`` may be empty.
    taxonomy
        Of the labels of all three.
    task
        ``single`` or ``multi``.
    """

    training: Examples
    valid: Examples
    test: Examples
    taxonomy: Taxonomy
    task: str

    def fingerprint(self) -> str:
        """Name the rows by their texts, labels and sides."""
        sides = (self.training, self.valid, self.test)
        sums = "|".join(rows_fingerprint(rows.texts, rows.labels) for rows in sides)
        return hashlib.sha256(sums.encode()).hexdigest()


def recorded_plan(out: Path) -> dict[str, Any]:
    """Give what the comparison in a folder was told, as `Plan.to_dict` has it.

    Raises
    ------
    ConfigError
        There is none, or it is damaged.
    """
    if not (out / PLAN).is_file():
        raise ConfigError(
            f"There is no comparison to resume in {str(out)!r}: it has no {PLAN}. Check --out, or start without "
            "--resume."
        )
    plan: dict[str, Any] = _read(out)["plan"]
    return plan


@contextmanager
def claimed(out: Path, plan: Plan, material: Material, *, time_a_run: float | None, overwrite: bool) -> Iterator[str]:
    """Have the folder of a comparison for a block; gives the fingerprint that its runs carry.

    Raises
    ------
    ConfigError
        Another process compares there, or the folder holds something else: not a comparison, or one of other rows,
        another taxonomy or other settings.
    """
    check_folder(out)
    with held(out):
        mark = {
            "textaxa": __version__,
            "task": material.task,
            "rows": material.fingerprint(),
            "taxonomy_sum": material.taxonomy.fingerprint,
            "time_a_run": time_a_run,
        }
        if overwrite:
            _empty(out)
        if (out / PLAN).is_file():
            _refuse_other(out, _read(out), mark, plan.to_dict())
        for name in (RUNS, MODELS):
            (out / name).mkdir(exist_ok=True)
        write_json(out / PLAN, {"format": FORMAT, **mark, "plan": plan.to_dict()})
        yield hashlib.sha256(json.dumps(mark, sort_keys=True).encode()).hexdigest()


def check_folder(out: Path) -> None:
    """Refuse a place that is somebody's own.

    Raises
    ------
    ConfigError
        It is a file, or a folder with something in it that is not a comparison.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"The output {str(out)!r} is a file, but a comparison is a folder. Name another one (--out).")
    if not out.is_dir() or (out / PLAN).is_file():
        return
    if any(found.name != LOCK_FILE for found in out.iterdir()):
        raise ConfigError(
            f"The folder {str(out)!r} holds something that is not a comparison, so it is left alone. Name another one "
            "(--out)."
        )


def write_json(file: Path, value: Any) -> None:
    """Write a file that is whole or not there."""
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)


def _read(out: Path) -> dict[str, Any]:
    file = out / PLAN
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("plan"), dict):
        raise ConfigError(
            f"{str(file)!r} is damaged, or of something else. Name another folder (--out), or remove this one."
        )
    return found


def _refuse_other(out: Path, found: Mapping[str, Any], mark: Mapping[str, Any], plan: Mapping[str, Any]) -> None:
    changed = [called for name, called in _SAME.items() if found.get(name) != mark[name]]
    changed += _changed_settings(found["plan"], json.loads(json.dumps(plan)))
    if changed:
        raise ConfigError(
            f"The comparison in {str(out)!r} was another one: {'; '.join(changed)} changed. Its finished runs cannot "
            "stand beside new ones. Give the same as before, name another folder (--out), or give it up (--overwrite)."
        )


def _changed_settings(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changed = []
    for section in _SECTIONS:
        old, new = before.get("config", {}).get(section, {}), now["config"][section]
        changed += [
            f"{section}.{name} (it was {json.dumps(old.get(name))}, now it is {json.dumps(value)})"
            for name, value in (dict.fromkeys(old) | new).items()
            if old.get(name) != value
        ]
    return changed


def _empty(out: Path) -> None:
    for name in (RUNS, MODELS, VECTORS):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in (PLAN, RESULT):
        (out / name).unlink(missing_ok=True)


def _from_the_root(name: str) -> str:
    return str(Path(name).resolve())
