"""What is wrong with labelled rows: likely label errors, categories that overlap, near-duplicate texts.

Probabilities come from models that have not seen the row (`cross_fitted`); what is made of them needs NumPy alone.
"""

from textaxa.audit._label_errors import LabelError, label_errors

__all__ = ["LabelError", "label_errors"]
