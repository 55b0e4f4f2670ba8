"""Models of label texts without training rows."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from textaxa.encoders import load_encoder
from textaxa.errors import ConfigError
from textaxa.heads import HEADS, build_head, check_task, head_class
from textaxa.labels._vectors import LabelVectors, reads_labels
from textaxa.model import Model
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy


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


def _model(taxonomy: Taxonomy, encoder: Any, settings: ModelSettings, summary: dict[str, Any]) -> Model:
    head = build_head(settings.head, taxonomy, encoder.width, task=settings.task, settings=settings.head_settings)
    return Model(taxonomy, encoder, head, settings, summary)


def _refuse_other_heads(head: str, reason: str) -> None:
    if reads_labels(head_class(head)):
        return
    able = ", ".join(name for name in HEADS if reads_labels(head_class(name)))
    raise ConfigError(f"The head {head!r} {reason}. Use one that reads the labels' texts: {able}.")
