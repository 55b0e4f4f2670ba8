"""A few texts teach a node without the others being forgotten, for every head that can be taught."""

import numpy as np
import pytest
import torch
from teaching.taught_models import NEW, TAXONOMY, WORDS, rows, share_right, texts_of, tiny, trained

from textaxa.errors import ConfigError, DataError
from textaxa.heads import HEADS
from textaxa.persistence import load_model, save_model
from textaxa.persistence._card import model_card
from textaxa.taxonomy import Taxonomy
from textaxa.teaching import teach
from textaxa.teaching._network import can_be_taught

ABLE = [head for head in HEADS if head not in {"linear", "wide"} and can_be_taught(head)]
FEW = texts_of(NEW, 8, seed=1), [(NEW,)] * 8
TEST_NEW = texts_of(NEW, 20, seed=2), [(NEW,)] * 20
TEST_OLD = rows(12, seed=2)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return tiny(tmp_path_factory.mktemp("taught"))


@pytest.fixture(scope="module")
def chained(encoder):
    """Tests must not change it."""
    return trained(encoder)


@pytest.fixture(scope="module")
def linear():
    """Tests must not change it."""
    return trained(None, "linear")


def state(model):
    return {name: value.clone() for name, value in model.head.state_dict().items()}


class TestLearning:
    @pytest.mark.parametrize("head", [*ABLE, "linear"])
    def test_a_new_node_is_learned_and_the_others_are_not_forgotten(self, encoder, head):
        model = trained(encoder, head)
        before = share_right(model, TEST_OLD)
        assert share_right(model, TEST_NEW) < 0.2
        assert before > 0.8
        taught = teach(model, *FEW, remember=rows()).model
        assert share_right(taught, TEST_NEW) > 0.7
        assert share_right(taught, TEST_OLD) > before - 0.07

    @pytest.mark.parametrize("head", ["chained", "label-text", "linear"])
    def test_without_old_rows_most_is_kept_too(self, encoder, head):
        model = trained(encoder, head)
        taught = teach(model, *FEW)
        assert taught.report.remembered == 0
        assert share_right(taught.model, TEST_NEW) > 0.7
        assert share_right(taught.model, TEST_OLD) > 0.6

    def test_the_heads_that_have_rows_for_nodes_are_these(self):
        assert set(ABLE) == {"chained", "per-level", "conditional", "binary", "label-text", "flat"}

    def test_several_paths_a_text(self, encoder):
        texts, paths = rows()
        labels = [(path[0], ("Games", "Puzzle")) if i % 4 == 0 else path for i, path in enumerate(paths)]
        model = trained(encoder, task="multi", labels=labels)
        few = FEW[0], [(NEW, ("Bank",))] * 8
        taught = teach(model, *few, remember=(texts, labels)).model
        proba = taught.node_proba(TEST_NEW[0]).mean(0)
        before = model.node_proba(TEST_NEW[0]).mean(0)
        assert proba[TAXONOMY.index(NEW)] > before[TAXONOMY.index(NEW)] + 0.2
        assert proba[TAXONOMY.index(("Media", "Photo"))] < 0.5
        others = [node for node in range(len(TAXONOMY)) if node != TAXONOMY.index(NEW)]
        np.testing.assert_allclose(
            taught.node_proba(TEST_OLD[0])[:, others], model.node_proba(TEST_OLD[0])[:, others], atol=0.1
        )

    def test_several_paths_a_text_and_an_old_node_corrected(self, encoder):
        texts, paths = rows()
        labels = [(path[0], ("Games", "Puzzle")) if i % 4 == 0 else path for i, path in enumerate(paths)]
        model = trained(encoder, task="multi", labels=labels)
        text, node = "football club photo", TAXONOMY.index(("Bank",))
        taught = teach(model, [text], [(("Bank",), ("Games", "Sports"))], remember=(texts, labels)).model
        assert taught.node_proba([text])[0, node] > model.node_proba([text])[0, node] + 0.1

    def test_one_row_is_enough_to_move_it(self, chained):
        taught = teach(chained, FEW[0][:1], FEW[1][:1], remember=rows()).model
        node = TAXONOMY.index(NEW)
        assert taught.node_proba(FEW[0][:1])[0, node] > chained.node_proba(FEW[0][:1])[0, node] + 0.2

    def test_an_old_node_takes_a_correction(self, chained):
        text = "football photo"
        right = ("Media", "Photo") if chained.predict([text])[0][0].path != ("Media", "Photo") else ("Games", "Sports")
        node = TAXONOMY.index(right)
        taught = teach(chained, [text], [(right,)], remember=rows()).model
        assert taught.node_proba([text])[0, node] > chained.node_proba([text])[0, node]
        assert share_right(taught, TEST_OLD) > share_right(chained, TEST_OLD) - 0.07

    def test_teaching_twice_keeps_what_was_taught_first(self, chained):
        once = teach(chained, *FEW, remember=rows()).model
        both = [(*a, *b) for a, b in zip(rows(), FEW, strict=True)]
        twice = teach(once, ["bank money 99"], [(("Bank",),)], remember=tuple(both)).model
        assert share_right(twice, TEST_NEW) > 0.7
        assert [entry["rows"] for entry in twice.summary["history"]] == [8, 1]

    @pytest.mark.parametrize("head", ["chained", "linear"])
    def test_it_is_the_same_twice_over_and_in_another_order(self, encoder, head):
        model = trained(encoder, head)
        first = teach(model, *FEW, remember=rows()).model.node_proba(TEST_NEW[0])
        assert np.array_equal(first, teach(model, *FEW, remember=rows()).model.node_proba(TEST_NEW[0]))
        other = teach(model, FEW[0][::-1], FEW[1], remember=rows()).model.node_proba(TEST_NEW[0])
        np.testing.assert_allclose(first, other, atol=0.02)


