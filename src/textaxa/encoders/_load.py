"""Which kind of encoder a name or a folder stands for. In come the encoder's settings, out goes an encoder."""

import json
from importlib import import_module
from pathlib import Path

from textaxa._plugins import Plugin, find_plugin, load_plugin, refuse
from textaxa.encoders._encoder import Encoder
from textaxa.encoders._packaged import packaged_minilm
from textaxa.settings import EncoderSettings

ENCODERS: dict[str, str] = {
    "static": "textaxa.encoders._static.load_static",
    "model2vec": "textaxa.encoders._static.load_static",
    "textrcnn": "textaxa.encoders._textrcnn.load_textrcnn",
    "textaxa-textrcnn": "textaxa.encoders._textrcnn.load_textrcnn",
}
"""What loads an encoder, by its name in the settings and by ``model_type`` in the config.json of its folder.

What stands nowhere here is a Hugging Face transformer. A loader takes the settings and the name or folder; behind a
colon a name may carry a file that its loader reads. Other packages bring loaders by the entry point
``textaxa.encoders``, which are asked before transformers.
"""

_TRANSFORMER = "textaxa.encoders._transformer.load_transformer"


def load_encoder(settings: EncoderSettings, *, folder: Path | None = None) -> Encoder:
    """Load an encoder by its settings, or with those settings from a folder.

    Returns
    -------
    An encoder.

    Raises
    ------
    MissingExtraError
        The default encoder is asked for, or one that needs a package, and that package is not installed.
    ConfigError
        The encoder cannot be found or read, or the settings do not fit it; the package that brings it is broken.
    """
    name = str(folder or settings.encoder or packaged_minilm())
    first = name.partition(":")[0]
    loader = ENCODERS.get(first)
    plugin = None if loader else find_plugin("encoder", first)
    if not loader and not plugin:
        model_type = _model_type(name)
        loader = ENCODERS.get(model_type)
        plugin = None if loader or not model_type else find_plugin("encoder", model_type)
    if plugin:
        return _foreign(plugin, settings, name)
    loader = loader or _TRANSFORMER
    module, _, function = loader.rpartition(".")
    return getattr(import_module(module), function)(settings, name)


def _foreign(plugin: Plugin, settings: EncoderSettings, name: str) -> Encoder:
    load = load_plugin(plugin)
    if not callable(load):
        raise refuse(plugin, f"{plugin.entry.value} is not a function")
    encoder = load(settings, name)
    if not isinstance(encoder, Encoder):
        raise refuse(plugin, f"its loader gives a {type(encoder).__name__}, not a textaxa.encoders.Encoder")
    return encoder


def _model_type(name: str) -> str:
    """Give ``model_type`` of a folder's or a hub model's config.json; empty where there is none, or it is damaged."""
    file = Path(name) / "config.json"
    if not Path(name).exists():
        found = _from_hub(name)
        if found is None:
            return ""
        file = found
    try:
        return str(json.loads(file.read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError, RecursionError):
        return ""


def _from_hub(name: str) -> Path | None:
    from transformers.utils import cached_file  # noqa: PLC0415 - a second of import that only hub names need

    if name.startswith((".", "/", "~", "\\")):
        return None
    try:
        return Path(cached_file(name, "config.json"))
    except (OSError, ValueError):  # the loader of transformers tells what is wrong with the name
        return None
