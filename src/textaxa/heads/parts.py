"""What heads are put together from, for heads that live in other packages: the names here stay."""

from textaxa.heads._levels import LevelClasses, NodeSums, ParentCut, PathSoftmax
from textaxa.heads._losses import class_weights, smoothed
from textaxa.heads._scoring import OutputRows

__all__ = ["LevelClasses", "NodeSums", "OutputRows", "ParentCut", "PathSoftmax", "class_weights", "smoothed"]
