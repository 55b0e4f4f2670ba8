"""The numbers of the reliability diagrams, before and after calibration where the model has one."""

from typing import Any

import numpy as np

from textaxa.evaluation import CalibrationScores, LevelCalibration, Task, calibration_scores
from textaxa.report._material import Material, number

RESAMPLES = 200
"""Enough for an interval's ends to two digits, and some seconds for 50,000 texts."""


def reliability(material: Material) -> dict[str, Any]:
    """Give calibration errors, Brier score and log loss.

    Returns
    -------
    ``levels``: by level and for whole paths (``level`` None), with the bins after and, or None, before calibration;
    ``brier`` and ``log_loss``, each after and before.
    """
    after = _scores(material, material.node_proba)
    before = None if material.uncalibrated is None else _scores(material, material.uncalibrated)
    return {
        "calibrated": before is not None,
        "levels": [
            {"level": level, "after": one, "before": _by_level(before).get(level) if before else None}
            for level, one in _by_level(after).items()
        ],
        "brier": _pair(after, before, "brier"),
        "log_loss": _pair(after, before, "log_loss"),
    }


def charts(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Give what the diagrams need of `reliability`: the levels' bins."""
    return [
        {"level": one["level"], "after": one["after"]["bins"], "before": one["before"] and one["before"]["bins"]}
        for one in told["levels"]
        if one["level"] is not None
    ]


def _scores(material: Material, node_proba: Any) -> CalibrationScores:
    task: Task = "single" if material.single else "multi"
    return calibration_scores(
        material.taxonomy, material.true, node_proba, bins=_bins(len(material.texts)), n_resamples=RESAMPLES, task=task
    )


def _bins(n: int) -> int:
    """Give the number of bins: as many as can have some thirty texts each, 5 to 15.

    >>> _bins(10), _bins(300), _bins(50_000)
    (5, 10, 15)
    """
    return int(np.clip(n // 30, 5, 15))


def _by_level(scores: CalibrationScores) -> dict[int | None, dict[str, Any]]:
    paths = [] if scores.path is None else [scores.path]
    return {one.level: _level(one) for one in (*scores.levels, *paths)}


def _level(one: LevelCalibration) -> dict[str, Any]:
    return {
        "n": one.n,
        "ece": number(one.ece),
        "ece_debiased": number(one.ece_debiased),
        "interval": None if one.interval is None else [number(end) for end in one.interval],
        "bins": {
            "confidence": [number(part.confidence) for part in one.bins],
            "right": [number(part.accuracy) for part in one.bins],
            "count": [part.n for part in one.bins],
        },
    }


def _pair(after: CalibrationScores, before: CalibrationScores | None, name: str) -> dict[str, Any]:
    return {
        "after": number(getattr(after, name)),
        "interval": [number(end) for end in (after.intervals or {}).get(name, ())],
        "before": None if before is None else number(getattr(before, name)),
    }
