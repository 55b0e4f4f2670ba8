"""No layers at all: a vector a token, made of the given model's encoder, and a head taught by the given model."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import torch

from textaxa.encoders import TransformerEncoder
from textaxa.encoders._distil import distil_backbone
from textaxa.encoders._static import load_static
from textaxa.heads import build_head
from textaxa.model import Model
from textaxa.optimising._engines import on_engine
from textaxa.optimising._material import Candidate, Workshop
from textaxa.optimising._teaching import Lesson, teach
from textaxa.settings import EncoderSettings

_RATE = 2e-3
_BATCH = 64
_EPOCHS = 40


def static(workshop: Workshop) -> Iterator[Candidate]:
    """Give a student whose text vector is the mean of its tokens' vectors."""
    material = workshop.material
    if not isinstance(material.model.encoder, TransformerEncoder):
        return
    teacher = workshop.teacher()
    material.tell(f"teaching a static model, {material.seconds:,.0f} s at most")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(material.seed)
        student = _untaught(material.model, Path(mkdtemp(prefix="static-", dir=material.scratch)))
    student.scale.fit(student.encoder.encode(teacher.texts))
    lesson = Lesson(_EPOCHS, material.seconds, encoder_rate=_RATE, head_rate=_RATE, batch=_BATCH)
    steps = teach(student, teacher, lesson, seed=material.seed)
    what = f"a vector a token, no layers, taught in {steps:,} steps"
    yield on_engine(material, student, "fp32", name="static", kind="static", what=what)


def _untaught(model: Model, folder: Path) -> Model:
    """Give a model of token vectors with a new head."""
    encoder = model.encoder
    distil_backbone(encoder.backbone, encoder.tokenise.tokenizer, folder)
    settings = EncoderSettings(max_length=encoder.settings.max_length, long_text=encoder.settings.long_text)
    found = load_static(replace(settings, max_windows=encoder.settings.max_windows), str(folder))
    name, own = model.settings.head, model.settings.head_settings
    head = build_head(name, model.taxonomy, found.width, task=model.task, settings=own)
    student = Model(model.taxonomy, found, head, replace(model.settings, encoder=found.settings), dict(model.summary))
    student.thresholds, student.calibration = model.thresholds, model.calibration
    return student.eval()
