"""``init = label-names``: output rows that start where the encoder sees their labels."""

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from textaxa.labels._vectors import LabelVectors
from textaxa.model import Model

_SHARPNESS = 20.0
"""The first logits are this many times the cosine of text and label, as encoders of sentences were trained. Measured on
100 of the validation rows of open-apps, with `flat` and a frozen encoder: 20 % of the paths are right from a random
start, 28 % from 10, 36 % from 20."""


@torch.no_grad()
def start_from_names(model: Model) -> None:
    """Set the text part of the head's output rows to the directions of their label texts; the rest is left random.

    Scaled text vectors (D features of unit variance) have a length of about sqrt(D), so a row of length
    20 / sqrt(D) makes logits of 20 cos(text, label).

    Source: label-name initialisation as in HGCLR (Wang et al., ACL 2022, table 4: the part whose loss costs most), HPT
    and HBGL; they take word embeddings of the names, we the encoder's own vector of path and description.
    """
    found = F.normalize(LabelVectors(model).all(), dim=1)
    width = found.shape[1]
    rows = found * (_SHARPNESS / width**0.5)
    for linear, nodes in model.head.output_rows():
        chosen = torch.from_numpy(nodes.astype(np.int64)).to(rows.device)
        linear.weight[:, :width] = rows[chosen].to(linear.weight)
