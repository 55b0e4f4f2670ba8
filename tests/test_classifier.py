"""The estimator: from texts and labels in any form to predictions, by scikit-learn's rules."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa import HierarchicalTextClassifier, Taxonomy
from textaxa.errors import ConfigError, DataError

TEXTS, LABELS = rows(48)
PATHS = [paths[0] for paths in LABELS]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def make(tiny):
    fast = {"encoder": tiny, "max_length": 32, "epochs": 2, "batch_size": 8, "precision": "fp32"}
    return lambda **params: HierarchicalTextClassifier(**{**fast, **params})


class NumbersAsWords(HierarchicalTextClassifier):
    """scikit-learn's checks feed numbers; this writes them as words and path names, so that the checks can run."""

    def fit(self, X, y):  # noqa: N803
        if y is not None:
            X, y = validate_data(self, X, y, dtype=float)  # noqa: N806
            y = [repr(float(value)) for value in y]
        return super().fit(_words(X), y)

    def predict(self, X):  # noqa: N803
        self._fitted()
        return np.array([float(path[0]) for path in super().predict(_words(self._checked(X)))])

    def predict_proba(self, X):  # noqa: N803
        self._fitted()
        return super().predict_proba(_words(self._checked(X)))

    def score(self, X, y):  # noqa: N803
        return float(np.mean(self.predict(X) == np.asarray(y)))

    def _checked(self, X):  # noqa: N803
        return validate_data(self, X, reset=False, dtype=float)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = False, True
        return tags


def _words(X) -> list[str]:  # noqa: N803
    return [" ".join(f"{'abcdefghij'[i % 10]}{int(value * 10)}" for i, value in enumerate(row)) for row in X]


CHECKED_ENCODER = Path(tempfile.gettempdir(), f"textaxa-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}")
"""The checks are made when tests are collected, before any fixture, so the encoder's folder has to be known by then,
by the same name in all processes of a run."""


@pytest.fixture(scope="module", autouse=True)
def _checked_encoder():
    make_tiny_encoder(CHECKED_ENCODER)
    yield
    shutil.rmtree(CHECKED_ENCODER)


@parametrize_with_checks([NumbersAsWords(encoder=str(CHECKED_ENCODER), max_length=32, epochs=1, frozen=True)])
def test_scikit_learn(estimator, check):
    """Every check of scikit-learn that a text classifier can be put to; none is expected to fail."""
    check(estimator)


def test_fit_predict_and_the_shapes(make):
    classifier = make(encoder_rate=1e-3, head_rate=1e-2, epochs=12).fit(TEXTS, PATHS)
    found = classifier.predict(TEXTS)
    assert np.mean([a == b for a, b in zip(found, PATHS, strict=True)]) > 0.8
    proba = classifier.predict_proba(TEXTS)
    assert proba.shape == (48, len(classifier.taxonomy_))
    assert classifier.classes_ == list(classifier.taxonomy_.nodes)
    best = classifier.predict_paths(TEXTS[:1], top=3)[0]
    assert len(best) == 3
    assert best[0].path == found[0]
    assert best[0].path_probability >= best[1].path_probability >= best[2].path_probability


@pytest.mark.parametrize(
    "labels",
    [
        PATHS,
        [list(path) for path in PATHS],
        np.array([" > ".join(path) for path in PATHS]),
        pd.Series([" > ".join(path) for path in PATHS]),
        pd.DataFrame([(*path, None)[:2] for path in PATHS], columns=["category", "subcategory"]),
        np.array([(*path, "")[:2] for path in PATHS], dtype=object),
    ],
    ids=["tuples", "lists", "array of text", "series", "frame", "2-D array"],
)
def test_labels_in_every_form_mean_the_same(make, labels):
    expected = make().fit(TEXTS, PATHS)
    separator = " > " if isinstance(labels, pd.Series | np.ndarray) and labels.ndim == 1 else None
    found = make(separator=separator).fit(pd.Series(TEXTS), labels)
    assert found.taxonomy_ == expected.taxonomy_
    np.testing.assert_array_equal(found.predict_proba(TEXTS), expected.predict_proba(TEXTS))


