"""Metrics on paths and ``node_proba``, calibration, coverage, intervals, tests, tables; reference classifiers.

What comes in are the true and the predicted labels of texts; what goes out are plain values. NumPy only; scikit-learn
(the extra ``train``) is imported when a `TfidfReference` is made.
"""

from textaxa.evaluation._along import Task
from textaxa.evaluation._calibration import CalibrationScores, LevelCalibration, ReliabilityBin, calibration_scores
from textaxa.evaluation._compare import PairedTest, paired_test
from textaxa.evaluation._confusion import Confusion, confusions
from textaxa.evaluation._coverage import coverage_at, coverage_curve
from textaxa.evaluation._coverage_result import CoverageAt, CoverageCurve
from textaxa.evaluation._evaluate import evaluate_paths
from textaxa.evaluation._fast import hierarchical_f1
from textaxa.evaluation._per_node import NodeTable, per_node
from textaxa.evaluation._references import TfidfReference, majority_paths
from textaxa.evaluation._result import Evaluation, HierarchicalScores, LevelScores, NodeScores
from textaxa.evaluation._scorer import path_scores
from textaxa.evaluation._systems import AgainstBest, Answers, SystemComparison, answers_of, compare_systems, holm
from textaxa.evaluation._table import render, to_markdown

__all__ = [
    "AgainstBest",
    "Answers",
    "CalibrationScores",
    "Confusion",
    "CoverageAt",
    "CoverageCurve",
    "Evaluation",
    "HierarchicalScores",
    "LevelCalibration",
    "LevelScores",
    "NodeScores",
    "NodeTable",
    "PairedTest",
    "ReliabilityBin",
    "SystemComparison",
    "Task",
    "TfidfReference",
    "answers_of",
    "calibration_scores",
    "compare_systems",
    "confusions",
    "coverage_at",
    "coverage_curve",
    "evaluate_paths",
    "hierarchical_f1",
    "holm",
    "majority_paths",
    "paired_test",
    "path_scores",
    "per_node",
    "render",
    "to_markdown",
]
