"""Models with random weights over a tiny encoder: migration has to carry whatever was learned."""

import torch

from textaxa.encoders import load_encoder
from textaxa.heads import HEADS, build_head, head_class, head_settings
from textaxa.linear import LinearModel
from textaxa.model import Model, read_width
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideModel

WORDS = [
    "game", "play", "football", "club", "build", "match", "strategy", "puzzle", "music", "photo", "edit", "video",
    "bank", "money", "note", "app",
]  # fmt: skip
TEXTS = [f"{a} {b} {c}" for a, b, c in zip(WORDS, WORDS[3:] + WORDS, WORDS[7:] + WORDS, strict=False)]
NETWORKS = [name for name in HEADS if head_class(name).reads != "texts"]
CASES = [(name, task) for name in HEADS for task in head_class(name).tasks]


def encoder_in(folder):
    return load_encoder(EncoderSettings(encoder=str(folder), max_length=32))


def network(encoder, head: str, taxonomy: Taxonomy, task: str = "single", **settings) -> Model:
    own = head_settings(head)(**settings)
    torch.manual_seed(1)
    module = build_head(head, taxonomy, read_width(encoder, head_class(head)), task=task, settings=own)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    made = Model(taxonomy, encoder, module, ModelSettings(task, head, own, encoder.settings, TrainingSettings())).eval()
    if module.reads == "vectors" and head != "label-text":  # as training does: else all vectors point one way
        made.scale.fit(encoder.encode([*TEXTS, *WORDS]))
    return made


def model(encoder, head: str, taxonomy: Taxonomy, task: str = "single", **settings):
    """Give a model of any head; those that are whole models are trained on a row or two a label."""
    if head_class(head).reads != "texts":
        return network(encoder, head, taxonomy, task, **settings)
    paths = [taxonomy.path(int(node)) for node in taxonomy.terminals]
    texts = [TEXTS[i % len(TEXTS)] for i in range(3 * len(paths))]
    labels = [(paths[i % len(paths)],) for i in range(3 * len(paths))]
    own = head_settings(head)(**settings)
    if head == "linear":
        return LinearModel.fit(texts, labels, taxonomy, task=task, head_settings=own)
    training = TrainingSettings(epochs=2)
    chosen = EncoderSettings(encoder=encoder.settings.encoder, max_length=32)
    return WideModel.fit(texts, labels, taxonomy, head_settings=own, encoder=chosen, training=training)
