"""Metrics on paths and ``node_proba``, intervals and tests, tables of results; reference classifiers. NumPy only.

What comes in are the true and the predicted labels of texts; what goes out are plain values.
"""

from textaxa.evaluation._compare import PairedTest, paired_test
from textaxa.evaluation._evaluate import evaluate_paths
from textaxa.evaluation._fast import hierarchical_f1
from textaxa.evaluation._result import Evaluation, HierarchicalScores, LevelScores, NodeScores
from textaxa.evaluation._table import render, to_markdown

__all__ = [
    "Evaluation",
    "HierarchicalScores",
    "LevelScores",
    "NodeScores",
    "PairedTest",
    "evaluate_paths",
    "hierarchical_f1",
    "paired_test",
    "render",
    "to_markdown",
]
