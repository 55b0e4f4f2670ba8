"""``textaxa compare``: one table and several models in; scores, costs, tests and a recommendation out."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.config import Config, DataSettings, read_config
from textaxa.data import Columns, Examples, read_examples, require_two_classes, split_examples, taxonomy_of_labels
from textaxa.errors import ConfigError, DataError, ModelFileError, TextaxaError
from textaxa.jobs._listener import Event, Interrupted, Listener, nobody
from textaxa.jobs.comparison._models import ComparedModel, default_models, parse_models
from textaxa.jobs.comparison._plan import (
    MODELS,
    RESULT,
    VECTORS,
    Material,
    Plan,
    check_folder,
    claimed,
    recorded_plan,
    write_json,
)
from textaxa.jobs.comparison._result import Comparison, compared, require_pandas
from textaxa.jobs.comparison._runs import Run, Workplace, finished_run, train_run
from textaxa.jobs.comparison._vectors import SharedVectors
from textaxa.jobs.train import require_packages
from textaxa.taxonomy import read_taxonomy

if TYPE_CHECKING:
    import pandas as pd

_LABEL_FORMS = ("labels", "path", "paths")


def compare(
    data: Any = None,
    columns: Columns | Mapping[str, Any] | None = None,
    *,
    models: Sequence[str] = (),
    test: Any = None,
    test_share: float = 0.2,
    seeds: int = 3,
    time_budget: float | None = None,
    config: Config | str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    listener: Listener = nobody,
) -> "pd.DataFrame":
    """Compare models on the same rows, with the same seeds, and recommend one.

    Parameters
    ----------
    data
        Rows with labels: anything that `textaxa.data.read_examples` reads; left out, the configuration's table.
    columns
        Which columns hold what: a `Columns`, or its fields; left out, the configuration's.
    models
        ``chained``, or with settings ``chained:feed=true,training.epochs=5``; left out, every usual one for the task.
    test
        Rows to compare on; left out, ``test_share`` of the rows is held out.
    seeds
        Runs a model; they differ in the order of rows, dropout and the initial head, never in the split.
    time_budget
        Seconds of training, shared evenly by all runs; left out, each trains to its end.
    config
        Settings that all models share (taxonomy, encoder, training), or the name of a configuration file.
    out
        Folder for finished runs and models, from which a comparison that was stopped goes on; left out, nothing stays.
    overwrite
        Give up the comparison that is in ``out``.
    listener
        Is told how far the comparison is, as plain mappings.

    Returns
    -------
    A pandas data frame, one row a model, the best first. ``frame.attrs["recommendation"]`` is the paragraph of advice,
    ``frame.attrs["recommended"]`` the model's name or None.

    Raises
    ------
    ConfigError
        Unknown models or settings; no labels named; ``out`` holds something else.
    DataError
        The table or its labels cannot be used; all faults are told together.
    Interrupted
        Ctrl-C; the message says what was kept.
    """
    require_pandas()
    base = config if isinstance(config, Config) else read_config(config)
    named = str(data) if isinstance(data, str | Path) else base.data.table if data is None else None
    shared = replace(base, data=replace(_with_columns(base.data, columns), table=named))
    held_out = str(test) if isinstance(test, str | Path) else None
    plan = Plan(shared, tuple(models), seeds, held_out, test_share, time_budget)
    table, tested = None if named else data, None if held_out else test
    if out is not None:
        return run_plan(plan, out, table=table, test=tested, overwrite=overwrite, listener=listener).frame()
    with tempfile.TemporaryDirectory(prefix="textaxa-compare-") as place:
        try:
            result = run_plan(plan, place, table=table, test=tested, listener=listener)
        except Interrupted:
            raise Interrupted("Stopped; nothing is kept. With out=FOLDER, finished runs are.") from None
    return result.frame().drop(columns="folder")


def run_plan(
    plan: Plan,
    out: str | Path,
    *,
    table: Any = None,
    test: Any = None,
    overwrite: bool = False,
    resume: bool = False,
    listener: Listener = nobody,
) -> Comparison:
    """Run what is not yet finished of a comparison, and give the whole result.

    Parameters
    ----------
    plan
        What to compare.
    out
        The comparison's folder. One of the same rows and settings is gone on with; its finished runs count.
    table, test
        Rows that are not in a file; left out, the plan's tables are read.
    overwrite
        Give up the comparison that is there.
    resume
        There must be one to go on with.
    listener
        Is told ``data``, ``plan``, ``run`` (with ``status``), what training tells, and ``comparing``.

    Raises
    ------
    ConfigError, DataError, Interrupted
        As `compare`.
    """
    folder = Path(out)
    check_folder(folder)
    if resume:
        recorded_plan(folder)
    models, left_out = _models(plan, _task(plan))
    for one in models:
        require_packages(one.config)
    material = _material(plan, table, test)
    _tell_plan(listener, plan, material, models, left_out)
    time_a_run = None if plan.time_budget is None else plan.time_budget / (len(models) * plan.seeds)
    with claimed(folder, plan, material, time_a_run=time_a_run, overwrite=overwrite) as fingerprint:
        place = Workplace(folder, fingerprint, material, SharedVectors(folder / VECTORS), time_a_run)
        runs = _Runs(place, models, _seeds(plan), listener)
        try:
            return _finish(place, runs, left_out)
        except KeyboardInterrupt:
            raise Interrupted(runs.kept()) from None


def _finish(place: Workplace, runs: "_Runs", left_out: Mapping[str, str]) -> Comparison:
    finished, failed = runs.all()
    shutil.rmtree(place.out / VECTORS, ignore_errors=True)
    runs.listener({"event": "comparing"})
    result = compared(
        place.material,
        finished,
        models=runs.models,
        folders={one.name: str(place.out / MODELS / one.file_name) for one in runs.models},
        seeds=runs.seeds,
        failed=failed,
        left_out=left_out,
    )
    write_json(place.out / RESULT, result.to_dict())
    return result


def resumed_plan(out: str | Path, overrides: Mapping[str, Mapping[str, Any]], **changed: Any) -> Plan:
    """Give the plan of the comparison in a folder, with what is given laid over it.

    Parameters
    ----------
    out
        The comparison's folder.
    overrides
        Sections of the configuration; None there means "as it was".
    changed
        Fields of `Plan`; None means "as it was".

    Raises
    ------
    ConfigError
        There is no comparison.
    """
    values = recorded_plan(Path(out))
    sections = values.pop("config")
    for name, section in overrides.items():
        sections[name] = {**sections.get(name, {}), **{k: v for k, v in section.items() if v is not None}}
    config = Config.from_dict(sections, source=f"the comparison in {out}")
    fields: dict[str, Any] = values | {name: value for name, value in changed.items() if value is not None}
    return Plan(config, **{**fields, "models": tuple(fields["models"])})


class _Runs:
    """All runs of a comparison, one after the other: every model with the first seed, then with the next."""

    def __init__(
        self, place: Workplace, models: Sequence[ComparedModel], seeds: Sequence[int], listener: Listener
    ) -> None:
        self.place = place
        self.models = models
        self.seeds = seeds
        self.listener = listener
        self.finished: dict[str, list[Run]] = {}
        self.failed: dict[str, str] = {}

    def all(self) -> tuple[dict[str, list[Run]], dict[str, str]]:
        """Run what is not finished; give the runs of every model that has all, and why others have not."""
        for seed in self.seeds:
            for model in self.models:
                if model.name not in self.failed:
                    self._one(model, seed)
        whole = {name: runs for name, runs in self.finished.items() if name not in self.failed}
        if not whole:
            told = "; ".join(f"{name}: {reason}" for name, reason in self.failed.items())
            raise ConfigError(f"No model could be trained. {told}")
        return whole, self.failed

    def _one(self, model: ComparedModel, seed: int) -> None:
        about = {"event": "run", "model": model.name, "seed": seed}
        run, status = finished_run(self.place, model, seed), "kept"
        if run is None:
            self.listener(about | {"status": "started"})
            try:
                first = seed == self.seeds[0]
                run, status = train_run(self.place, model, seed, keep=first, listener=self._forward(about)), "done"
            except ModelFileError:
                raise  # a full disk is no fault of the model
            except TextaxaError as error:
                self.failed[model.name] = str(error)
                self.listener(about | {"status": "failed", "reason": str(error)})
                return
        self.finished.setdefault(model.name, []).append(run)
        told = {"train_seconds": run.train_seconds, "stopped_by_time": run.stopped_by_time, **run.scores}
        self.listener(about | {"status": status} | told)

    def _forward(self, about: Event) -> Listener:
        """Give a listener for one run's training, whose events then say which run they are of."""
        return lambda event: self.listener(event | {"model": about["model"], "seed": about["seed"]})

    def kept(self) -> str:
        """Say what stays after a stop, and how to go on."""
        n = sum(map(len, self.finished.values()))
        out = self.place.out
        return (
            f"Stopped; {n} of {len(self.models) * len(self.seeds)} runs are finished and kept in {str(out)!r}. "
            f"Go on with: textaxa compare --resume --out {out}"
        )


