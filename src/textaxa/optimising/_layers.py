"""Fewer layers: the lowest ones of the encoder, taught to give what all of them gave."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from torch import nn

from textaxa.encoders import TransformerEncoder
from textaxa.encoders._transformer import _layers
from textaxa.model import Model
from textaxa.optimising._engines import on_engine
from textaxa.optimising._lengths import shortened, with_encoder
from textaxa.optimising._material import Candidate, Workshop
from textaxa.optimising._teaching import Lesson, teach

_EPOCHS = 12
"""At most. A student that lost two thirds of its layers goes on gaining for about so long, time permitting."""

_NARROW = 512
"""Encoders up to this width take the larger learning rate, as in training."""


def layers(workshop: Workshop) -> Iterator[Candidate]:
    """Give students with a half, a third and a sixth of the layers, each taught for the time that it is given."""
    model = workshop.material.model
    if not isinstance(model.encoder, TransformerEncoder):
        return
    depth = len(_layers(model.encoder.backbone))
    for kept in sorted({round(depth * share) for share in _SHARES} - {0, depth}, reverse=True):
        yield taught_layers(workshop, kept)


_SHARES = (1 / 2, 1 / 3, 1 / 6)


def taught_layers(workshop: Workshop, kept: int) -> Candidate:
    """Give a student with so many layers."""
    material, base = workshop.material, workshop.material.model
    teacher = workshop.teacher()
    rate = 1e-4 if base.encoder.width <= _NARROW else 3e-5
    lesson = Lesson(_EPOCHS, material.seconds, encoder_rate=2 * rate, head_rate=1e-3)
    material.tell(f"teaching {kept} layers, {material.seconds:,.0f} s at most")
    student = cut(base if workshop.limit is None else shortened(base, workshop.limit), kept)
    steps = teach(student, teacher, lesson, seed=material.seed)
    name = f"layers-{kept} {workshop.precision}"
    what = f"{kept} layers of {len(_layers(base.encoder.backbone))}, taught in {steps:,} steps"
    return on_engine(material, student, workshop.precision, name=name, kind="layers", what=what)


def cut(model: Model, kept: int) -> Model:
    """Give a copy of a model that has only the lowest layers of the encoder; the given one stays as it is."""
    encoder: Any = model.encoder
    backbone = deepcopy(encoder.backbone)
    whole = _layers(backbone)
    place = next(name for name, module in backbone.named_modules() if module is whole)
    above, _, own = place.rpartition(".")
    setattr(backbone.get_submodule(above), own, nn.ModuleList(list(whole)[:kept]))
    backbone.config.num_hidden_layers = kept
    student = with_encoder(model, TransformerEncoder(backbone, encoder.tokenise.tokenizer, encoder.settings))
    student.head, student.scale = deepcopy(model.head), deepcopy(model.scale)
    return student.eval()
