"""Cross-fitting: no row is scored by a model that has seen it, or a twin of it."""

import numpy as np
import pytest

from textaxa.audit import OnceEncoded
from textaxa.audit._folds import fold_of_rows
from textaxa.data import Examples
from textaxa.errors import ConfigError


def _examples(n: int = 60, groups: list[str] | None = None) -> Examples:
    texts = [f"text {i % 50}" for i in range(n)]
    labels = [((("A", "B", "C")[i % 3],),) for i in range(n)]
    return Examples(texts, labels, list(range(n)), groups=groups)


def test_folds_are_even_and_keep_twins_together():
    examples = _examples()
    folds = fold_of_rows(examples, 5)
    assert set(folds) == set(range(5))
    assert np.bincount(folds).max() - np.bincount(folds).min() <= 2
    for i in range(10):
        assert folds[i] == folds[i + 50]
    for label in set(examples.labels):
        rows = [fold for fold, labels in zip(folds, examples.labels, strict=True) if labels == label]
        assert np.bincount(rows, minlength=5).max() - np.bincount(rows, minlength=5).min() <= 2


def test_folds_do_not_depend_on_the_order_of_rows():
    examples = Examples([f"text {i}" for i in range(40)], [((f"L{i % 4}",),) for i in range(40)], list(range(40)))
    order = np.random.default_rng(0).permutation(40).tolist()
    np.testing.assert_array_equal(fold_of_rows(examples, 4)[order], fold_of_rows(examples.select(order), 4))
    assert (fold_of_rows(examples, 4, seed=1) != fold_of_rows(examples, 4)).any()


def test_groups_stay_together():
    groups = [f"shop {i // 6}" for i in range(60)]
    folds = fold_of_rows(_examples(groups=groups), 3)
    assert all(len(set(folds[[i for i, g in enumerate(groups) if g == group]])) == 1 for group in set(groups))


def test_fewer_rows_than_folds_leave_folds_empty():
    folds = fold_of_rows(Examples(["a", "b", "c"], [(("A",),), (("A",),), (("B",),)], [0, 1, 2]), 5)
    assert len(set(folds.tolist())) == 3


@pytest.mark.parametrize("folds", [1, 0, -3])
def test_one_fold_is_no_cross_fitting(folds):
    with pytest.raises(ConfigError, match="at least 2 folds"):
        fold_of_rows(_examples(), folds)


class _Encoder:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked.append(texts)
        return np.array([[len(text), 1.0] for text in texts])


def test_every_text_is_encoded_once():
    encoder, give = _Encoder(), OnceEncoded(["a", "bb", "a", "ccc"])
    assert give.known(["a"]) is None
    assert give(encoder, ["bb", "a"]).tolist() == [[2, 1], [1, 1]]
    assert give(encoder, ["ccc", "ccc"]).tolist() == [[3, 1], [3, 1]]
    assert encoder.asked == [["a", "bb", "ccc"]]
    assert give.known(["ccc"]).tolist() == [[3, 1]]


def test_no_model_sees_the_rows_that_it_scores(monkeypatch):
    pytest.importorskip("sklearn", reason="linear models need the extra train")
    import textaxa.training
    from textaxa.audit import cross_fitted
    from textaxa.data import taxonomy_of_labels
    from textaxa.linear import LinearModel
    from textaxa.settings import ModelSettings

    seen: list[set[str]] = []
    scored: list[set[str]] = []
    train, score = textaxa.training.train_model, LinearModel.node_proba

    def spy_train(texts, labels, taxonomy, **options):
        seen.append(set(texts))
        return train(texts, labels, taxonomy, **options)

    def spy_score(self, texts):
        scored.append(set(texts))
        return score(self, texts)

    monkeypatch.setattr(textaxa.training, "train_model", spy_train)
    monkeypatch.setattr(LinearModel, "node_proba", spy_score)
    examples, told = _examples(), []
    taxonomy = taxonomy_of_labels(examples.labels)
    settings = ModelSettings("single", "linear", LinearModel.Settings())
    proba = cross_fitted(examples, taxonomy, settings, n_folds=3, listener=told.append)
    assert [event["fold"] for event in told] == [1, 2, 3]
    assert all(not a & b for a, b in zip(seen, scored, strict=True))
    assert set().union(*scored) == set(examples.texts)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-5)
