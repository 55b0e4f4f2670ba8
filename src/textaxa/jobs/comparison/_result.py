"""The result of a comparison, from the answers of its runs: plain values, a data frame, JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from textaxa.errors import MissingExtraError
from textaxa.evaluation import (
    AgainstBest,
    Evaluation,
    SystemComparison,
    compare_systems,
    evaluate_paths,
    majority_paths,
)
from textaxa.jobs.comparison._models import ComparedModel
from textaxa.jobs.comparison._plan import Material
from textaxa.jobs.comparison._recommend import Candidate, Recommendation, recommend
from textaxa.jobs.comparison._runs import Run

if TYPE_CHECKING:
    import pandas as pd

HEADLINES = {"single": ("path_accuracy", "path accuracy"), "multi": ("hierarchical.f1", "hierarchical F1")}
"""By what models are ranked: with several paths a text, a whole answer is right too rarely to tell models apart."""


@dataclass(frozen=True)
class ModelResult:
    """How good a model is, and what it costs.

    Attributes
    ----------
    name
        As it was written.
    evaluation
        Every metric on the test rows: means over the seeds, with 95 % intervals over rows and seeds.
    per_seed
        The headline metric of every run.
    against_best
        The paired test against the best model; None for the best itself.
    train_seconds, texts_per_second, megabytes, parameters
        Means over the runs: time to train it alone, speed from text to path, size of its folder in 10^6 bytes, numbers
        in the model.
    stopped_by_time
        How many of its runs the time budget ended.
    folder
        The model of the first seed.
    """

    name: str
    evaluation: Evaluation
    per_seed: tuple[float, ...]
    against_best: AgainstBest | None
    train_seconds: float
    texts_per_second: float
    megabytes: float
    parameters: int
    stopped_by_time: int
    folder: str | None


@dataclass(frozen=True)
class Comparison:
    """Models compared on the same rows.

    Attributes
    ----------
    metric, metric_name
        The headline metric by its dotted name, and in words.
    models
        The best first.
    recommendation
        Which to use and why.
    majority
        The headline metric of always answering the most frequent label of the training rows.
    seeds
        Of the runs.
    rows, valid_rows, test_rows
        Numbers of rows.
    failed, left_out
        Models without a result, each with the reason.
    """

    metric: str
    metric_name: str
    models: tuple[ModelResult, ...]
    recommendation: Recommendation
    majority: float
    seeds: tuple[int, ...]
    rows: int
    valid_rows: int
    test_rows: int
    source: str
    failed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def evaluations(self) -> dict[str, Evaluation]:
        """Every model's metrics by its name, the best first."""
        return {one.name: one.evaluation for one in self.models}

    def frame(self) -> "pd.DataFrame":
        """Give a pandas data frame, one row a model, the best first; ``attrs["recommendation"]`` has the paragraph.

        Raises
        ------
        MissingExtraError
            pandas is not installed.
        """
        frame: pd.DataFrame = require_pandas().DataFrame([_flat(one) for one in self.models]).set_index("model")
        frame.attrs |= {"recommendation": self.recommendation.text, "recommended": self.recommendation.model}
        frame.attrs |= {"failed": dict(self.failed), "left_out": dict(self.left_out)}
        return frame

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values: what ``textaxa compare --json`` prints."""
        return {
            "metric": self.metric,
            "rows": {"train": self.rows, "valid": self.valid_rows, "test": self.test_rows},
            "seeds": list(self.seeds),
            "majority": self.majority,
            "models": [_nested(one) for one in self.models],
            "failed": dict(self.failed),
            "left_out": dict(self.left_out),
            "recommendation": asdict(self.recommendation),
        }


def require_pandas() -> Any:
    """Import pandas, or say how to install it."""
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "A comparison as a frame needs the package 'pandas', which is not installed. Install it with: "
            "pip install pandas. The command `textaxa compare` does without."
        ) from error
    return pd


def compared(
    material: Material,
    runs: Mapping[str, Sequence[Run]],
    *,
    models: Sequence[ComparedModel],
    folders: Mapping[str, str],
    seeds: Sequence[int],
    failed: Mapping[str, str],
    left_out: Mapping[str, str],
) -> Comparison:
    """Put the result together from the finished runs.

    Parameters
    ----------
    material
        The rows.
    runs
        By the model's name: its runs, one a seed.
    models
        Gives the order of equals.
    folders
        By name: where the first run's model is kept.
    seeds, failed, left_out
        As `Comparison` has them.
    """
    metric, metric_name = HEADLINES[material.task]
    answers = {one.name: [run.answers for run in runs[one.name]] for one in models if one.name in runs}
    found = compare_systems(material.taxonomy, material.test.labels, answers, metric)
    order = sorted(answers, key=lambda name: (name != found.best, -found.evaluations[name].values()[metric]))
    results = tuple(_result(name, runs[name], found, folders.get(name)) for name in order)
    majority = _majority(material, metric)
    return Comparison(
        metric=metric,
        metric_name=metric_name,
        models=results,
        recommendation=recommend(
            [candidate(one, metric) for one in results],
            metric=metric_name,
            n_test=len(material.test),
            majority=majority,
            n_seeds=len(seeds),
        ),
        majority=majority,
        seeds=tuple(seeds),
        rows=len(material.training),
        valid_rows=len(material.valid),
        test_rows=len(material.test),
        source=material.training.source,
        failed=failed,
        left_out=left_out,
    )


def candidate(one: ModelResult, metric: str) -> Candidate:
    """Give what the rules of the recommendation read of a model."""
    value, test = one.evaluation.values()[metric], one.against_best
    return Candidate(
        name=one.name,
        value=value,
        interval=(one.evaluation.intervals or {}).get(metric, (value, value)),
        difference=test.test.difference if test else 0.0,
        difference_interval=test.test.interval if test else (0.0, 0.0),
        p=test.p_corrected if test else 1.0,
        train_seconds=one.train_seconds,
        texts_per_second=one.texts_per_second,
        megabytes=one.megabytes,
        stopped_by_time=one.stopped_by_time > 0,
    )


def _result(name: str, runs: Sequence[Run], found: SystemComparison, folder: str | None) -> ModelResult:
    return ModelResult(
        name=name,
        evaluation=found.evaluations[name],
        per_seed=found.per_run[name],
        against_best=found.tests.get(name),
        train_seconds=float(np.mean([run.train_seconds for run in runs])),
        # The mean of times, not of speeds: how long the test rows take on average.
        texts_per_second=float(1 / np.mean([1 / run.texts_per_second for run in runs])),
        megabytes=float(np.mean([run.megabytes for run in runs])),
        parameters=round(float(np.mean([run.parameters for run in runs]))),
        stopped_by_time=sum(run.stopped_by_time for run in runs),
        folder=folder,
    )


def _majority(material: Material, metric: str) -> float:
    answer = majority_paths(material.training.labels, 1)[0]
    labels = material.test.labels
    found = evaluate_paths(material.taxonomy, labels, [answer] * len(labels), intervals=False)
    return found.values()[metric]


def _costs(one: ModelResult) -> dict[str, Any]:
    names = ("train_seconds", "texts_per_second", "megabytes", "parameters", "stopped_by_time", "folder")
    return {name: getattr(one, name) for name in names}


def _flat(one: ModelResult) -> dict[str, Any]:
    """Give one row of the frame: dots of metrics become underscores."""
    row: dict[str, Any] = {"model": one.name}
    for name, value in one.evaluation.values().items():
        column = name.replace(".", "_")
        row[column] = value
        row[f"{column}_low"], row[f"{column}_high"] = (one.evaluation.intervals or {}).get(name, (value, value))
    test = one.against_best
    row["difference"] = test.test.difference if test else 0.0
    row["difference_low"], row["difference_high"] = test.test.interval if test else (0.0, 0.0)
    row["p"], row["p_corrected"] = (test.test.p, test.p_corrected) if test else (None, None)
    return row | _costs(one)


def _nested(one: ModelResult) -> dict[str, Any]:
    test = one.against_best
    against = None if test is None else test.test.to_dict() | {"p_corrected": test.p_corrected}
    return {
        "model": one.name,
        **one.evaluation.to_dict(),
        "per_seed": list(one.per_seed),
        "against_best": against,
        **_costs(one),
    }
