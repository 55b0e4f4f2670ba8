"""Metrics on paths and ``node_proba``, intervals and tests, tables of results; reference classifiers.

What comes in are the true and the predicted labels of texts; what goes out are plain values. NumPy only; scikit-learn
(the extra ``train``) is imported when a `TfidfReference` is made.
"""

from textaxa.evaluation._compare import PairedTest, paired_test
from textaxa.evaluation._evaluate import evaluate_paths
from textaxa.evaluation._fast import hierarchical_f1
from textaxa.evaluation._references import TfidfReference, majority_paths
from textaxa.evaluation._result import Evaluation, HierarchicalScores, LevelScores, NodeScores
from textaxa.evaluation._systems import AgainstBest, Answers, SystemComparison, answers_of, compare_systems, holm
from textaxa.evaluation._table import render, to_markdown

__all__ = [
    "AgainstBest",
    "Answers",
    "Evaluation",
    "HierarchicalScores",
    "LevelScores",
    "NodeScores",
    "PairedTest",
    "SystemComparison",
    "TfidfReference",
    "answers_of",
    "compare_systems",
    "evaluate_paths",
    "hierarchical_f1",
    "holm",
    "majority_paths",
    "paired_test",
    "render",
    "to_markdown",
]
