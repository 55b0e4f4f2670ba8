"""From stored values back to a `Calibration`; read as something that may be damaged or hostile."""

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from textaxa.calibration._calibration import FORMAT, METHODS, MULTI, SINGLE, VERSION, Calibration, space_of
from textaxa.calibration._maps import END, Bent, Curve, Curves, Lines, Map
from textaxa.calibration._spaces import Float
from textaxa.errors import ModelFileError
from textaxa.taxonomy import Taxonomy

SCALES = 0.02, 50.0
"""What a scale may be."""

MOST_SHIFT = 50.0
LOWEST_FLOOR = 30.0
"""Nats below 0; a fit stops at the floor of all probabilities, 27.6."""

MOST_SCORE = 600.0
"""Of a bent line: its slopes are at most 20."""

MOST_KNOTS = 10_000
_KEYS = {"format", "version", "task", "method", "rows", "scores"}
_OWN: dict[str, set[str]] = {
    "none": set(),
    "temperature": {"scale"},
    "temperature-per-level": {"scale", "floor"},
    "vector": {"curves", "shift"},
    "isotonic": {"curves"},
    "venn-abers": {"curves"},
}


def calibration_from_dict(taxonomy: Taxonomy, stored: Any) -> Calibration:
    """Give the calibration that `Calibration.to_dict` stored, for the same taxonomy.

    Parameters
    ----------
    taxonomy
        The model's taxonomy.
    stored
        What JSON gave back.

    Raises
    ------
    ModelFileError
        Damaged, foreign or newer: unknown keys or method, wrong lengths, numbers that are not finite, scales out of
        bounds, curves that fall.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> stored = {"format": "textaxa-calibration", "version": 1, "task": "single", "method": "temperature", "rows": 90,
    ...           "scores": {"none": 0.8, "temperature": 0.6}, "scale": [0.5]}
    >>> calibration_from_dict(taxonomy, stored)([[0.8, 0.2]]).round(3).tolist()
    [[0.6669999957084656, 0.3330000042915344]]
    """
    if not isinstance(stored, Mapping):
        _damaged(f"it is an object with a method and its numbers, not {type(stored).__name__}")
    if stored.get("format") != FORMAT:
        _damaged(f"its format is {stored.get('format')!r}, not {FORMAT!r}")
    if type(stored.get("version")) is not int or stored["version"] != VERSION:
        raise ModelFileError(
            f"The stored calibration has version {stored.get('version')!r}, and this textaxa reads version {VERSION}: "
            "it was probably written by a newer one. Update textaxa, or calibrate again."
        )
    method, task = _one_of(stored, "method", METHODS), _one_of(stored, "task", (SINGLE, MULTI))
    change = None if method == "none" else _map(taxonomy, task, method, stored)
    _check_keys(stored, _OWN[method])
    rows = stored.get("rows")
    if type(rows) is not int or not 0 <= rows < 2**63:
        _damaged(f"rows is {rows!r}, not a count")
    return Calibration(taxonomy, task, method, change, _scores(stored.get("scores")), rows)


def _map(taxonomy: Taxonomy, task: str, method: str, stored: Mapping[str, Any]) -> Map:
    space = space_of(taxonomy, task, method)
    n_levels = len(space.levels)
    if "curves" in _OWN[method]:
        stored_curves = stored.get("curves")
        if not isinstance(stored_curves, list) or len(stored_curves) != n_levels:
            _damaged(f"curves is no list of {n_levels}, one a level")
        curves = tuple(_curve(one, MOST_SCORE if method == "vector" else END) for one in stored_curves)
        if method != "vector":
            return Curves(curves, logs=task == SINGLE)
        return Bent(curves, _bounded(_numbers(stored.get("shift"), "shift", space.n), "shift", MOST_SHIFT))
    scale = _numbers(stored.get("scale"), "scale", n_levels)
    if (scale < SCALES[0]).any() or (scale > SCALES[1]).any():
        _damaged(f"a scale is outside {SCALES[0]} to {SCALES[1]:g}")
    if method == "temperature":
        return Lines(scale)
    return Lines(scale, _bounded(_numbers(stored.get("floor"), "floor", n_levels), "floor", LOWEST_FLOOR))


def _curve(stored: Any, most: float) -> Curve:
    if not isinstance(stored, Mapping) or set(stored) != {"x", "y"}:
        _damaged("a curve is no object of x and y")
    if not isinstance(stored["x"], list) or not 2 <= len(stored["x"]) <= MOST_KNOTS:
        _damaged(f"a curve has no list of 2 to {MOST_KNOTS:,} knots")
    x = _bounded(_numbers(stored["x"], "x of a curve", len(stored["x"])), "x of a curve", END)
    y = _bounded(_numbers(stored["y"], "y of a curve", len(x)), "y of a curve", most)
    if (np.diff(x) <= 0).any() or (np.diff(y) < 0).any():
        _damaged("the knots of a curve do not rise")
    return Curve(x, y)


def _numbers(values: Any, name: str, length: int) -> Float:
    if not isinstance(values, list) or len(values) != length:
        _damaged(f"{name} is no list of {length} numbers")
    if not all(type(value) is float or (type(value) is int and abs(value) < 2**53) for value in values):
        _damaged(f"{name} holds something that is no number")
    array = np.array(values, dtype=np.float64)
    if not np.isfinite(array).all():
        _damaged(f"{name} holds numbers that are not finite")
    return array


def _bounded(values: Float, name: str, most: float) -> Float:
    if (np.abs(values) > most).any():
        _damaged(f"{name} holds a number beyond {most:.4g}")
    return values


def _scores(stored: Any) -> dict[str, float]:
    if not isinstance(stored, Mapping) or not set(stored) <= set(METHODS):
        _damaged("scores is no object of methods and losses")
    losses = _numbers(list(stored.values()), "scores", len(stored))
    if (losses < 0).any():
        _damaged("a log loss is below 0")
    return dict(zip(stored, losses.tolist(), strict=True))


def _one_of(stored: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = stored.get(key)
    if not isinstance(value, str) or value not in known:
        _damaged(f"{key} is {str(value)[:50]!r}, none of {', '.join(known)}")
    return value


def _check_keys(stored: Mapping[str, Any], own: set[str]) -> None:
    if set(stored) != _KEYS | own:
        odd = sorted(map(str, set(stored) ^ (_KEYS | own)))
        _damaged(f"missing or unknown: {', '.join(odd)[:200]}")


def _damaged(what: str) -> NoReturn:
    raise ModelFileError(
        f"The stored calibration does not fit the model: {what}. It is damaged or belongs to another taxonomy. "
        "Calibrate the model again."
    )
