"""Linear models: contributions add up, and are what deleting an n-gram takes away where scores are differences."""

import time

import numpy as np
import pytest
from heads.taxonomies import KINDS
from scipy import sparse
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.errors import ConfigError, TaxonomyError
from textaxa.explanation import explain, explain_many
from textaxa.explanation._linear import MEANING, LinearExplainer
from textaxa.explanation._targets import targets_of
from textaxa.linear import LinearModel, LinearSettings
from textaxa.settings import EncoderSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, LABELS = rows()
TAXONOMY = Taxonomy.from_paths(path for paths in LABELS for path in paths)
SEVERAL = [(*labels, ("Finance",)) if i % 6 < 3 else labels for i, labels in enumerate(LABELS)]
TEXT = "Football club: a PUZZLE of İstanbul 😀 match, football edit 7"


def fit(arrangement="per-parent", task="single", **settings) -> LinearModel:
    chosen = LinearSettings(arrangement=arrangement, **settings)
    return LinearModel.fit(TEXTS, LABELS if task == "single" else SEVERAL, TAXONOMY, task=task, head_settings=chosen)


CASES = [(a, "single") for a in ("per-parent", "flat", "both")] + [(a, "multi") for a in ("per-parent", "flat")]
MODELS = {case: fit(*case) for case in CASES}


def score_of(model: LinearModel, features, target) -> float:
    """The score from node probabilities in double precision, as the model makes them."""
    explainer = LinearExplainer(model)
    margins = model.weights.scores(features)
    return float(explainer.scores(explainer.scaled(margins), target)[0][0])


@pytest.mark.parametrize(("arrangement", "task"), CASES)
@pytest.mark.parametrize("text", [TEXT, "photo edit video football", "", "?", "qqq wwww"])
def test_contributions_add_up_to_the_log_odds_of_the_model(arrangement, task, text):
    model = MODELS[arrangement, task]
    found = explain(model, text)
    proba = model.node_proba([text])[0].astype(float)
    assert found.levels
    for level in found.levels:
        total = level.baseline + sum(word.weight for word in level.words) + sum(level.elsewhere.values())
        # A score of several paths has corners (the least probable ancestor counts), where integration is less exact.
        assert total == pytest.approx(level.score, abs=2e-4 * max(1, abs(level.score)) if task == "single" else 0.05)
        node = model.taxonomy.index(level.path)
        assert level.probability == pytest.approx(proba[node])
        if level.kind == "runner-up" and proba[node] < 0.9999:
            other = model.taxonomy.index(level.against)
            assert level.score == pytest.approx(np.log(proba[node]) - np.log(proba[other]), abs=1e-3)
        if level.kind == "log-odds" and proba[node] < 0.9999:
            assert level.score == pytest.approx(np.log(proba[node] / (1 - proba[node])), abs=1e-3)


@pytest.mark.parametrize("arrangement", ["per-parent", "flat"])
def test_deleting_an_n_gram_from_the_vector_takes_its_contribution_away(arrangement):
    """Siblings of one parent, and leaf against leaf: there the score is a difference of margins."""
    model = MODELS[arrangement, "single"]
    explainer = LinearExplainer(model)
    reading = explainer.read(TEXT)
    target = targets_of(TAXONOMY, reading.proba, ("Games", "Sports"), ("Games", "Puzzle"), task="single")[1]
    features = reading.features
    (found,) = reading.contributions([target])
    grams = reading._grams
    whole = score_of(model, features, target)
    assert features.nnz > 20
    for i, column in enumerate(features.indices):
        left = features.copy()
        left.data[i] = 0
        taken = whole - score_of(model, left, target)
        assert found.parts.value[grams.column == column].sum() == pytest.approx(taken, abs=2e-5)


@pytest.mark.parametrize(("arrangement", "task"), CASES)
def test_slopes_are_those_of_small_differences(arrangement, task):
    model = MODELS[arrangement, task]
    explainer = LinearExplainer(model)
    reading = explainer.read("photo club edit bank")
    for target in targets_of(TAXONOMY, reading.proba, ("Games", "Sports"), ("Media", "Video"), task=task):
        scores = explainer.scaled(reading.margins[None]) / 10  # far from where everything is certain
        slope = explainer.scores(scores, target)[1][0]
        for k in range(scores.shape[1]):
            step = np.zeros_like(scores)
            step[0, k] = 1e-5
            up, down = (explainer.scores(scores + s, target)[0][0] for s in (step, -step))
            assert slope[k] == pytest.approx((up - down) / 2e-5, abs=1e-6)


@pytest.mark.parametrize("kind", ["labels at inner nodes", "dag", "uneven depth", "one child", "one class"])
@pytest.mark.parametrize("task", ["single", "multi"])
def test_every_kind_of_taxonomy(kind, task):
    taxonomy = KINDS[kind]
    paths = [taxonomy.path(int(t)) for t in taxonomy.terminals]
    texts = [f"{' '.join(path)} word{i % 3}" for i in range(4) for path in paths]
    model = LinearModel.fit(texts, [(path,) for path in paths] * 4, taxonomy, task=task)
    for path in paths:
        found = explain(model, " ".join(path), path=path)
        assert [level.path for level in found.levels] == [path[:i] for i in range(1, len(path) + 1)]
        for level in found.levels:
            total = level.baseline + sum(word.weight for word in level.words)
            assert total == pytest.approx(level.score, abs=0.05)


