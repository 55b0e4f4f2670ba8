"""Label texts read by a model's own encoder: trained on, started from, or used alone. Needs the extra ``train``.

What comes in: a taxonomy whose names and descriptions say something. What goes out: vectors of its nodes, for the head
``label-text`` and for the first weights of other heads; models for a taxonomy that nobody has labelled a text for.
"""

from textaxa.labels._start import start_from_names
from textaxa.labels._vectors import LabelVectors, reads_labels
from textaxa.labels._zero_shot import zero_shot_model

__all__ = ["LabelVectors", "reads_labels", "start_from_names", "zero_shot_model"]
