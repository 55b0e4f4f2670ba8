"""Corrections that people gave: kept safely while a service runs, read back as training rows.

In comes a `Correction`; it is appended to a file (JSON lines or SQLite, by its ending) that several processes may write
to. Out come corrections, and `with_feedback`, which lays them over the rows of a table.
"""

from textaxa.feedback._correction import Correction
from textaxa.feedback._rows import FeedbackUsed, feedback_examples, first_feedback, read_feedback, with_feedback
from textaxa.feedback._store import FeedbackStore, open_feedback

__all__ = [
    "Correction",
    "FeedbackStore",
    "FeedbackUsed",
    "feedback_examples",
    "first_feedback",
    "open_feedback",
    "read_feedback",
    "with_feedback",
]
