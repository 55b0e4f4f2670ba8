"""``textaxa tune``: settings that are good for one table, searched with Optuna. ::

    tuned/
    ├── study.db        the study: `optuna-dashboard sqlite:///tuned/study.db` shows it
    ├── tune.json       what is searched on which rows: another search does not go on here
    ├── vectors/        texts of a frozen encoder, encoded once
    └── best.toml       the best settings so far: textaxa train --config tuned/best.toml --out model/

Rows are split before anything is drawn. Every trial trains on the training rows and is scored on the validation rows;
other rows are never read. Since the best of many trials is chosen by them, its score there flatters it: measure the
trained model on a test table.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa._whole import write_whole
from textaxa.config import Config, read_config
from textaxa.data import Examples
from textaxa.errors import ConfigError, DataError, TextaxaError
from textaxa.heads import check_encoder, needs_encoder
from textaxa.jobs._interrupted import held
from textaxa.jobs._listener import Event, Interrupted, Listener, nobody
from textaxa.jobs._score import score_model
from textaxa.jobs.comparison._vectors import SharedVectors
from textaxa.jobs.train import read_rows, require_packages
from textaxa.jobs.tuning._kept import BEST, best_text, claim, plan_of, with_values
from textaxa.jobs.tuning._space import Choices, Space, default_space, drawn, parse_space, sections
from textaxa.jobs.tuning._study import ask_again, best_trial, finished, open_study, quiet
from textaxa.taxonomy import Taxonomy

if TYPE_CHECKING:
    import optuna

METRICS = ("hierarchical_f1", "path_accuracy")
"""What trials are compared by, on validation rows."""


@dataclass(frozen=True)
class TuneResult:
    """What a search found.

    Attributes
    ----------
    best
        The settings, by section and key, as they were drawn.
    score
        Their score on the validation rows, which chose them.
    first
        The score of the settings as they were given, the first trial.
    trials
        How many trials are done, cut short (pruned) or failed.
    rows, valid_rows
        How many rows trials were trained and scored on.
    file
        The configuration of the best settings.
    """

    best: dict[str, dict[str, Any]]
    score: float
    first: float | None
    trials: dict[str, int]
    rows: int
    valid_rows: int
    file: Path


def tune(
    config: Config | str | Path,
    out: str | Path,
    *,
    search: Sequence[str] = (),
    trials: int = 20,
    time_budget: float | None = None,
    metric: str = "hierarchical_f1",
    overwrite: bool = False,
    listener: Listener = nobody,
) -> TuneResult:
    """Search for good settings. Given again, the same search goes on where it was.

    The first trial has the settings as they are given; the others change what is searched. A trial that falls behind
    the median of the others at the same epoch is cut short.

    Parameters
    ----------
    config
        What to train on and how, or the name of a configuration file.
    out
        The folder of the search.
    search
        ``section.key=LOW..HIGH``, with ``:log`` for a logarithmic scale, or ``section.key=A|B|C``; left out: rates, and
        the choices of the head.
    trials
        How many, those of before among them.
    time_budget
        Seconds after which no trial begins.
    metric
        ``hierarchical_f1`` or ``path_accuracy``, on the validation rows.
    overwrite
        Give up another search that is in ``out``.
    listener
        Is told ``{"event": "trial", "number": n, "score": …, "state": …, "seconds": …, "settings": {…}, "best": …}``.

    Raises
    ------
    ConfigError
        Something that is searched is no setting; ``out`` holds another search; no validation rows.
    DataError
        The table or its labels cannot be used; no trial came to an end.
    MissingExtraError
        Optuna is not installed.
    Interrupted
        Ctrl-C; finished trials are kept.
    """
    module = require("optuna", extra="tune")
    settings = config if isinstance(config, Config) else read_config(config)
    _check(settings, trials, metric)
    folder = Path(out)
    space = parse_space(search) if search else default_space(settings, frozen=_is_frozen(settings))
    _check_space(settings, space)
    require_packages(settings)
    training, valid, taxonomy = _rows(settings)
    with held(folder, doing="searching"):
        claim(folder, plan_of(settings, space, metric, (training, valid, taxonomy)), overwrite=overwrite)
        run = _Search(settings, (training, valid, taxonomy), folder, space=space, metric=metric, listener=listener)
        with quiet(module):
            study = open_study(module, folder, settings.training.seed)
            run.go(module, study, trials, time_budget)
        return run.result(study)


class _Search:
    """Trains and scores trials, and keeps the best."""

    def __init__(
        self,
        config: Config,
        rows: tuple[Examples, Examples, Taxonomy],
        folder: Path,
        *,
        space: Space,
        metric: str,
        listener: Listener,
    ) -> None:
        self.config, self.space, self.metric, self.folder, self.tell = config, space, metric, folder, listener
        self.training, self.valid, self.taxonomy = rows
        self.vectors = SharedVectors(folder / "vectors")

    def go(self, module: Any, study: "optuna.Study", trials: int, time_budget: float | None) -> None:
        """Run trials until there are so many, or the time is over."""
        began = time.monotonic()
        ask_again(module, study)
        if not study.trials:
            study.enqueue_trial({}, user_attrs={"given": True})
        try:
            while finished(study) < trials:
                if time_budget is not None and time.monotonic() - began >= time_budget:
                    return
                self._trial(module, study)
        except KeyboardInterrupt:
            raise Interrupted(
                f"Stopped: {finished(study):,} of {trials:,} trials are done, and kept. Give the same command again "
                "to go on."
            ) from None

    def _trial(self, module: Any, study: "optuna.Study") -> None:
        trial, began = study.ask(), time.monotonic()
        given = bool(trial.user_attrs.get("given"))
        chosen: dict[str, dict[str, Any]] = {} if given else drawn(self.space, trial)
        state, score = module.trial.TrialState.COMPLETE, None
        try:
            score = self._score(module, with_values(self.config, chosen), None if given else trial)
        except module.TrialPruned:
            state = module.trial.TrialState.PRUNED
        except TextaxaError as error:  # values that do not go together, or a rate at which training diverges
            trial.set_user_attr("error", str(error))
            state = module.trial.TrialState.FAIL
        study.tell(trial, score, state=state)
        best = best_trial(study)
        if best is not None and best.number == trial.number:
            self._keep(best)
        self.tell(
            {"event": "trial", "number": trial.number, "score": score, "state": state.name.lower(), "settings": chosen}
            | {"seconds": time.monotonic() - began, "best": None if best is None else best.value}
        )

    def _score(self, module: Any, config: Config, trial: Any) -> float:
        """Train a model and score it; tell the trial how it goes, which may cut it short."""
        from textaxa.training import train_model

        def hear(event: Event) -> None:
            if event["event"] != "validation" or trial is None:
                return
            trial.report(event[self.metric], step=round(float(event["epoch"]) * 100))
            if trial.should_prune():
                raise module.TrialPruned

        model = train_model(
            self.training.texts,
            self.training.labels,
            self.taxonomy,
            task="multi" if config.data.paths else "single",
            encoder=config.encoder,
            head=config.head,
            head_settings=config.head_settings,
            training=config.training,
            valid=(self.valid.texts, self.valid.labels),
            listener=hear,
            vectors=self.vectors if needs_encoder(config.head) and _is_frozen(config) else None,
        )
        found = score_model(model, self.valid.texts, self.valid.labels).to_dict()
        return float(found["hierarchical"]["f1"] if self.metric == "hierarchical_f1" else found["path_accuracy"])

    def _keep(self, best: Any) -> None:
        text = best_text(self.config, sections(best.params), self.metric, float(best.value))
        write_whole(self.folder / BEST, text)

    def result(self, study: "optuna.Study") -> TuneResult:
        """Give what was found.

        Raises
        ------
        DataError
            No trial came to an end.
        """
        best = best_trial(study)
        if best is None:
            why = next((trial.user_attrs["error"] for trial in study.trials if "error" in trial.user_attrs), "")
            raise DataError(f"No trial came to an end. {why or 'Give more time (--time-budget).'}")
        self._keep(best)  # also where the file was lost
        states = [trial.state.name.lower() for trial in study.trials]
        given = next(
            (trial.value for trial in study.trials if trial.user_attrs.get("given") and trial.value is not None), None
        )
        return TuneResult(
            best=sections(best.params),
            score=float(best.value),
            first=given,
            trials={state: states.count(state) for state in ("complete", "pruned", "fail")},
            rows=len(self.training),
            valid_rows=len(self.valid),
            file=self.folder / BEST,
        )


def _is_frozen(config: Config) -> bool:
    return config.encoder.frozen is True or config.training.preset == "fast"


def _check(config: Config, trials: int, metric: str) -> None:
    if trials < 1:
        raise ConfigError(f"trials = {trials} were asked for: it must be at least 1.")
    if metric not in METRICS:
        raise ConfigError(f"metric = {metric!r} is not known. It can be: {', '.join(METRICS)}.")
    if config.data.table is None or not config.data.columns().has_labels:
        raise ConfigError("A search needs a training table and its label columns: TABLE --labels category,subcategory.")
    if config.training.valid_share == 0 and config.data.valid is None:
        raise ConfigError("Trials are compared on validation rows: leave --valid-share above 0, or give --valid TABLE.")
    check_encoder(config.head, config.head_settings, config.encoder)


def _check_space(config: Config, space: Space) -> None:
    """Try the ends of everything that is searched, before hours are spent.

    Raises
    ------
    ConfigError
        One of them is no setting, or not one that it may have.
    """
    for name, where in space.items():
        section, _, key = name.partition(".")
        if section not in ("encoder", "head", "training") or name == "head.name":
            raise ConfigError(f"--search {name}: settings of encoder, head and training can be searched.")
        known = set(
            vars({"encoder": config.encoder, "head": config.head_settings, "training": config.training}[section])
        )
        if key not in known:
            raise ConfigError(f"--search {name}: there is no such setting. Known: {', '.join(sorted(known))}.")
        for value in where.values if isinstance(where, Choices) else (where.low, where.high):
            with_values(config, {section: {key: value}})


def _rows(config: Config) -> tuple[Examples, Examples, Taxonomy]:
    training, valid, taxonomy, _ = read_rows(config, config.data.columns(), {})
    if not len(valid):
        raise DataError("No rows are left to validate on. Give --valid TABLE, or a larger --valid-share.")
    return training, valid, taxonomy
