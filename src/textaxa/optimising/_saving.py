"""The chosen candidate as a model folder."""

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from textaxa.fast_path import CHEAP, STRONG, FastPathModel
from textaxa.linear import LinearModel
from textaxa.optimising._lengths import with_encoder
from textaxa.optimising._material import Candidate
from textaxa.persistence import load_model, save_model

SUMMARY = "optimised"
"""Where a model's summary keeps what was measured."""


def save_candidate(candidate: Candidate, folder: Path, told: dict[str, Any], *, scratch: Path) -> Path:
    """Write a candidate as a model folder, whole or not at all.

    Parameters
    ----------
    candidate
        What to save.
    folder
        Its place.
    told
        What the model's summary keeps of the search. JSON-able.
    scratch
        A folder for the parts of a fast path on the way.

    Raises
    ------
    ModelFileError
        The place cannot be written, or holds something else.
    """
    if candidate.parts is None:
        return save_model(_finished(candidate, told), folder, onnx=candidate.part)
    place = Path(mkdtemp(prefix="parts-", dir=scratch))
    places = {name: place / name for name in (CHEAP, STRONG)}
    for one, at in zip(candidate.parts, places.values(), strict=True):
        save_model(_finished(one, {}), at, onnx=one.part)
    cheap, strong = (load_model(at, runtime="auto") for at in places.values())
    threshold = min(candidate.threshold or 0.0, 1.0)
    summary = {**candidate.parts[1].source.summary, SUMMARY: told}
    summary.pop("onnx", None)
    return save_model(FastPathModel(cheap, strong, threshold, summary=summary, places=places), folder)  # type: ignore[arg-type]


def _finished(candidate: Candidate, told: dict[str, Any]) -> Any:
    """Give what is saved, with a summary of its own: the given model, of which parts are shared, keeps its."""
    source = candidate.source
    if isinstance(source, LinearModel):
        source.summary = {**source.summary, SUMMARY: told} if told else source.summary
        return source
    found = with_encoder(source, source.encoder)
    # Other weights or less of the text make what held-out rows said of the given model untrue.
    found.evidence = source.evidence if candidate.kind == "engine" else None
    size = sum(file.stat().st_size for file in candidate.part.iterdir()) if candidate.part else 0
    found.summary["onnx"] = {"precision": candidate.model.layout.precision, "bytes": size}
    if told:
        found.summary[SUMMARY] = told
    return found
