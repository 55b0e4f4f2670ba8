"""From texts to the values that are written: what `textaxa predict` adds to a table, and the service to a request.

A model and a `textaxa.decisions.Choice` come in; a tuple of values a text goes out, in the order of `ResultRows.added`.
Light: what computes is the model's affair.
"""

from textaxa.answers._answers import Answers, Cells, MostProbable, Remembered
from textaxa.answers._opened import computed_by, exact_runtime, opened
from textaxa.answers._result_rows import DIGITS, NO_TEXT, ResultRows
from textaxa.answers._searched import check_scores_all, searches

__all__ = [
    "DIGITS",
    "NO_TEXT",
    "Answers",
    "Cells",
    "MostProbable",
    "Remembered",
    "ResultRows",
    "check_scores_all",
    "computed_by",
    "exact_runtime",
    "opened",
    "searches",
]
