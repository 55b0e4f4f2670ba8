"""A head for very wide taxonomies: a softmax among siblings whose rows are read only where a search comes by.

Features (B, D) come in, the best paths go out; nothing here is ever as large as the texts times the taxonomy. NumPy
only. `WideModel` puts an encoder before it: the head ``wide`` of `textaxa train`.
"""

from textaxa.wide._files import load_wide, save_wide
from textaxa.wide._head import WideHead
from textaxa.wide._model import WideModel
from textaxa.wide._nearest import Nearest, NearestLabels
from textaxa.wide._options import Options
from textaxa.wide._rows import ROW_TYPES, Rows
from textaxa.wide._settings import WideSettings
from textaxa.wide._training import WideFit, WideTraining, fit_wide

__all__ = [
    "ROW_TYPES",
    "Nearest",
    "NearestLabels",
    "Options",
    "Rows",
    "WideFit",
    "WideHead",
    "WideModel",
    "WideSettings",
    "WideTraining",
    "fit_wide",
    "load_wide",
    "save_wide",
]