class TestWhatStays:
    def test_the_given_model_is_left_as_it_was(self, chained, linear):
        before, proba = state(chained), linear.node_proba(TEST_OLD[0])
        teach(chained, *FEW, remember=rows())
        teach(linear, *FEW, remember=rows())
        for name, value in chained.head.state_dict().items():
            torch.testing.assert_close(value, before[name], rtol=0, atol=0)
        assert all(parameter.requires_grad for parameter in chained.head.parameters())
        assert np.array_equal(linear.node_proba(TEST_OLD[0]), proba)
        assert "history" not in chained.summary

    def test_probabilities_stay_coherent(self, chained, linear):
        for model in (chained, linear):
            proba = teach(model, *FEW, remember=rows()).model.node_proba(TEST_OLD[0])
            parent = TAXONOMY.parent
            inner = parent >= 0
            assert (proba[:, inner] <= proba[:, parent[inner]] + 1e-6).all()
            np.testing.assert_allclose(proba[:, parent < 0].sum(1), 1, atol=1e-5)

    def test_what_no_longer_holds_is_said_and_stands_in_the_card(self, encoder, tmp_path):
        model = trained(encoder, valid=rows(20, seed=5))
        assert model.evidence is not None
        taught = teach(model, *FEW, remember=rows())
        assert taught.model.evidence is None
        assert taught.model.calibration is model.calibration
        assert len(taught.report.void) == 2
        assert "taught 8 texts of 1 nodes, 80 old rows learned along" in model_card(taught.model)
        save_model(taught.model, tmp_path / "m")
        again = load_model(tmp_path / "m")
        np.testing.assert_allclose(
            again.node_proba(TEST_NEW[0]), taught.model.node_proba(TEST_NEW[0]), rtol=0, atol=1e-6
        )

    def test_validation_rows_calibrate_anew_and_promise_again(self, encoder):
        model = trained(encoder, valid=rows(20, seed=5))
        taught = teach(model, *FEW, remember=rows(), valid=rows(20, seed=6, new=True))
        assert taught.report.void == ()
        assert taught.model.evidence is not None
        assert taught.model.calibration is not model.calibration
        assert taught.model.summary["best"]["path_accuracy"] > 0.7

    def test_a_handful_of_validation_rows_that_contradict_each_other_is_no_trouble(self, chained):
        valid = ["bank money 1", "Bank money 1", "music and app 4"], [(("Bank",),), (("Games", "Puzzle"),), (NEW,)]
        taught = teach(chained, *FEW, remember=rows(), valid=valid)
        assert taught.report.valid_rows == 3
        assert taught.model.evidence is None

    def test_training_rows_are_counted(self, chained):
        taught = teach(chained, *FEW).model
        place = TAXONOMY.terminals.tolist().index(TAXONOMY.index(NEW))
        assert chained.summary["counts"][place] == 0
        assert taught.summary["counts"][place] == 8
        assert taught.summary["rows"] == chained.summary["rows"] + 8


