"""TF-IDF and linear classifiers: the honest rival, which trains in seconds. Needs scikit-learn, not PyTorch."""

from textaxa.linear._settings import LinearSettings
from textaxa.linear.model import LinearModel

__all__ = ["LinearModel", "LinearSettings"]
