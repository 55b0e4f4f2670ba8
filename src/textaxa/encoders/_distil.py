"""A static model from a transformer: one vector a token, made once and kept.

In comes a transformer's name or folder, out goes a folder in the format of model2vec. Every token is read alone by the
transformer; principal components keep what differs most, and frequent tokens weigh less.

Source: the recipe of model2vec (Minish Lab, 2024), written anew: that library's own distillation needs older versions
of transformers than the rest here.
"""

import hashlib
import json
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from sklearn.decomposition import PCA

from textaxa.encoders._tokens import _frame
from textaxa.encoders._transformer import _from_pretrained
from textaxa.errors import ConfigError

_RECIPE = 1
"""Goes up when the vectors would come out otherwise, so that kept ones are not taken for new ones."""

_WIDTH = 256
_BATCH = 512
_FREQUENCY = 1e-4
"""Constant of the smooth inverse frequency (Arora et al. 2017); tokens count as sorted by frequency, after Zipf."""

_log = logging.getLogger(__name__)


def distilled(source: str) -> Path:
    """Give the folder of the static model of a transformer; made at the first call, found in the cache afterwards.

    Raises
    ------
    ConfigError
        The transformer cannot be loaded, or the cache cannot be written.
    """
    folder = cache_folder() / f"static-{_key(source)}"
    if (folder / "config.json").is_file():
        return folder
    _log.warning("Making a static encoder of %s, once: about a minute. It is kept in %s.", source, folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".static-", dir=folder.parent))
        try:
            distil(source, fresh)
            _move(fresh, folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as error:
        raise ConfigError(
            f"The static encoder could not be kept in {folder}: {error.strerror or error}. Set TEXTAXA_CACHE to a "
            "folder that can be written, or name the folder of a static model as the encoder."
        ) from error
    return folder


def cache_folder() -> Path:
    """Give the folder for what can be made again: ``TEXTAXA_CACHE``, or the user's cache folder of this system."""
    if os.environ.get("TEXTAXA_CACHE"):
        return Path(os.environ["TEXTAXA_CACHE"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "textaxa"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "textaxa"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "textaxa"


def distil(source: str, folder: Path, *, width: int = _WIDTH) -> None:
    """Write the static model of a transformer into a folder: config.json, tokenizer.json, model.safetensors."""
    backbone, tokenizer = _from_pretrained(source)
    distil_backbone(backbone, tokenizer, folder, width=width, name=Path(source).name)


def distil_backbone(backbone: Any, tokenizer: Any, folder: Path, *, width: int = _WIDTH, name: str = "") -> None:
    """Write the static model of a transformer that is loaded already, such as a fine-tuned one."""
    vectors = _components(_token_vectors(backbone.eval(), tokenizer), width) * _weights(len(tokenizer))[:, None]
    vectors[tokenizer.all_special_ids] = 0
    write_static(folder, vectors, tokenizer.backend_tokenizer, {"tokenizer_name": name})


def write_static(folder: Path, vectors: np.ndarray, tokenizer: Any, config: dict[str, Any]) -> None:
    """Write token vectors (V, D) with their tokenizer, so that model2vec can read them too."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": np.ascontiguousarray(vectors, dtype=np.float32)}, folder / "model.safetensors")
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    standard = {"model_type": "model2vec", "architectures": ["StaticModel"], "normalize": True}
    fixed = {"hidden_dim": vectors.shape[1], "embedding_dtype": "float32"}
    text = json.dumps({**standard, **config, **fixed}, indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


@torch.inference_mode()
def _token_vectors(backbone: Any, tokenizer: Any) -> np.ndarray:
    """Give the mean state of every token of the vocabulary, read alone between the special tokens, (V, D)."""
    prefix, suffix = _frame(tokenizer)
    found = []
    for start in range(0, len(tokenizer), _BATCH):
        ids = range(start, min(start + _BATCH, len(tokenizer)))
        texts = torch.tensor([[*prefix, i, *suffix] for i in ids])
        states = backbone(input_ids=texts, attention_mask=torch.ones_like(texts)).last_hidden_state
        found.append(states.mean(1).float().numpy())
    return np.concatenate(found)


def _components(vectors: np.ndarray, width: int) -> np.ndarray:
    components = PCA(min(width, *vectors.shape), svd_solver="covariance_eigh")
    return np.asarray(components.fit_transform(vectors), dtype=np.float32)


def _weights(n_tokens: int) -> np.ndarray:
    """Give the weight of each token: rare ones count more."""
    frequency = 1 / np.arange(2, n_tokens + 2)
    frequency /= frequency.sum()
    return (_FREQUENCY / (_FREQUENCY + frequency)).astype(np.float32)


def _key(source: str) -> str:
    """Name a transformer by its weights, or by its name where they are not in a folder here."""
    digest = hashlib.sha256(f"{_RECIPE} {_WIDTH} ".encode())
    weights = Path(source) / "model.safetensors"
    if weights.is_file():
        with weights.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    else:
        digest.update(source.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


def _move(fresh: Path, folder: Path) -> None:
    """Put a whole folder in its place; where another process was quicker, its folder is as good."""
    fresh.chmod(0o755)
    try:
        fresh.rename(folder)
    except OSError:
        if not (folder / "config.json").is_file():
            raise
