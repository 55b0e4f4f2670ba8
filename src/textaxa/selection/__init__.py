"""Which unlabelled texts to label next. Knows no model: node probabilities and features come in, rows go out."""

from textaxa.selection._pool import Pool
from textaxa.selection._scores import RowScores, coverage_weight, score_rows
from textaxa.selection._spread import spread

__all__ = ["Pool", "RowScores", "coverage_weight", "score_rows", "spread"]
