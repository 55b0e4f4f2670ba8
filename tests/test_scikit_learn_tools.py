"""scikit-learn's tools take the estimator: searches, cross-validation with several scores, columns joined before it."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer
from training.apps import rows

from textaxa import HierarchicalTextClassifier, Taxonomy, evaluate_paths
from textaxa.errors import DataError
from textaxa.evaluation import path_scores
from textaxa.taxonomy import NodeRecord

TEXTS, LABELS = rows(72)
PATHS = [paths[0] for paths in LABELS]
NAMED = [" > ".join(path) for path in PATHS]
LEVELS = pd.DataFrame([(*path, None)[:2] for path in PATHS], columns=["category", "subcategory"])
FOLDS = KFold(3, shuffle=True, random_state=0)

TELLING, REST = zip(*(text.rsplit(" ", 1) for text in TEXTS), strict=True)
# Neither column tells the path by itself: even rows have the telling words in one, odd rows in the other.
APART = pd.DataFrame(
    {
        "title": [telling if i % 2 else rest for i, (telling, rest) in enumerate(zip(TELLING, REST, strict=True))],
        "body": [rest if i % 2 else telling for i, (telling, rest) in enumerate(zip(TELLING, REST, strict=True))],
        "price": np.arange(72.0),
    }
)


def linear(**parameters):
    return HierarchicalTextClassifier(head="linear", **parameters)


def joined(columns):
    return columns.agg(" ".join, axis=1).to_frame("text")


def of_columns(*names):
    columns = ColumnTransformer([("text", FunctionTransformer(joined), list(names))])
    return Pipeline([("columns", columns), ("model", linear())])


class AlwaysThese:
    """Gives the paths that it was made with: an estimator that is none of ours, nor of scikit-learn's."""

    def __init__(self, answers):
        self.answers = answers

    def predict(self, texts):
        return self.answers[: len(texts)]


def test_clone_and_parameters():
    settings = {"C": 2.0, "arrangement": "per-parent"}
    original = linear(head_settings=settings, seed=7).fit(TEXTS, PATHS)
    copy = clone(original)
    assert not hasattr(copy, "model_")
    assert copy.get_params() == original.get_params()
    copy.set_params(head_settings={"C": 0.5}).fit(TEXTS, PATHS)
    assert copy.model_.settings.head_settings.C == 0.5
    assert original.head_settings == settings
    with pytest.raises(ValueError, match="Invalid parameter 'haed'"):
        copy.set_params(haed="flat")


def test_a_trained_one_goes_to_another_process():
    trained = linear().fit(TEXTS, PATHS)
    there = pickle.loads(pickle.dumps(trained))  # noqa: S301 - what joblib does
    np.testing.assert_array_equal(there.predict_proba(TEXTS), trained.predict_proba(TEXTS))


@pytest.mark.parametrize(
    ("labels", "separator"), [(PATHS, None), (LEVELS, None), (NAMED, " > ")], ids=["paths", "columns", "text"]
)
def test_cross_validation_with_labels_in_every_form(labels, separator):
    scores = cross_validate(linear(separator=separator), TEXTS, labels, cv=FOLDS, scoring=path_scores)
    assert {name for name in scores if name.startswith("test_")} == {
        "test_hierarchical_f1",
        "test_hierarchical_precision",
        "test_hierarchical_recall",
        "test_macro_f1",
        "test_path_accuracy",
        "test_neg_mistake_severity",
    }
    np.testing.assert_allclose(
        scores["test_hierarchical_f1"], cross_val_score(linear(separator=separator), TEXTS, labels, cv=FOLDS)
    )
    assert scores["test_path_accuracy"].min() > 0.8  # the majority path would be right once in six


def test_several_paths_are_cross_validated():
    several = [(path, ("Finance",)) if i % 3 else (path,) for i, path in enumerate(PATHS)]
    scores = cross_validate(linear(), TEXTS, several, cv=FOLDS, scoring=path_scores)
    assert np.isfinite(scores["test_hierarchical_f1"]).all()
    np.testing.assert_allclose(scores["test_hierarchical_f1"], cross_val_score(linear(), TEXTS, several, cv=FOLDS))


def test_a_search_chooses_the_better_settings():
    # With that much regularisation every weight is next to 0.
    grid = {"head_settings": [{"C": 1e-6}, {"C": 1.0}]}
    search = GridSearchCV(linear(), grid, cv=FOLDS, scoring=path_scores, refit="path_accuracy").fit(TEXTS, PATHS)
    assert search.best_params_["head_settings"] == {"C": 1.0}
    assert search.best_estimator_.model_.settings.head_settings.C == 1.0
    learned_nothing, learned = search.cv_results_["mean_test_path_accuracy"]
    assert learned_nothing < 0.4
    assert search.best_score_ == learned > 0.8
    assert search.predict(TEXTS[:2]) == PATHS[:2]


def test_a_search_inside_a_pipeline_of_columns():
    grid = {"model__head_settings": [{"C": 0.3}, {"C": 1.0}], "model__seed": [1]}
    search = GridSearchCV(of_columns("title", "body"), grid, cv=FOLDS).fit(APART, LEVELS)
    assert search.best_params_["model__seed"] == 1
    assert search.best_estimator_["model"].seed == 1


