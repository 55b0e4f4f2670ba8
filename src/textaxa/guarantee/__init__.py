"""Answers with a promise: how deep a text's path can be defended, with what confidence, on which evidence.

From node probabilities and what held-out rows say about a model. Knows no model and needs NumPy only.
"""

from textaxa.guarantee._answers import OUTSIDE, guaranteed_paths, guaranteed_sets, nowhere
from textaxa.guarantee._climb import HANDICAPS, order_of
from textaxa.guarantee._evidence import Evidence, collect_evidence, evidence_from_dict
from textaxa.guarantee._promise import SCOPES, Kept, Promise, describe, promise, unproven
from textaxa.guarantee._sets import is_outside, outside_cut, prediction_sets, set_cut

__all__ = [
    "HANDICAPS",
    "OUTSIDE",
    "SCOPES",
    "Evidence",
    "Kept",
    "Promise",
    "collect_evidence",
    "describe",
    "evidence_from_dict",
    "guaranteed_paths",
    "guaranteed_sets",
    "is_outside",
    "nowhere",
    "order_of",
    "outside_cut",
    "prediction_sets",
    "promise",
    "set_cut",
    "unproven",
]
