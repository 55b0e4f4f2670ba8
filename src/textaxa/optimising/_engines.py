"""Another engine, and other numbers to compute with: ONNX Runtime in fp32 and int8, OpenVINO in bf16."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from textaxa.exporting import as_bf16, as_int8, read_export, write_onnx
from textaxa.model import Model
from textaxa.optimising._material import Candidate, Material, Workshop
from textaxa.runtime import computes_bf16

_WHAT = {
    "fp32": "ONNX Runtime, the same numbers",
    "int8": "ONNX Runtime, weights of the encoder as 8-bit integers",
    "bf16": "OpenVINO, matrix products in bf16",
}


def precisions() -> list[str]:
    """Give what this machine can compute with; bf16 only where the processor has instructions for it."""
    return ["fp32", "int8", *(["bf16"] if computes_bf16() else [])]


def engines(workshop: Workshop) -> Iterator[Candidate]:
    """Give the given model on every engine."""
    for precision in precisions():
        yield on_engine(workshop.material, workshop.material.model, precision, name=precision, kind="engine", what="")


def on_engine(
    material: Material, model: Model, precision: str, *, name: str, kind: str, what: str, part: Path | None = None
) -> Candidate:
    """Give a model as it will be computed once it is saved.

    Parameters
    ----------
    material
        For its scratch folder.
    model
        The model.
    precision
        ``fp32``, ``int8`` or ``bf16``.
    name, kind, what
        Of the candidate; what the engine does is added.
    part
        An ``onnx/`` folder in that precision that holds the same weights already.
    """
    if part is None:
        part = Path(mkdtemp(prefix=f"{kind}-", dir=material.scratch))
        write_onnx(model, part)
        if precision != "fp32":
            (as_int8 if precision == "int8" else as_bf16)(part)
    ready = read_export(model, part, engine="openvino" if precision == "bf16" else "onnx")
    told = "; ".join(one for one in (what, _WHAT[precision]) if one)
    return Candidate(name, kind, told, ready, source=model, part=part)
