"""Models of label texts without training rows, and for a taxonomy that has changed since."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch

from textaxa.encoders import load_encoder
from textaxa.errors import ConfigError
from textaxa.heads import HEADS, build_head, check_task, head_class
from textaxa.labels._vectors import LabelVectors, reads_labels
from textaxa.model import Model
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy, diff_taxonomies

_OF_THE_TAXONOMY = ("label_vectors", "bias")
"""What of the head's state depends on which nodes, or how many levels, there are."""


def zero_shot_model(
    taxonomy: Taxonomy,
    *,
    task: str = "single",
    encoder: EncoderSettings | None = None,
    head: str = "label-text",
    head_settings: Checked | None = None,
    training: TrainingSettings | None = None,
) -> Model:
    """Make a model that has seen no training row: texts go where the taxonomy's own words are nearest.

    Features are not scaled. (On 200 validation rows of open-apps, a scale fitted on the label texts, which is all
    there is to fit one on, was no better with descriptions and much worse without.)

    Parameters
    ----------
    taxonomy
        Names that say something, and better still descriptions, are all that the model knows.
    task
        ``single`` or ``multi``.
    encoder, head, head_settings, training
        As for training. The head must be one that reads label texts.

    Raises
    ------
    ConfigError
        The head needs training rows.
    """
    _refuse_other_heads(head, "cannot do without training rows")
    check_task(head, task)
    settings = ModelSettings(
        task=task,
        head=head,
        head_settings=head_settings or head_class(head).Settings(),
        encoder=encoder or EncoderSettings(),
        training=training or TrainingSettings(),
    )
    loaded = load_encoder(settings.encoder)
    summary = {"rows": 0, "valid_rows": 0, "trained": datetime.now(UTC).date().isoformat()}
    model = _model(taxonomy, loaded, replace(settings, encoder=loaded.settings), summary)
    LabelVectors(model).store()
    return model.eval()


def with_taxonomy(model: Model, taxonomy: Taxonomy) -> Model:
    """Give a model of label texts for another taxonomy, without training: new and renamed nodes are read anew.

    Encoder (shared with ``model``), feature scale, projections, temperature and parent weight are kept. A node whose
    text is the same keeps its vector to the bit.

    Raises
    ------
    ConfigError
        The model's head has a weight of its own for every node, so that a new node would have none.
    """
    _refuse_other_heads(model.settings.head, "has weights for the nodes that it was trained on only")
    changed = _model(taxonomy, model.encoder, model.settings, _summary(model, taxonomy))
    changed.to(model.scale.mean.device)
    changed.scale.load_state_dict(model.scale.state_dict())
    _keep_weights(model.head, changed.head)
    _keep_vectors(model, changed)
    changed.thresholds = _thresholds(model, taxonomy)
    return changed.eval()


def _model(taxonomy: Taxonomy, encoder: Any, settings: ModelSettings, summary: dict[str, Any]) -> Model:
    head = build_head(settings.head, taxonomy, encoder.width, task=settings.task, settings=settings.head_settings)
    return Model(taxonomy, encoder, head, settings, summary)


def _refuse_other_heads(head: str, reason: str) -> None:
    if reads_labels(head_class(head)):
        return
    able = ", ".join(name for name in HEADS if reads_labels(head_class(name)))
    raise ConfigError(f"The head {head!r} {reason}. Use one that reads the labels' texts: {able}.")


@torch.no_grad()
def _keep_weights(old: Any, new: Any) -> None:
    """Copy what does not depend on the nodes. A level deeper than any before takes the bias of the deepest one."""
    kept = {name: value for name, value in old.state_dict().items() if name not in _OF_THE_TAXONOMY}
    new.load_state_dict({**new.state_dict(), **kept})
    if hasattr(old, "bias"):
        level = torch.arange(len(new.bias), device=old.bias.device).clamp_max(len(old.bias) - 1)
        new.bias.copy_(old.bias[level])


def _keep_vectors(old: Model, new: Model) -> None:
    before = {text: node for node, text in enumerate(LabelVectors(old).texts)}
    vectors = LabelVectors(new)
    fresh = [node for node, text in enumerate(vectors.texts) if text not in before]
    same = [node for node, text in enumerate(vectors.texts) if text in before]
    new.head.label_vectors[same] = old.head.label_vectors[[before[vectors.texts[node]] for node in same]]
    if fresh:
        new.head.label_vectors[fresh] = vectors.of(fresh)


def _thresholds(model: Model, taxonomy: Taxonomy) -> np.ndarray | None:
    """Give the thresholds of the new nodes: a path's own where it had one, else its parent's, else the middle one."""
    if model.thresholds is None:
        return None
    found = np.empty(len(taxonomy))
    for node, path in enumerate(taxonomy.nodes):  # parents come before children
        old = model.taxonomy.find(path)
        parent = taxonomy.parent[node]
        inherited = found[parent] if parent >= 0 else np.median(model.thresholds)
        found[node] = inherited if old is None else model.thresholds[old]
    return found


def _summary(model: Model, taxonomy: Taxonomy) -> dict[str, Any]:
    """Give what is still true of the old summary, with what has changed."""
    summary = dict(model.summary)
    if isinstance(summary.get("counts"), list):
        summary["counts"] = _counts(model, taxonomy, summary["counts"])
    if isinstance(summary.get("majority"), list):
        summary["majority"] = [path for path in summary["majority"] if tuple(path) in taxonomy]
    changes = diff_taxonomies(model.taxonomy, taxonomy).counts
    return summary | {"taxonomy_changes": {what: count for what, count in changes.items() if count}}


def _counts(model: Model, taxonomy: Taxonomy, counts: list[int]) -> list[int]:
    """Give the training rows of every terminal or node of the new taxonomy, by path."""
    old, new = (t.terminals if model.task == "single" else range(len(t)) for t in (model.taxonomy, taxonomy))
    if len(counts) != len(old):
        return [0] * len(new)
    seen = {model.taxonomy.path(int(node)): count for node, count in zip(old, counts, strict=True)}
    return [seen.get(taxonomy.path(int(node)), 0) for node in new]
