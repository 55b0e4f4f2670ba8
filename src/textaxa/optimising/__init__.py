"""Less work for the same answer: ways to compute a trained model faster, measured on validation rows.

A model of PyTorch and labelled rows come in; measured candidates go out (`Point`), and the model folder of the fastest
one that is good enough. One file a kind of candidate:

================  ==================================================================================
``engine``        ONNX Runtime in fp32 and int8, OpenVINO in bf16
``length``        fewer tokens of long texts
``layers``        the lowest layers, taught by the whole model
``static``        a vector a token, taught by the whole model
``linear``        words counted
``fast-path``     a cheap candidate answers where it is sure, a stronger one the rest
``vocabulary``    rows of the token embeddings that no text needs left out, under all of these
================  ==================================================================================

Needs the extra ``export``.
"""

from textaxa.optimising._material import Candidate, Material, Rows
from textaxa.optimising._plot import cells_of, page, svg
from textaxa.optimising._saving import save_candidate
from textaxa.optimising._search import KINDS, QUICK, STANDARD, Bar, Point, Search, check_kinds

__all__ = [
    "KINDS",
    "QUICK",
    "STANDARD",
    "Bar",
    "Candidate",
    "Material",
    "Point",
    "Rows",
    "Search",
    "cells_of",
    "check_kinds",
    "page",
    "save_candidate",
    "svg",
]
