"""Tiny models of every kind in folders, and what `textaxa predict` says of texts: what a service is compared with."""

import json
from pathlib import Path

import numpy as np
from jobs.predicted_apps import WORDS, linear_model
from runtime.runtime_cases import make_model
from tiny_encoder import TEXT, make_tiny_encoder

from textaxa.encoders import load_encoder
from textaxa.exporting import as_int8, write_onnx
from textaxa.guarantee import collect_evidence
from textaxa.jobs.predict import predict
from textaxa.persistence import load_model, save_model
from textaxa.settings import EncoderSettings, ModelSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideModel, WideSettings
from textaxa.wide._scale import Scale

TAXONOMY = Taxonomy.from_paths(WORDS)
TEXTS = [" ".join(TEXT.split()[i % 9 : i % 9 + 1 + i % 11]) + f" {i}" for i in range(60)] + ["", "  ", "ü😀\ud83d x"]


def with_evidence(folder: Path) -> Path:
    """Save a linear model that keeps held-out rows, so that it can promise something."""
    linear_model(folder)
    model = load_model(folder)
    paths = list(WORDS)
    texts = [f"{WORDS[paths[i % 5]]} {i}" for i in range(300)]
    ends = [[TAXONOMY.index(paths[i % 5])] for i in range(300)]
    model.evidence = collect_evidence(model.taxonomy, ends, model.node_proba(texts), task="single")
    return save_model(model, folder)


def exported(place: Path, precision: str = "fp32", seed_head: str = "chained") -> Path:
    """Save a network of random weights with its ONNX export."""
    model = make_model(place / "encoder", TAXONOMY, seed_head)
    part = place / "part"
    part.mkdir(parents=True)
    write_onnx(model, part)
    if precision == "int8":
        as_int8(part)
    return save_model(model, place / "model", onnx=part)


def wide(place: Path) -> Path:
    """Save a model that searches."""
    make_tiny_encoder(place / "encoder")
    encoder = load_encoder(EncoderSettings(encoder=str(place / "encoder"), max_length=16)).requires_grad_(False)
    head = WideHead.zeros(TAXONOMY, encoder.width)
    head.rows.values[:] = np.random.default_rng(3).standard_normal(head.rows.values.shape)

    scale = Scale.of(encoder.encode(TEXTS[:60]))
    model = WideModel(TAXONOMY, ModelSettings("single", "wide", WideSettings(), encoder.settings), encoder, scale, head)
    return save_model(model, place / "model")


def offline(folder: Path, texts: list[str], place: Path, **how) -> list[dict]:
    """Give what ``textaxa predict --format jsonl`` adds to texts."""
    out = place / "offline.jsonl"
    predict(folder, [{"text": text} for text in texts], out, overwrite=True, **how)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [{name: value for name, value in row.items() if name != "text"} for row in rows]


def near(found: list[dict], expected: list[dict], tolerance: float = 2e-6) -> bool:
    """Tell whether rows are the same, but for the last digit of a probability."""
    return len(found) == len(expected) and all(_near(*pair, tolerance) for pair in zip(found, expected, strict=True))


def _near(one, other, tolerance):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_near(one[name], other[name], tolerance) for name in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(_near(*pair, tolerance) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= tolerance
    return bool(one == other)