class TestRows:
    @pytest.mark.parametrize(
        ("texts", "labels", "said"),
        [
            ([], [], "There are no rows to learn from"),
            (["a"], [], "1 texts and 0 labels"),
            ([" "], [(NEW,)], "index 0: the text is blank"),
            (["a"], [()], "index 0: there is no path"),
            (["a"], [(NEW, ("Bank",))], "index 0: there are 2 paths, and the model gives one"),
            (["a", "b"], [(NEW,), (("Spörts",),)], "index 1: 'Spörts' is not in the model's taxonomy.*add-nodes"),
            (["a"], [(("Games",),)], "'Games' is an inner node at which no label may end"),
            (["Añ  b", "añ B "], [(NEW,), (("Bank",),)], "index 1: .*'Bank' here and 'Music' at index 0"),
        ],
    )
    def test_what_cannot_be_learned_from_is_refused(self, chained, texts, labels, said):
        with pytest.raises(DataError, match=said):
            teach(chained, texts, labels)

    def test_all_faults_come_at_once(self, chained):
        with pytest.raises(DataError) as error:
            teach(chained, ["", "b"], [(NEW,), (("No",),)])
        assert "2 faults" in str(error.value)
        assert "index 0" in str(error.value)
        assert "index 1" in str(error.value)

    def test_what_stands_there_twice_counts_once(self, chained):
        report = teach(chained, [FEW[0][0], FEW[0][0].upper(), FEW[0][1]], [(NEW,)] * 3).report
        assert report.rows == 2

    def test_a_taught_text_is_not_remembered_with_its_old_path(self, chained):
        old = rows()
        report = teach(chained, [old[0][0].upper()], [(("Bank",),)], remember=old).report
        assert report.remembered == len(old[0]) - 1

    def test_at_most_twenty_rows_a_node_are_remembered_and_unknown_paths_are_left_out(self, chained):
        texts, labels = rows(30)
        report = teach(chained, *FEW, remember=([*texts, "gone"], [*labels, (("Gone",),)])).report
        assert report.remembered == 20 * (len(WORDS) - 1)


class TestNewNodes:
    @pytest.mark.parametrize("head", ["chained", "label-text", "linear"])
    def test_unknown_paths_are_added_when_asked(self, encoder, head):
        model = trained(encoder, head)
        path = ("Media", "Strategie für Zwölf")
        texts = [f"strategy build with {i}" for i in range(8)]
        taught = teach(model, texts, [(path,)] * 8, remember=rows(), add_nodes=True)
        assert taught.report.added == (path,)
        assert path in taught.model.taxonomy
        assert path not in model.taxonomy
        assert taught.model.predict(["strategy build with 77"])[0][0].path == path
        assert share_right(taught.model, TEST_OLD) > 0.75

    def test_a_whole_branch_is_added_and_its_inner_node_takes_no_labels(self, chained):
        taught = teach(chained, ["for strategy"], [(("Build", "Strategy"),)], add_nodes=True)
        taxonomy = taught.model.taxonomy
        assert taught.report.added == (("Build",), ("Build", "Strategy"))
        assert not taxonomy.is_terminal[taxonomy.index(("Build",))]

    def test_an_inner_node_learns_to_end_paths(self, chained):
        taught = teach(chained, ["game app for"], [(("Games",),)], remember=rows(), add_nodes=True)
        taxonomy = taught.model.taxonomy
        assert taught.report.added == ()
        assert taxonomy.is_terminal[taxonomy.index(("Games",))]


class TestRefused:
    def test_heads_without_rows_for_nodes(self, encoder):
        model = trained(encoder, "cascade")
        with pytest.raises(ConfigError, match=r"'cascade' has no weights of its own.*linear"):
            teach(model, *FEW)

    def test_logistic_regression(self):
        from textaxa.linear import LinearModel, LinearSettings

        texts, labels = rows(4)
        model = LinearModel.fit(texts, labels, TAXONOMY, head_settings=LinearSettings(classifier="logistic"))
        with pytest.raises(ConfigError, match="classifier = logistic"):
            teach(model, *FEW)


def test_the_linear_correction_is_the_smallest_that_its_loss_asks_for():
    """Against scikit-learn, which solves the same problem in the primal: old margins 0, so nothing to stay near."""
    from sklearn.svm import LinearSVC

    from textaxa.teaching._linear import _corrected

    random = np.random.default_rng(0)
    features = random.normal(size=(30, 6))
    yes = np.where(features[:, 0] + random.normal(size=30) > 0, 1.0, -1.0)
    alpha = _corrected(features @ features.T + 1, np.zeros(30), yes, 0.7)
    known = LinearSVC(C=0.7, tol=1e-10, max_iter=100_000, dual=False).fit(features, yes)
    np.testing.assert_allclose(alpha @ features, known.coef_[0], atol=1e-5)
    np.testing.assert_allclose(alpha.sum(), known.intercept_[0], atol=1e-5)


def test_a_taxonomy_of_the_same_name_in_another_script_is_no_trouble(encoder):
    taxonomy = Taxonomy.from_paths([("Spiele",), ("Фото",), ("音楽",)])
    labels = [(taxonomy.path(i % 2),) for i in range(12)]
    words = ["football match", "photo edit"]
    from textaxa.settings import EncoderSettings, TrainingSettings
    from textaxa.training import train_model

    model = train_model(
        [f"{words[i % 2]} {i}" for i in range(12)],
        labels,
        taxonomy,
        encoder=EncoderSettings(encoder=encoder, frozen=True, max_length=32),
        training=TrainingSettings(epochs=10, head_rate=1e-2, precision="fp32"),
    )
    taught = teach(model, ["music Ünïcödé 音楽", "music and"], [(("音楽",),)] * 2).model
    assert taught.predict(["music"])[0][0].path == ("音楽",)
