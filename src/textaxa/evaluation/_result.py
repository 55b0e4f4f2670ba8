"""The result of an evaluation: plain frozen values, and their form for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textaxa.evaluation._calibration import LevelCalibration

Interval = tuple[float, float]


@dataclass(frozen=True)
class LevelScores:
    """Scores of one level: ``level`` (1 is the top), ``n`` texts whose true path reaches it, and shares in [0, 1]."""

    level: int
    n: int
    accuracy: float
    micro_f1: float
    macro_f1: float
    macro_f1_all: float


@dataclass(frozen=True)
class NodeScores:
    """F1 over the nodes of all levels, in [0, 1]."""

    micro_f1: float
    macro_f1: float
    macro_f1_supported: float


@dataclass(frozen=True)
class HierarchicalScores:
    """Hierarchical precision, recall and F1, and hF1-AUC where ``node_proba`` was given, in [0, 1]."""

    precision: float
    recall: float
    f1: float
    f1_auc: float | None


@dataclass(frozen=True)
class Evaluation:
    """The result of `evaluate_paths`, which says how each metric is defined.

    Attributes
    ----------
    n
        Number of texts.
    path_accuracy, levels, nodes, hierarchical, mistake_severity, coherent_share
        The metrics. Shares in [0, 1]; the severity in levels. Levels that no true path reaches are left out.
    intervals
        95 % bootstrap interval of each metric by its dotted name (``"levels.1.accuracy"``), or None.
    calibration
        Where ``node_proba`` was given: how well each level's probabilities are calibrated (`calibration_scores`).
    """

    n: int
    path_accuracy: float
    levels: tuple[LevelScores, ...]
    nodes: NodeScores
    hierarchical: HierarchicalScores
    mistake_severity: float
    coherent_share: float
    intervals: Mapping[str, Interval] | None = None
    calibration: "tuple[LevelCalibration, ...] | None" = None

    def values(self) -> dict[str, float]:
        """Give every metric by its dotted name; the names are those of `paired_test`."""
        found = {
            "path_accuracy": self.path_accuracy,
            "nodes.micro_f1": self.nodes.micro_f1,
            "nodes.macro_f1": self.nodes.macro_f1,
            "nodes.macro_f1_supported": self.nodes.macro_f1_supported,
            "hierarchical.precision": self.hierarchical.precision,
            "hierarchical.recall": self.hierarchical.recall,
            "hierarchical.f1": self.hierarchical.f1,
            "mistake_severity": self.mistake_severity,
            "coherent_share": self.coherent_share,
        }
        if self.hierarchical.f1_auc is not None:
            found["hierarchical.f1_auc"] = self.hierarchical.f1_auc
        for one in self.levels:
            for name in ("accuracy", "micro_f1", "macro_f1", "macro_f1_all"):
                found[f"levels.{one.level}.{name}"] = getattr(one, name)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values: what ``textaxa evaluate --json`` prints."""
        values: dict[str, Any] = dict(self.values())
        found = {"n": self.n, **self._nested(values)}
        for one, level in zip(found["levels"], self.levels, strict=True):
            one["n"] = level.n
        if self.calibration is not None:
            names = ("level", "n", "ece", "ece_debiased")
            found["calibration"] = [{name: getattr(one, name) for name in names} for one in self.calibration]
        if self.intervals is not None:
            found["intervals"] = self._nested({name: list(ends) for name, ends in self.intervals.items()})
            if self.calibration is not None:
                ends = [{"level": one.level, "ece": list(one.interval or ())} for one in self.calibration]
                found["intervals"]["calibration"] = ends
        return found

    def _nested(self, values: Mapping[str, Any]) -> dict[str, Any]:
        def block(prefix: str, *names: str) -> dict[str, Any]:
            return {name: values.get(f"{prefix}.{name}") for name in names}

        return {
            "path_accuracy": values["path_accuracy"],
            "levels": [
                {"level": one.level, **block(f"levels.{one.level}", "accuracy", "micro_f1", "macro_f1")}
                for one in self.levels
            ],
            "nodes": block("nodes", "micro_f1", "macro_f1", "macro_f1_supported"),
            "hierarchical": block("hierarchical", "precision", "recall", "f1", "f1_auc"),
            "mistake_severity": values["mistake_severity"],
            "coherent_share": values["coherent_share"],
        }
