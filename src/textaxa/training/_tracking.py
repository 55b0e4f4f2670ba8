"""Experiment trackers: the Trainer's own callbacks send loss and scores to TensorBoard, MLflow and others.

Their names come in, checked callbacks' names and a place for TensorBoard's files go out. Nothing of it changes what is
trained, so none of it is a setting of the model.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from transformers import TrainingArguments
from transformers.integrations.integration_utils import (
    INTEGRATION_TO_CALLBACK,
    TensorBoardCallback,
    get_available_reporting_integrations,
)

from textaxa._extras import require
from textaxa._suggest import did_you_mean
from textaxa.errors import ConfigError
from textaxa.settings import ModelSettings

_OURS = {"tensorboard": "tensorboard", "mlflow": "mlflow"}
"""Trackers that the extra ``tracking`` brings, and their packages."""

LOGS = Path("runs")
"""Where TensorBoard's files go, seen from here, as is usual; ``TENSORBOARD_LOGGING_DIR`` names another place."""


def check_installed(names: Sequence[str]) -> None:
    """Make sure that trackers are known and there.

    Raises
    ------
    ConfigError
        The Trainer does not know one.
    MissingExtraError
        Its package is not installed.
    """
    installed = get_available_reporting_integrations()
    for name in names:
        if name not in INTEGRATION_TO_CALLBACK:
            raise ConfigError(
                f"report_to = {name!r} is no tracker that the Trainer knows."
                f"{did_you_mean(name, INTEGRATION_TO_CALLBACK)} Known: {', '.join(sorted(INTEGRATION_TO_CALLBACK))}."
            )
        if name not in installed and name in _OURS:
            require(_OURS[name], extra="tracking")
        if name not in installed and name != "flyte":  # flyte is not told of among those that are installed
            raise ConfigError(f"The package of the tracker {name!r} is not installed. Install it, or leave it out.")


class TrackedArguments(TrainingArguments):
    """Arguments of the Trainer that also tell a tracker what our settings are."""

    told: dict[str, Any] = {}  # noqa: RUF012 - set on the object; a dataclass field would be an argument

    def to_dict(self) -> dict[str, Any]:
        """Give the arguments as trackers log them."""
        return {**super().to_dict(), **self.told}


def told_settings(settings: ModelSettings) -> dict[str, Any]:
    """Give our settings by the names of the configuration file, such as ``head.feed``."""
    sections = {
        "encoder": asdict(settings.encoder),
        "head": {"name": settings.head, **vars(settings.head_settings)},
        "training": asdict(settings.training),
    }
    told = {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}
    return {"task": settings.task, **told}


def place_logs(callbacks: Sequence[Any], checkpoints: Path) -> None:
    """Let TensorBoard's files outlive the checkpoints, beside which it would put them."""
    name = checkpoints.name.removesuffix(".training")
    for one in callbacks:
        if isinstance(one, TensorBoardCallback) and one.logging_dir is None:
            one.logging_dir = str(LOGS / f"{name}-{datetime.now():%Y%m%d-%H%M%S}")