def _seeds(plan: Plan) -> list[int]:
    first = plan.config.training.seed
    return list(range(first, first + plan.seeds))


def _task(plan: Plan) -> str:
    return "multi" if plan.config.data.paths else "single"


def _models(plan: Plan, task: str) -> tuple[list[ComparedModel], dict[str, str]]:
    return (parse_models(plan.models, plan.config, task), {}) if plan.models else default_models(plan.config, task)


def _with_columns(data: DataSettings, columns: Columns | Mapping[str, Any] | None) -> DataSettings:
    if columns is None:
        return data
    given: dict[str, Any] = asdict(columns) if isinstance(columns, Columns) else dict(columns)
    if any(name in given for name in _LABEL_FORMS):
        data = replace(data, labels=(), path=None, paths=())
    for name in ("text", "labels", "paths"):
        if isinstance(given.get(name), str):
            given[name] = (given[name],)
    return replace(data, **given)


def _material(plan: Plan, table: Any, test: Any) -> Material:
    """Read the rows and part them, test rows first: neither models nor seeds change the sides."""
    data, config = plan.config.data, plan.config
    columns = data.columns()
    if table is None and data.table is None:
        raise ConfigError("No table is named. Give it on the command line, or as `table` in [data].")
    if not columns.has_labels:
        raise ConfigError(
            "No label columns are named. Give --labels category,subcategory (one column a level), --path COLUMN "
            "(one path a row), or --paths COLUMN (several paths a row)."
        )
    given = None
    if config.taxonomy.file is not None:
        given = read_taxonomy(config.taxonomy.file, format=config.taxonomy.format, separator=columns.separator)
    how: dict[str, Any] = {"format": data.format, "encoding": data.encoding, "delimiter": data.delimiter}

    def read(source: Any) -> Examples:
        return read_examples(source, columns, taxonomy=given, **how)

    rest = read(data.table if table is None else table)
    require_two_classes(rest)
    seed = config.training.seed
    if test is not None or plan.test is not None:
        tested = read(plan.test if test is None else test)
    else:
        rest, tested = _test_rows(rest, plan.test_share, seed)
    if data.valid is not None:
        training, valid = rest, read(data.valid)
    else:
        training, valid = (rest.select(side) for side in split_examples(rest, config.training.valid_share, seed=seed))
    taxonomy = taxonomy_of_labels((*training.labels, *valid.labels, *tested.labels), given)
    return Material(training, valid, tested, taxonomy, _task(plan))


def _test_rows(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    try:
        rest, tested = split_examples(examples, share, seed=seed)
    except DataError as error:
        raise DataError(
            f"No test rows can be held out of {examples.source}: every path has one row, or its rows belong together "
            "(same group or same text). Add rows, or give a table of test rows (--test)."
        ) from error
    return examples.select(rest), examples.select(tested)


def _tell_plan(
    listener: Listener,
    plan: Plan,
    material: Material,
    models: Sequence[ComparedModel],
    left_out: Mapping[str, str],
) -> None:
    listener(
        {"event": "data", "rows": len(material.training), "valid_rows": len(material.valid)}
        | {"test_rows": len(material.test), "nodes": len(material.taxonomy), "levels": material.taxonomy.n_levels}
        | {"source": material.training.source}
    )
    names = [one.name for one in models]
    listener({"event": "plan", "models": names, "seeds": _seeds(plan), "left_out": dict(left_out)})