def test_texts_of_several_columns_are_joined():
    def accuracy(*names):
        scores = cross_validate(of_columns(*names), APART, PATHS, cv=FOLDS, scoring=path_scores)
        return scores["test_path_accuracy"].mean()

    assert accuracy("title", "body") > 0.9
    assert accuracy("title") < 0.8
    assert accuracy("body") < 0.8


@pytest.mark.parametrize("form", ["default", "pandas", "polars"])
def test_whatever_form_the_columns_come_in(form):
    expected = linear().fit(TEXTS, PATHS).predict_proba(TEXTS)
    if form == "polars":
        pytest.importorskip("polars")
    columns = make_column_transformer(("passthrough", ["text"]), verbose_feature_names_out=False)
    pipeline = make_pipeline(columns.set_output(transform=form), linear())
    frame = pd.DataFrame({"text": TEXTS, "price": APART["price"]})
    np.testing.assert_array_equal(pipeline.fit(frame, PATHS).predict_proba(frame), expected)


def test_folds_by_class_and_by_group():
    assert cross_val_score(linear(separator=" > "), TEXTS, NAMED, cv=StratifiedKFold(3)).min() > 0.8
    groups = np.arange(72) // 6
    assert len(cross_val_score(linear(), TEXTS, PATHS, cv=GroupKFold(3), groups=groups)) == 3


def test_groups_are_routed_to_fit():
    class Watched(HierarchicalTextClassifier):
        def fit(self, texts, labels, *, groups=None):
            seen.append(groups)
            return super().fit(texts, labels, groups=groups)

    seen = []
    groups = np.arange(72) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        watched = Watched(head="linear").set_fit_request(groups=True)
        cross_val_score(watched, TEXTS, PATHS, cv=GroupKFold(3), params={"groups": groups})
    assert [len(set(one)) for one in seen] == [8, 8, 8]


@pytest.mark.parametrize(
    "features",
    [np.zeros((72, 4)), scipy.sparse.eye(72, format="csr"), pd.DataFrame(np.zeros((72, 2)), columns=["a", "b"])],
    ids=["matrix", "sparse", "frame"],
)
def test_features_are_refused_with_a_cure(features):
    with pytest.raises(DataError, match=r"matrix.*leave out the step that makes them \(TfidfVectorizer"):
        linear().fit(features, PATHS)
    with pytest.raises(DataError, match=r"matrix.*leave out the step"):
        linear().fit(TEXTS, PATHS).predict(features)


def test_a_vectoriser_before_it_is_told():
    with pytest.raises(DataError, match=r"sparse matrix of numbers.*leave out the step"):
        make_pipeline(TfidfVectorizer(), linear()).fit(TEXTS, PATHS)


def test_columns_that_nobody_joined_are_named():
    with pytest.raises(DataError, match=r"2 columns \('title', 'body'\).*ColumnTransformer"):
        linear().fit(APART[["title", "body"]], PATHS)
    with pytest.raises(DataError, match=r"2 columns\. .*ColumnTransformer"):
        linear().fit(APART[["title", "body"]].to_numpy(), PATHS)


def test_the_scores_are_those_of_the_evaluation():
    trained = linear().fit(TEXTS[:12], PATHS[:12])
    wrong = [*PATHS[:-6], *(("Games", "Sports"),) * 6]
    found = path_scores(trained, TEXTS, wrong)
    expected = evaluate_paths(trained.taxonomy_, wrong, trained.predict(TEXTS), intervals=False)
    assert found["hierarchical_f1"] == pytest.approx(expected.hierarchical.f1)
    assert found["hierarchical_precision"] == expected.hierarchical.precision
    assert found["hierarchical_recall"] == expected.hierarchical.recall
    assert found["path_accuracy"] == expected.path_accuracy < 1
    assert found["macro_f1"] == expected.nodes.macro_f1_supported
    assert found["neg_mistake_severity"] == -expected.mistake_severity < 0


def test_a_path_that_the_model_lacks_is_a_miss():
    trained = linear().fit(TEXTS, PATHS)
    found = path_scores(trained, TEXTS[:2], [PATHS[0], ("Never", "Seen")])
    assert found["path_accuracy"] == 0.5
    assert found["hierarchical_f1"] == pytest.approx(trained.score(TEXTS[:2], [PATHS[0], ("Never", "Seen")]))


@pytest.mark.parametrize("answers", [[("Games",), ("News",)], [(("Games",),), ()]], ids=["one path", "several"])
def test_any_estimator_that_gives_paths_is_scored(answers):
    found = path_scores(AlwaysThese(answers), ["a", "b"], [("Games",), ("Tools",)])
    assert found["path_accuracy"] == 0.5
    assert found["hierarchical_recall"] == 0.5


def test_a_node_with_two_parents_is_right_by_either_path():
    taxonomy = Taxonomy.from_records(
        [
            NodeRecord("1", (), "Food"),
            NodeRecord("2", (), "Drinks"),
            NodeRecord("3", ("1", "2"), "Soup"),
            NodeRecord("4", ("1",), "Bread"),
        ]
    )
    texts = ["hot broth", "rye loaf"] * 12
    trained = linear(taxonomy=taxonomy).fit(texts, [("Food", "Soup"), ("Food", "Bread")] * 12)
    by_the_other_parent = [("Drinks", "Soup"), ("Food", "Bread")] * 12
    assert trained.predict(texts) == [("Food", "Soup"), ("Food", "Bread")] * 12
    assert trained.score(texts, by_the_other_parent) == 1.0
    assert path_scores(trained, texts, by_the_other_parent)["path_accuracy"] == 1.0
