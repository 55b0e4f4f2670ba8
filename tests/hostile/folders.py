"""Small model folders of every kind, and each of their files as a reader: who is hostile makes the sums right again."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hostile.files import Read, Scratch, tolerant
from jobs.predicted_apps import linear_model
from safetensors.torch import load_file, save_file
from tiny_encoder import make_tiny_encoder

from textaxa import load_model
from textaxa.encoders import load_encoder
from textaxa.encoders._distil import distil
from textaxa.encoders._textrcnn import TextRCNN, TextRCNNShape
from textaxa.encoders._word_vectors import WordVectors
from textaxa.fast_path import FastPathModel
from textaxa.heads import build_head, head_class, head_settings
from textaxa.model import Model, read_width
from textaxa.persistence import save_model
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideModel, WideSettings
from textaxa.wide._scale import Scale

TAXONOMY = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Games",), ("Media", "Photo", "Edit")])
TEXTS = ["football club", "photo edit"]
KINDS = ("linear", "neural", "static", "textrcnn", "wide", "fast path", "onnx")
"""Of model folders; ``onnx`` reads the exported part of a neural one."""

OWN: dict[str, tuple[str, ...]] = {
    "linear": ("",),
    "neural": ("config.json", "head.safetensors", "encoder/"),
    "static": ("encoder/",),
    "textrcnn": ("encoder/",),
    "wide": ("config.json", "wide/"),
    "fast path": ("config.json", "cheap/config.json"),
    "onnx": ("onnx/",),
}
"""Which files of a kind are read otherwise than those of the kinds before it: how their names begin."""


def encoder_folder(place: Path, kind: str = "neural") -> Path:
    """Write an encoder: a transformer, static vectors, or TextRCNN."""
    folder = place / f"encoder-{kind}"
    if folder.exists():
        return folder
    if kind == "static":
        distil(str(encoder_folder(place)), folder, width=8)
    elif kind == "textrcnn":
        vectors = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
        shape = TextRCNNShape(hidden=4, channels=3)
        words = WordVectors(["football", "club", "photo", "edit"], vectors)
        TextRCNN(words, EncoderSettings(max_length=16), shape).save(folder)
    else:
        make_tiny_encoder(folder, width=8, layers=1, positions=32)
    return folder


def settings_of(place: Path, kind: str) -> EncoderSettings:
    """Give the settings of such an encoder."""
    return EncoderSettings(encoder=str(encoder_folder(place, kind)), max_length=16, frozen=True)


def neural(place: Path, kind: str = "neural", *, head: str = "flat", seed: int = 0, **own: Any) -> Model:
    """Give a model whose head is random, far from uniform: nothing is to be learned here."""
    settings, kept = settings_of(place, kind), head_settings(head)(**own)
    encoder = load_encoder(settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = build_head(head, TAXONOMY, read_width(encoder, head_class(head)), task="single", settings=kept)
        for parameter in made.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
    return Model(TAXONOMY, encoder, made, ModelSettings("single", head, kept, encoder.settings)).eval()


def wide(place: Path) -> WideModel:
    """Give a wide model of random rows, as int8."""
    rng, settings = np.random.default_rng(0), settings_of(place, "neural")
    encoder = load_encoder(settings).requires_grad_(False)
    head = WideHead.zeros(TAXONOMY, encoder.width)
    head.rows.values[:] = rng.normal(size=head.rows.values.shape)
    scale = Scale.of(rng.normal(size=(20, encoder.width)))
    kept = ModelSettings("single", "wide", WideSettings(rows="int8"), settings, TrainingSettings())
    return WideModel(TAXONOMY, kept, encoder, scale, head.astype("int8"))


def model_folder(place: Path, kind: str) -> Path:
    """Write the folder of a kind."""
    folder = place / f"model-{kind}"
    if kind == "linear":
        return linear_model(folder)
    if kind == "onnx":
        from textaxa.jobs.export import export

        save_model(neural(place), folder)
        export(folder)
        return folder
    if kind == "fast path":
        cheap, strong = (load_model(linear_model(place / name)) for name in ("cheap", "strong"))
        return save_model(FastPathModel(cheap, strong, 0.5), folder)
    return save_model(wide(place) if kind == "wide" else neural(place, kind), folder)


def read_folder(folder: Path, kind: str) -> None:
    """Read a folder and let it answer."""
    load_model(folder, runtime="onnx" if kind == "onnx" else "torch").predict(TEXTS)


def folder_readers(scratch: Scratch, kinds: tuple[str, ...] = KINDS) -> Iterator[tuple[str, tuple[Read, bytes]]]:
    """Give, by kind and file, a reader of a model folder in which that file alone is another."""
    for kind in kinds:
        sound = model_folder(scratch.folder, kind)
        place = Path(shutil.copytree(sound, scratch.folder / f"read-{kind}"))
        for name in sorted(file.relative_to(sound).as_posix() for file in sound.rglob("*") if file.is_file()):
            if name.startswith(OWN[kind]) and not name.endswith("README.md"):
                yield f"{kind} {name}", (_reader(sound, place, name, kind), (sound / name).read_bytes())


def _reader(sound: Path, place: Path, name: str, kind: str) -> Read:
    def read(content: bytes) -> None:
        try:
            (place / name).write_bytes(content)
            record(place, name)
            read_folder(place, kind)
        finally:
            for changed in {name, "config.json"}:
                (place / changed).write_bytes((sound / changed).read_bytes())

    return tolerant(read)


def record(folder: Path, name: str) -> None:
    """Write size and sum of a file that was changed into the folder's ``config.json``."""
    if name == "config.json":
        return
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content = (folder / name).read_bytes()
    config["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def with_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any], name: str) -> None:
    """Change tensors of a safetensors file in a model folder."""
    weights = load_file(folder / name)
    change(weights)
    save_file(weights, folder / name)
    record(folder, name)


def with_json(folder: Path, name: str, values: Mapping[str, Any]) -> None:
    """Change entries of a JSON file in a model folder."""
    (folder / name).write_text(json.dumps({**json.loads((folder / name).read_text()), **values}))
    record(folder, name)