def test_words_that_tell_the_path_are_the_strongest_and_offsets_are_right():
    found = explain(MODELS["per-parent", "single"], TEXT, path=("Games", "Sports"), against=("Games", "Puzzle"))
    sports = found.levels[1]
    by_spelling = {TEXT[word.start : word.end]: word.weight for word in sports.words}
    assert set(by_spelling) >= {"Football", "PUZZLE", "İstanbul", "😀", ":"}
    strongest = [TEXT[word.start : word.end] for word in sports.strongest(3)]
    assert "PUZZLE" in strongest
    assert by_spelling["PUZZLE"] < -1 < 1 < by_spelling["Football"]
    assert by_spelling["😀"] == by_spelling[":"] == 0


def test_a_text_of_unknown_words_has_the_score_of_no_words():
    (level, *_) = explain(MODELS["per-parent", "single"], "ωωω жжж", path=("Games",)).levels
    assert level.strongest() == ()
    assert level.score == pytest.approx(level.baseline)


def test_several_paths_are_all_explained_and_shared_nodes_once():
    model = MODELS["per-parent", "multi"]
    model.thresholds = np.full(len(TAXONOMY), 0.01)
    try:
        found = explain(model, "football club match puzzle game bank money")
    finally:
        model.thresholds = None
    assert len(found.paths) > 1
    names = [level.path for level in found.levels]
    assert len(names) == len(set(names))
    assert {path[:i] for path in found.paths for i in range(1, len(path) + 1)} == set(names)


def test_many_texts_at_once_are_explained_as_alone():
    model, texts = MODELS["both", "single"], [TEXT, "video", "bank money"]
    together = explain_many(model, texts, against=[None, ("Finance",), None])
    assert together[0] == explain(model, TEXT)
    assert together[1].levels[0].against == ("Finance",)
    assert explain_many(model, []) == []
    with pytest.raises(ConfigError, match="2 paths"):
        explain_many(model, texts, paths=[None, None])


def test_a_long_text_takes_bounded_time():
    text = ("football club edit some unknown words, " * 1300)[:50_000]
    began = time.process_time()
    found = explain(MODELS["both", "single"], text)
    assert time.process_time() - began < 5
    assert len(found.levels[0].words) > 5_000
    assert abs(found.levels[0].error) < 1e-3


def test_a_path_without_a_training_row_is_refused():
    taxonomy = Taxonomy.from_paths([*TAXONOMY.nodes, ("Games", "Chess")])
    model = LinearModel.fit(TEXTS, LABELS, taxonomy)
    with pytest.raises(ConfigError, match="Games > Chess: of it or"):
        explain(model, TEXT, path=("Games", "Chess"))
    with pytest.raises(TaxonomyError, match="Puzle"):
        explain(model, TEXT, path=("Games", "Puzle"))


def test_explanations_are_of_log_odds_before_calibration():
    model = fit()
    before = explain(model, "photo club")
    model.calibration = lambda proba: proba**2
    after = explain(model, "photo club")
    assert after.levels[0].score == before.levels[0].score
    assert after.levels[0].probability == pytest.approx(before.levels[0].probability ** 2)


@pytest.fixture(scope="module")
def joined(tmp_path_factory) -> LinearModel:
    """TF-IDF beside the vector of a frozen encoder."""
    encoder = EncoderSettings(encoder=str(make_tiny_encoder(tmp_path_factory.mktemp("encoder"))), max_length=32)
    settings = LinearSettings(vectors=True, arrangement="per-parent")
    return train_model(TEXTS, LABELS, TAXONOMY, head="linear", head_settings=settings, encoder=encoder)


def test_a_text_vector_is_one_lump_unless_asked_for(joined):
    for level in explain(joined, TEXT).levels:
        assert set(level.elsewhere) == {MEANING}
        assert abs(level.error) < 1e-3


def test_through_the_encoder_the_lump_comes_to_the_words(joined):
    pytest.importorskip("captum")
    lumped, spread = explain(joined, TEXT), explain(joined, TEXT, through_encoder=True)
    for before, after in zip(lumped.levels, spread.levels, strict=True):
        assert after.score == before.score
        moved = sum(word.weight for word in after.words) - sum(word.weight for word in before.words)
        assert moved == pytest.approx(before.elsewhere[MEANING] - after.elsewhere[MEANING], abs=1e-6)
        assert abs(moved) > 1e-4
        assert abs(after.error) < 1e-3


def test_the_lump_is_what_deleting_the_vector_takes_away(joined):
    reading = LinearExplainer(joined).read(TEXT)
    target = targets_of(TAXONOMY, reading.proba, ("Games", "Sports"), ("Games", "Puzzle"), task="single")[1]
    kept = np.arange(reading.features.shape[1]) < joined.features.counts.width
    without = sparse.csr_matrix(reading.features.toarray() * kept)
    (found,) = reading.contributions([target])
    taken = score_of(joined, reading.features, target) - score_of(joined, without, target)
    assert found.elsewhere[MEANING] == pytest.approx(taken, abs=1e-4)
    assert taken != 0
