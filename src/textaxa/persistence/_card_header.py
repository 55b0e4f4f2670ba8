"""The metadata at the top of a model card: what the Hugging Face Hub reads to list, filter and compare models.

A model comes in; YAML between two lines of dashes comes out. Source: "Model Cards" in the documentation of the Hub;
``huggingface_hub.ModelCard`` reads it back in a test.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.heads import uses_encoder

if TYPE_CHECKING:
    from textaxa.model import Model

PACKAGED = "sentence-transformers/all-MiniLM-L6-v2"
"""What the extra ``minilm`` carries, by its name on the Hub."""

_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_METRICS = (
    ("accuracy", "Path accuracy", ("path_accuracy",)),
    ("f1", "Hierarchical F1", ("hierarchical", "f1")),
)
"""The Hub's name of a metric, its name for people, and where it stands in an evaluation."""


def card_header(model: "Model") -> str:
    """Give the header, lines of dashes around it."""
    import yaml  # noqa: PLC0415 - only where a card is written

    told: dict[str, Any] = {
        "library_name": "textaxa",
        "pipeline_tag": "text-classification",
        "tags": ["hierarchical-text-classification", "textaxa"],
    }
    if base := base_model(model):
        told["base_model"] = base
    if results := _results(model.summary):
        told["metrics"] = [one["type"] for one in results]
        told["model-index"] = [{"name": "textaxa model", "results": [_result(model.summary, results)]}]
    return f"---\n{yaml.safe_dump(told, sort_keys=False, allow_unicode=True)}---"


def base_model(model: "Model") -> str | None:
    """Give the Hub's name of the encoder that a model was made of; None where it has none, or one from a folder."""
    settings = model.settings
    if not hasattr(settings.encoder, "encoder") or not uses_encoder(settings.head, settings.head_settings):
        return None
    name = settings.encoder.encoder
    if name is None:
        return PACKAGED
    return name if _ON_THE_HUB.fullmatch(name) and not Path(name).exists() else None


def _results(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the scores of the model itself on its validation rows; references come after it and are left out."""
    evaluations = summary.get("evaluations") or {}
    first: Any = next(iter(evaluations.values()), {})
    found = []
    for kind, name, place in _METRICS:
        value: Any = first
        for key in place:
            value = value.get(key) if isinstance(value, Mapping) else None
        if isinstance(value, float):
            found.append({"type": kind, "name": name, "value": round(value, 4)})
    return found


def _result(summary: Mapping[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    source = str(summary.get("source") or "a table")
    return {
        "task": {"type": "text-classification", "name": "Hierarchical text classification"},
        "dataset": {
            "name": f"validation rows of {source}",
            "type": re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-") or "table",
            "split": "validation",
        },
        "metrics": metrics,
    }
