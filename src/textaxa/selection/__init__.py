"""Which unlabelled texts to label next. Knows no model: node probabilities and features come in, rows go out."""

from textaxa.selection._pool import FEWEST, PER_WANTED, Pool
from textaxa.selection._scores import RowScores, coverage_weight, residuals, score_rows
from textaxa.selection._spread import spread

__all__ = ["FEWEST", "PER_WANTED", "Pool", "RowScores", "coverage_weight", "residuals", "score_rows", "spread"]
