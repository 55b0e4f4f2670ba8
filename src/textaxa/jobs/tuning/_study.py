"""The study of a search: an Optuna study in an SQLite file, which outlives the process that writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna

STUDY = "study.db"
NAME = "textaxa"

START_TRIALS = 5
"""Trials that are drawn at random before the others learn from them; none of them is cut short."""


def open_study(module: Any, folder: Path, seed: int) -> "optuna.Study":
    """Open the study of a folder, or make it."""
    storage = module.storages.RDBStorage(f"sqlite:///{folder / STUDY}")
    study: optuna.Study = module.create_study(
        storage=storage, study_name=NAME, direction="maximize", load_if_exists=True
    )
    # A resumed search must not draw again what it drew at the start.
    study.sampler = module.samplers.TPESampler(seed=seed + len(study.trials), n_startup_trials=START_TRIALS)
    study.pruner = module.pruners.MedianPruner(n_startup_trials=START_TRIALS)
    return study


def ask_again(module: Any, study: "optuna.Study") -> None:
    """Give up trials whose process was killed, and ask for them once more."""
    running = module.trial.TrialState.RUNNING
    for trial in study.get_trials(states=(running,)):
        # In this order: killed in between, it is tried twice rather than never.
        study.enqueue_trial(trial.params, user_attrs=dict(trial.user_attrs))
        study.tell(trial.number, state=module.trial.TrialState.FAIL)


def finished(study: "optuna.Study") -> int:
    """Count trials that ended by themselves; one whose process was killed is tried again."""
    return sum(
        trial.state.name in ("COMPLETE", "PRUNED") or "error" in trial.user_attrs
        for trial in study.get_trials(deepcopy=False)
    )


def best_trial(study: "optuna.Study") -> Any:
    """Give the finished trial with the best score; None where none is finished."""
    done = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    return max(done, key=lambda trial: float(trial.value or 0.0), default=None)


@contextmanager
def quiet(module: Any) -> Iterator[None]:
    """Leave what is told to the listener."""
    before = module.logging.get_verbosity()
    module.logging.set_verbosity(module.logging.ERROR)
    try:
        yield
    finally:
        module.logging.set_verbosity(before)
