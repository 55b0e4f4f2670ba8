"""Stored calibrations that are damaged, foreign or hostile are a `ModelFileError`, never another exception."""

import json

import numpy as np
import pytest
from calibration_cases import random_calibration
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.calibration import METHODS, Calibration, calibration_from_dict
from textaxa.errors import ModelFileError
from textaxa.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_paths([("A",), ("A", "B"), ("A", "C"), ("D",)])


def _stored(method, task="single"):
    generator = np.random.default_rng(0)
    one = Calibration(TAXONOMY, task) if method == "none" else random_calibration(TAXONOMY, task, method, generator)
    return json.loads(json.dumps(one.to_dict()))


def _refused(stored, told="damaged|newer"):
    with pytest.raises(ModelFileError, match=told):
        calibration_from_dict(TAXONOMY, stored)


@pytest.mark.parametrize("stored", [None, [], "vector", 3, {}, {"method": "vector"}])
def test_something_else_is_refused(stored):
    _refused(stored)


@pytest.mark.parametrize("method", METHODS)
def test_keys_may_not_be_missing_or_added(method):
    for key in _stored(method):
        stored = _stored(method)
        del stored[key]
        _refused(stored)
    _refused({**_stored(method), "code": "import os"}, "code")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("format", "other", "format"),
        ("version", 2, "newer"),
        ("version", True, "newer"),
        ("version", "1", "newer"),
        ("task", "both", "task"),
        ("task", ["single"], "task"),
        ("method", "auto", "method"),
        ("method", ["vector"], "method"),
        ("method", None, "method"),
        ("rows", -1, "count"),
        ("rows", 1.5, "count"),
        ("rows", 10**30, "count"),
        ("rows", True, "count"),
        ("scores", [1], "scores"),
        ("scores", {"guess": 1.0}, "scores"),
        ("scores", {"none": -1.0}, "below 0"),
        ("scores", {"none": float("nan")}, "finite"),
        ("scores", {"none": "1"}, "no number"),
        ("scale", [1.0], "list of 2"),
        ("scale", [1.0] * 3, "list of 2"),
        ("scale", {"0": 1.0}, "list of 2"),
        ("scale", [1.0, float("nan")], "finite"),
        ("scale", [1.0, float("inf")], "finite"),
        ("scale", [1.0, 1e300], "outside"),
        ("scale", [1.0, 10**400], "no number"),
        ("scale", [1.0, 0.0], "outside"),
        ("scale", [1.0, -1.0], "outside"),
        ("scale", [1.0, True], "no number"),
        ("scale", [1.0, [1.0]], "no number"),
        ("scale", [1.0, "1"], "no number"),
        ("scale", [1.0, None], "no number"),
        ("floor", [0.0], "list of 2"),
        ("floor", [0.0, -1e9], "beyond"),
        ("shift", [0.0] * 4, "list of 5"),
        ("shift", [0.0] * 4 + [1e6], "beyond"),
        ("shift", [0.0] * 4 + [float("-inf")], "finite"),
    ],
)
def test_wrong_values_are_refused(key, value, told):
    method = {"scale": "temperature-per-level", "floor": "temperature-per-level"}.get(key, "vector")
    _refused({**_stored(method), key: value}, told)


@pytest.mark.parametrize(
    ("curve", "told"),
    [
        ({"x": [0.0, 1.0]}, "x and y"),
        ({"x": [0.0, 1.0], "y": [0.0, 1.0], "z": 1}, "x and y"),
        ({"x": [0.0], "y": [0.0]}, "knots"),
        ({"x": [], "y": []}, "knots"),
        ({"x": 3, "y": 3}, "knots"),
        ({"x": [0.0, 1.0], "y": [0.0]}, "list of 2"),
        ({"x": [1.0, 0.0], "y": [0.0, 1.0]}, "rise"),
        ({"x": [0.0, 0.0], "y": [0.0, 1.0]}, "rise"),
        ({"x": [0.0, 1.0], "y": [1.0, 0.0]}, "rise"),
        ({"x": [0.0, float("nan")], "y": [0.0, 1.0]}, "finite"),
        ({"x": [0.0, 1e9], "y": [0.0, 1.0]}, "beyond"),
        ({"x": [0.0, 1.0], "y": [0.0, 1e9]}, "beyond"),
        ({"x": [i / 1000 for i in range(20_000)], "y": [0.0] * 20_000}, "knots"),
        ([[0, 0], [1, 1]], "x and y"),
    ],
)
@pytest.mark.parametrize("method", ["vector", "isotonic"])
def test_wrong_curves_are_refused(method, curve, told):
    stored = _stored(method)
    stored["curves"][1] = curve
    _refused(stored, told)


def test_a_wrong_number_of_curves_is_refused():
    stored = _stored("venn-abers")
    _refused({**stored, "curves": stored["curves"][:1]}, "one a level")
    _refused({**stored, "curves": {"a": 1}}, "one a level")


def test_the_calibration_of_another_taxonomy_is_refused():
    other = Taxonomy.from_paths([("A", "B"), ("C",), ("D", "E", "F")])
    for method in METHODS[2:]:
        with pytest.raises(ModelFileError, match="another taxonomy"):
            calibration_from_dict(other, _stored(method))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "none"]), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(METHODS), st.sampled_from(["single", "multi"]), st.data())
def test_whatever_stands_there_it_works_or_is_refused(method, task, data):
    stored = _stored(method, task)
    stored[data.draw(st.sampled_from(sorted(stored)))] = data.draw(_JSON)
    try:
        calibration = calibration_from_dict(TAXONOMY, stored)
    except ModelFileError:
        return
    found = calibration([[0.7, 0.3, 0.2, 0.1], [1.0, 0.0, 0.0, 1.0]])
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
