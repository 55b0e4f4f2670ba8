"""Models of random weights around the tiny encoder, and their exports: no training, since only numbers are compared."""

from pathlib import Path

import numpy as np
import torch
from tiny_encoder import make_tiny_encoder

from textaxa.encoders import load_encoder
from textaxa.exporting import as_bf16, as_int8, write_onnx
from textaxa.heads import build_head, head_settings
from textaxa.model import Model
from textaxa.persistence import load_model, save_model
from textaxa.runtime import RuntimeModel
from textaxa.settings import EncoderSettings, ModelSettings
from textaxa.taxonomy import Taxonomy

REAL = [
    "Online football game: build your club and play the match of the season.",
    "A puzzle game for the whole family, with music",
    "bank",
    "Photo and video: edit, cut, share. No account, no ads! (beta)",
    "money note app 2.0 " * 7,
]
HOSTILE = [
    "",
    " \n\t ",
    "[CLS] [SEP] [PAD] [UNK] [MASK]",
    "\x00\x01\ufeff\u200b\u202e",
    "ÄÖÜ ß ﬁ Ⅷ é é",
    "漢字とかな 😀👩\u200d👩\u200d👧 \u202eabc",
    "a" * 3000,
    "the app " * 2000,
    "\u0301" * 50,
    "x" + "," * 400,
]
TEXTS = REAL + HOSTILE
LONG = ("head", "head+tail", "windows")


def make_model(
    folder: Path, taxonomy: Taxonomy, head: str = "chained", task: str = "single", head_options=None, **encoder
) -> Model:
    """Make a model of random weights far from uniform, so that a wrong sum shows."""
    if not (folder / "config.json").is_file():
        make_tiny_encoder(folder)
    options = {"encoder": str(folder), "max_length": 16, **encoder}
    found = load_encoder(EncoderSettings(**options))
    settings = head_settings(head)(**(head_options or {}))
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = build_head(head, taxonomy, found.width, task=task, settings=settings)
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    model = Model(taxonomy, found, made, ModelSettings(task, head, settings, found.settings)).eval()
    rng = np.random.default_rng(5)
    model.scale.fit(rng.normal(0.1, 1.3, (20, found.width)).astype(np.float32))
    return model


def exported(model: Model, place: Path, *, precision: str = "fp32", engine: str = "onnx") -> RuntimeModel:
    """Save a model with its export, and read it without PyTorch."""
    part = place / "part"
    part.mkdir()
    write_onnx(model, part)
    if precision == "int8":
        as_int8(part)
    elif precision == "bf16":
        as_bf16(part)
    return load_model(save_model(model, place / "model", onnx=part), runtime=engine)
