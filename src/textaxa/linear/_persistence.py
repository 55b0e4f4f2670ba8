"""The files of a linear model: vocabulary as JSON, numbers as safetensors; read with suspicion."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from textaxa.errors import ModelFileError
from textaxa.linear._classifiers import ALWAYS, NEVER, Weights
from textaxa.linear._features import Features, kinds
from textaxa.linear._margins import MarginScales
from textaxa.linear._options import Options
from textaxa.linear._settings import LinearSettings
from textaxa.linear._vectors import JoinedFeatures, encode
from textaxa.settings import EncoderSettings

_WEIGHTS, _VOCABULARY = "linear.safetensors", "vocabulary.json"

Parts = tuple[Features | JoinedFeatures, Weights, MarginScales]


def write_parts(folder: Path, features: Features | JoinedFeatures, weights: Weights, scales: MarginScales) -> None:
    """Write the two files into a folder, and beside them the encoder where its vectors are read."""
    scale: dict[str, np.ndarray] = {}
    if isinstance(features, JoinedFeatures):
        features.encoder.save(folder / "encoder")
        scale = {"vectors.mean": features.mean, "vectors.factor": features.factor}
        features = features.counts
    # In ASCII: a text may hold half a character, which only escapes carry there and back.
    (folder / _VOCABULARY).write_text(json.dumps(features.vocabulary, indent=0) + "\n", encoding="ascii")
    matrix = weights.matrix
    tensors = {
        "weights": matrix.data,
        "columns": matrix.indices.astype(np.int32),
        "rows": matrix.indptr.astype(np.int64),
        "bias": weights.bias,
        "state": weights.state,
        "calibration": scales.lines,
        **{f"idf.{kind}": values for kind, values in features.idf.items()},
        **scale,
    }
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, folder / _WEIGHTS)


def read_parts(folder: Path, settings: LinearSettings, options: Options, encoder: EncoderSettings) -> Parts:
    """Read the two files; everything must be there, fit together, and be finite.

    Raises
    ------
    ModelFileError
        Something is missing, damaged, or of another model.
    """
    vocabulary = _read_vocabulary(folder / _VOCABULARY, settings)
    file = folder / _WEIGHTS
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelFileError(f"{file} is damaged: {error}.") from error
    joined = _encoder(folder, encoder) if settings.vectors else None
    _check(file, tensors, vocabulary, options, joined.width if joined else 0)
    width = sum(map(len, vocabulary.values())) + (joined.width if joined else 0)
    rows, columns = tensors["rows"], tensors["columns"]
    if rows[0] != 0 or rows[-1] != len(columns) or (np.diff(rows) < 0).any() or not _within(columns, 0, width - 1):
        raise ModelFileError(f"{file} is damaged: its rows or columns do not fit the {width} features.")
    matrix = sparse.csr_matrix((tensors["weights"], columns, rows), (options.n_options, width))
    features: Any = Features(settings, vocabulary, {kind: tensors[f"idf.{kind}"] for kind in vocabulary})
    if joined:
        features = JoinedFeatures(features, joined, tensors["vectors.mean"], tensors["vectors.factor"], encode)
    return features, Weights(matrix, tensors["bias"], tensors["state"]), MarginScales(tensors["calibration"])


def _encoder(folder: Path, settings: EncoderSettings) -> Any:
    from textaxa.encoders import load_encoder  # noqa: PLC0415 - PyTorch, which the counts alone do not need

    return load_encoder(settings, folder=folder / "encoder")


def _read_vocabulary(file: Path, settings: LinearSettings) -> dict[str, list[str]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} is damaged: it is not readable JSON ({error}).") from error
    if not isinstance(found, dict) or not found or not found.keys() <= set(kinds(settings)):
        raise ModelFileError(f"{file} is damaged: it must hold lists of {' and '.join(kinds(settings))}.")
    for kind, terms in found.items():
        if not isinstance(terms, list) or not terms or not all(isinstance(term, str) for term in terms):
            raise ModelFileError(f"{file} is damaged: {kind} is not a list of strings.")
        if len(set(terms)) != len(terms):
            raise ModelFileError(f"{file} is damaged: {kind} holds a string twice.")
    return {kind: found[kind] for kind in kinds(settings) if kind in found}


def _check(
    file: Path,
    tensors: Mapping[str, np.ndarray],
    vocabulary: Mapping[str, list[str]],
    options: Options,
    vector_width: int,
) -> None:
    """Refuse tensors of other names, kinds or sizes than the vocabulary and the taxonomy ask for."""
    n, levels = options.n_options, int(options.level.max()) + 1
    entries = tensors["weights"].shape if "weights" in tensors else ()
    expected: dict[str, tuple[Any, tuple[int, ...]]] = {
        "weights": (np.float32, (*entries[:1],)),
        "columns": (np.int32, (*entries[:1],)),
        "rows": (np.int64, (n + 1,)),
        "bias": (np.float32, (n,)),
        "state": (np.int8, (n,)),
        "calibration": (np.float64, (levels, 2)),
        **{f"idf.{kind}": (np.float32, (len(terms),)) for kind, terms in vocabulary.items()},
        **{f"vectors.{name}": (np.float32, (vector_width,)) for name in ("mean", "factor") if vector_width},
    }
    if tensors.keys() != expected.keys():
        odd = sorted(tensors.keys() ^ expected.keys())
        raise ModelFileError(f"{file} does not fit config.json: tensors missing or too many: {', '.join(odd[:5])}.")
    for name, (kind, shape) in expected.items():
        value = tensors[name]
        if value.dtype != kind or value.shape != shape:
            raise ModelFileError(
                f"{file} does not fit config.json: {name} is {value.dtype} {value.shape}, not {np.dtype(kind)} {shape}."
            )
        if not np.isfinite(value).all():
            raise ModelFileError(f"{file} is damaged: {name} holds values that are not finite.")
    if not _within(tensors["state"], NEVER, ALWAYS) or (tensors["state"] == NEVER).all():
        raise ModelFileError(f"{file} is damaged: state holds values that mean nothing.")


def _within(values: np.ndarray, low: int, high: int) -> bool:
    return not len(values) or bool(low <= values.min() and values.max() <= high)
