"""What is wrong with labelled rows: likely label errors, categories that overlap, near-duplicate texts.

Probabilities come from models that have not seen the row (`cross_fitted`); what is made of them needs NumPy alone.
"""

from textaxa.audit._cross_fit import OnceEncoded, cross_fitted
from textaxa.audit._label_errors import LabelError, label_errors
from textaxa.audit._near_duplicates import NearDuplicates, near_duplicates
from textaxa.audit._overlaps import Overlap, overlaps
from textaxa.audit._two_groups import TwoGroups, two_groups

__all__ = [
    "LabelError",
    "NearDuplicates",
    "OnceEncoded",
    "Overlap",
    "TwoGroups",
    "cross_fitted",
    "label_errors",
    "near_duplicates",
    "overlaps",
    "two_groups",
]
