"""A head for very wide taxonomies: a softmax among siblings whose rows are read only where a search comes by.

Features (B, D) come in, the best paths go out; nothing here is ever as large as the texts times the taxonomy.
NumPy only.
"""

from textaxa.wide._files import load_wide, save_wide
from textaxa.wide._head import WideHead
from textaxa.wide._options import Options
from textaxa.wide._rows import ROW_TYPES, Rows
from textaxa.wide._training import WideFit, WideTraining, fit_wide

__all__ = ["ROW_TYPES", "Options", "Rows", "WideFit", "WideHead", "WideTraining", "fit_wide", "load_wide", "save_wide"]