def test_several_paths(make):
    labels = [[path, ("Finance",)] if i % 2 else [path] for i, path in enumerate(PATHS)]
    classifier = make().fit(TEXTS, labels)
    assert classifier.task_ == "multi"
    for paths in classifier.predict(TEXTS):
        assert isinstance(paths, tuple)
        assert all(isinstance(path, tuple) for path in paths)
    assert 0 <= classifier.score(TEXTS, labels) <= 1
    with pytest.raises(ConfigError, match="one path a text"):
        make(head="flat").fit(TEXTS, labels)


def test_a_given_taxonomy_keeps_nodes_without_rows(make):
    taxonomy = Taxonomy.from_paths([*dict.fromkeys(PATHS), ("Travel", "Maps")])
    classifier = make(taxonomy=taxonomy).fit(TEXTS, PATHS)
    assert ("Travel", "Maps") in classifier.taxonomy_
    with pytest.raises(DataError, match="not in the taxonomy"):
        make(taxonomy=Taxonomy.from_paths([("Games",)])).fit(TEXTS, PATHS)


def test_score_counts_an_unknown_label_as_a_miss(make):
    classifier = make().fit(TEXTS, PATHS)
    assert classifier.score(TEXTS[:2], [("Never", "Seen")] * 2) == 0.0
    assert classifier.score(TEXTS, classifier.predict(TEXTS)) == 1.0


def test_save_and_load(make, tmp_path):
    classifier = make(head_settings={"feed": "scheduled"}).fit(TEXTS, PATHS)
    classifier.save(tmp_path / "m")
    again = HierarchicalTextClassifier.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_proba(TEXTS), classifier.predict_proba(TEXTS))
    assert again.head_settings["feed"] == "scheduled"
    clone(again).set_params(epochs=1).fit(TEXTS, PATHS)


def test_grid_search_cross_validation_and_pipeline(make):
    search = GridSearchCV(make(epochs=1), {"head": ["flat", "chained"]}, cv=2).fit(TEXTS, PATHS)
    assert search.best_params_["head"] in ("flat", "chained")
    assert 0 <= search.best_score_ <= 1
    assert len(cross_val_score(make(epochs=1), TEXTS, PATHS, cv=2)) == 2
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    assert make_pipeline(lower, make(epochs=1)).fit(TEXTS, PATHS).predict(TEXTS[:1])[0] in PATHS


def test_groups_and_given_validation_rows(make):
    make().fit(TEXTS, PATHS, groups=[i // 6 for i in range(48)])
    classifier = make().fit(TEXTS, PATHS, valid=(TEXTS[:6], PATHS[:6]))
    assert classifier.model_.summary["rows"] == 48
    assert classifier.model_.summary["valid_rows"] == 6


def test_one_class_and_one_row_a_class(make):
    assert make().fit(TEXTS, [("Games",)] * 48).predict(TEXTS[:1]) == [("Games",)]
    assert make().fit(TEXTS[:6], PATHS[:6]).model_.summary["valid_rows"] == 0
    assert make().fit(TEXTS[:1], PATHS[:1]).predict(["anything"]) == PATHS[:1]


def test_not_fitted(make):
    for call in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="not trained yet"):
            getattr(make(), call)(TEXTS)
    with pytest.raises(NotFittedError):
        make().save("anywhere")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"head": "chaned"}, "Did you mean 'chained'"),
        ({"head_settings": {"feeed": "true"}}, "Did you mean 'feed'"),
        ({"pooling": "median"}, "It can be: auto, cls, mean, max"),
        ({"epochs": 0}, "at least 1"),
        ({"epochs": 2.5}, "wrong kind"),
        ({"head_rate": float("nan")}, "finite"),
        ({"task": "both"}, "auto, single, multi"),
    ],
)
def test_bad_parameters_are_told_at_fit(make, params, message):
    with pytest.raises(ConfigError, match=message):
        make(**params).fit(TEXTS, PATHS)


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        ([], [], "empty|no "),
        (TEXTS, PATHS[:-1], "48 texts but 47 labels"),
        ([*TEXTS[:-1], "   "], PATHS, "47"),
        ([*TEXTS[:-1], None], PATHS, "47"),
        (TEXTS, [*PATHS[:-1], ()], "47"),
        ("one string", [("Games",)], "list"),
    ],
)
def test_bad_rows_are_named(make, texts, labels, message):
    with pytest.raises(DataError, match=message):
        make().fit(texts, labels)
