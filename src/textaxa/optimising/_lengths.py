"""Shorter limits on what is read of a text, where texts are longer than that."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from textaxa._pieces import length_of
from textaxa.encoders import Encoder, TransformerEncoder
from textaxa.model import Model
from textaxa.optimising._engines import on_engine
from textaxa.optimising._material import Candidate, Workshop

LENGTHS = (32, 64, 96, 128, 192)

_LEAST_SAVED = 0.05
"""A limit that saves a smaller share of the tokens than this is not worth trying."""


def lengths(workshop: Workshop) -> Iterator[Candidate]:
    """Give the given model with every limit that saves tokens on the choosing texts."""
    material, fast = workshop.material, workshop.fast
    encoder = material.model.encoder
    if encoder.settings.long_text == "windows" or not isinstance(encoder, TransformerEncoder):
        return  # with windows the limit is not what is read; a static encoder reads for next to nothing
    for limit in worthwhile(workshop):
        yield on_engine(
            material,
            shortened(material.model, limit),
            workshop.precision,
            name=f"length-{limit} {workshop.precision}",
            kind="length",
            what=f"reads {limit} tokens of a text at most",
            part=fast.part if fast else None,
        )


def worthwhile(workshop: Workshop) -> list[int]:
    """Give the limits that save tokens, longest first; each saves more than the one before."""
    model = workshop.material.model
    found = np.array([length_of(pieces) for pieces in model.encoder.tokenise(workshop.material.choosing.texts)])
    read, kept = float(found.sum()), []
    for limit in sorted(LENGTHS, reverse=True):
        tokens = float(np.minimum(found, limit).sum())
        if limit < model.encoder.settings.max_length and tokens <= (1 - _LEAST_SAVED) * read:
            kept.append(limit)
            read = tokens
    return kept


def shortened(model: Model, limit: int) -> Model:
    """Give the same model, weights shared, that reads at most so many tokens of a text."""
    encoder = model.encoder
    settings = replace(encoder.settings, max_length=limit)
    return with_encoder(model, TransformerEncoder(encoder.backbone, encoder.tokenise.tokenizer, settings))


def with_encoder(model: Model, encoder: Encoder) -> Model:
    """Give a model with another encoder before the same head.

    What held-out rows said of the old one does not hold of it, so it has no evidence for promises.
    """
    settings = replace(model.settings, encoder=encoder.settings)
    found = Model(model.taxonomy, encoder, model.head, settings, dict(model.summary))
    found.scale = model.scale
    found.thresholds, found.calibration = model.thresholds, model.calibration
    return found.eval()
