"""The model with the head `wide`: its answers, its dense twin, calibration, promises, folder, and what it refuses."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from wide.model_cases import TAXONOMY, WordVectors, rows, settings, trained
from wide.wide_cases import WIDTH, heads, random_head, slow_exact

from textaxa.decisions import Choice
from textaxa.decoding import beam_paths
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.heads import build_head
from textaxa.heads.conditional import ConditionalSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideModel
from textaxa.wide._model import MOST_NODES, dense, ends_of
from textaxa.wide._paths import NOT_SURELY_BEST, log_proba_along, predictions
from textaxa.wide._temperature import calibration_of, fit_temperatures, levels_of, sharpened

TEXTS, LABELS = rows(400, seed=1)
ENDS = np.array([TAXONOMY.index(one[0]) for one in LABELS])


@pytest.fixture(scope="module")
def model():
    return trained()


@given(heads())
@hypothesis_settings(deadline=None)
def test_probabilities_along_a_path_are_those_of_the_slow_search(case):
    head, features = case
    ends = np.array([int(t) for t in head.taxonomy.terminals if head.options.option[t] >= 0])
    text, end = np.repeat(np.arange(len(features)), len(ends)), np.tile(ends, len(features))
    along = np.exp(log_proba_along(head, features, text, end))
    exact = slow_exact(head, features)
    np.testing.assert_allclose(along[:, -1], exact[text, end], rtol=1e-4, atol=1e-7)
    assert (np.diff(along, axis=1) <= 1e-6).all()


@given(heads())
@hypothesis_settings(deadline=None)
def test_predictions_are_those_of_the_general_beam_search(case):
    head, features = case
    width = len(head.taxonomy) + 1
    found = predictions(head, features, head.search(features, k=2, width=width))
    other = beam_paths(head.tree, head.conditional(features), len(features), k=2, width=width)
    for row, wanted in zip(found, other, strict=True):
        assert len(row) == len(wanted)
        for one, two in zip(row, wanted, strict=True):
            assert one.path_probability == pytest.approx(two.path_probability, rel=1e-4)
            if one.node == two.node:
                assert [p for _, p in one.levels] == pytest.approx([p for _, p in two.levels], rel=1e-4)
                assert not head.taxonomy.is_tree or one.stopped == two.stopped


def test_node_probabilities_are_those_of_the_head_conditional():
    taxonomy = Taxonomy.from_paths([("A", "B", "C"), ("A", "B"), ("A", "D"), ("E",), ("F", "G"), ("F",)])
    twin = build_head(
        "conditional", taxonomy, WIDTH, task="single", settings=ConditionalSettings(dropout=0.0), counts=None
    ).eval()
    head = random_head(taxonomy, 3)
    # A choice of `conditional` is an edge or "ends here"; its node and whether it ends tell which row it is.
    (linear, nodes), *_ = twin.output_rows()
    n_edges = len(taxonomy)
    for choice, node in enumerate(nodes.tolist()):
        option = head.options.option[node]
        if choice >= n_edges:  # "ends here" is the last option of the group below the node
            option = head.options.start[head.options.below[option] + 1] - 1
        with torch.no_grad():
            linear.weight[choice] = torch.from_numpy(head.rows.values[option])
            linear.bias[choice] = float(head.rows.bias[option])
    features = np.random.default_rng(0).standard_normal((7, WIDTH)).astype(np.float32)
    with torch.no_grad():
        wanted = twin.node_proba(twin(torch.from_numpy(features))).numpy()
    np.testing.assert_allclose(dense(head, features), wanted, atol=2e-6)


def test_a_text_alone_and_in_a_batch_gets_the_same_answer(model):
    together = model.predict(TEXTS[:60], top=2)
    for text, row in zip(TEXTS[:60:7], together[::7], strict=True):
        ((alone),) = model.predict([text], top=2)
        assert [one.path for one in alone] == [one.path for one in row]
        assert alone[0].probability == pytest.approx(row[0].probability, abs=1e-5)
    assert model.predict([]) == []


def test_it_finds_what_the_words_say_and_node_probabilities_agree(model):
    found = model.predict(TEXTS)
    right = np.mean([row[0].path == label[0] for row, label in zip(found, LABELS, strict=True)])
    assert right > 0.9
    proba = model.node_proba(TEXTS[:50])
    for row, probabilities in zip(found, proba, strict=False):
        assert row[0].probability == pytest.approx(probabilities[row[0].node], abs=1e-5)
    again = model.decode(proba)
    assert [row[0].path for row in again] == [row[0].path for row in found[:50]]


def test_an_answer_that_may_not_be_the_best_says_so(model):
    narrow = WideModel(TAXONOMY, settings(beam=1), model.encoder, model.scale, WideHead.zeros(TAXONOMY, 48))
    narrow.head.rows.bias[:] = np.random.default_rng(0).standard_normal(len(narrow.head.rows)) * 0.01
    assert not narrow.search(["anything"]).exact[0]
    assert narrow.predict(["anything"])[0][0].because == NOT_SURELY_BEST
    assert model.predict(TEXTS[:1])[0][0].because == ""


def _loss(head, vectors):
    return -log_proba_along(head, vectors, np.arange(len(ENDS)), ENDS)[:, -1].mean()


class TestTemperatures:
    def test_a_sharpness_that_was_taken_away_is_found_again(self, model):
        vectors = model.vectors(TEXTS)
        at_best = sharpened(model.head, fit_temperatures(model.head, vectors, ENDS, method="temperature").sharpness)
        flat = sharpened(at_best, (0.25,) * 4)
        fitted = fit_temperatures(flat, vectors, ENDS, method="temperature")
        assert fitted.sharpness == pytest.approx((4.0,) * 4, rel=0.05)
        assert fit_temperatures(at_best, vectors, ENDS).method == "none"
        auto = fit_temperatures(flat, vectors, ENDS)
        assert auto.method != "none"
        assert auto.scores[auto.method] < auto.scores["none"] - 0.1
        assert auto.rows == len(TEXTS)

    def test_levels_get_their_own(self, model):
        bent = sharpened(model.head, (0.2, 1.0, 3.0, 1.0))
        vectors = model.vectors(TEXTS)
        fitted = fit_temperatures(bent, vectors, ENDS)
        assert fitted.method == "temperature-per-level"
        one = fit_temperatures(bent, vectors, ENDS, method="temperature")
        assert fitted.scores["temperature-per-level"] < one.scores["temperature"] < one.scores["none"]
        restored = _loss(sharpened(bent, fitted.sharpness), vectors)
        straight = fit_temperatures(model.head, vectors, ENDS, method="temperature-per-level")
        assert restored == pytest.approx(_loss(sharpened(model.head, straight.sharpness), vectors), abs=0.01)

    @pytest.mark.parametrize("name", ["float32", "float16", "int8"])
    def test_built_into_the_rows_it_multiplies_the_logits(self, model, name):
        head = model.head.astype(name)
        by_level = (0.5, 2.0, 1.5, 1.0)
        vector = model.vectors(TEXTS[:1])[0]
        before, after = (one.rows.logits(vector, 0, len(one.rows)) for one in (head, sharpened(head, by_level)))
        np.testing.assert_allclose(after, before * np.array(by_level)[levels_of(head)], rtol=5e-3, atol=5e-3)
        assert sharpened(head, ()) is head

    def test_losses_are_those_of_the_paths(self, model):
        vectors = model.vectors(TEXTS)
        mine = fit_temperatures(model.head, vectors, ENDS).scores["none"]
        assert mine == pytest.approx(_loss(model.head, vectors), rel=1e-4)

    def test_what_needs_all_nodes_is_refused(self, model):
        with pytest.raises(ConfigError, match="isotonic needs the probability of every node"):
            fit_temperatures(model.head, model.vectors(TEXTS), ENDS, method="isotonic")
        with pytest.raises(DataError, match="no texts"):
            fit_temperatures(model.head, model.vectors([]), ENDS[:0])

    @pytest.mark.parametrize("stored", [None, {}, {"method": "vector", "sharpness": [], "scores": {}, "rows": 3}])
    def test_a_damaged_calibration_is_told(self, stored):
        with pytest.raises(ModelFileError, match="calibration"):
            calibration_of(stored)


@pytest.fixture(scope="module")
def settled():
    made = trained()
    made.settle(rows(150, seed=2), rows(400, seed=3))
    return made


class TestPromises:
    def test_answers_with_a_promise_keep_it(self, settled):
        decide = settled.decider(Choice(accuracy=0.9))
        assert decide.promise is not None
        found = decide(TEXTS)
        answered = [(row[0].path, label[0]) for row, label in zip(found, LABELS, strict=True) if row[0].path]
        right = [path == label[: len(path)] for path, label in answered]
        assert len(answered) > 300
        assert np.mean(right) > 0.88
        stopped = [row[0] for row in found if row[0].stopped == "not sure enough"]
        assert all("is needed" in one.because or "no promise" in one.because for one in stopped)

    def test_texts_that_belong_nowhere_are_told(self, settled):
        decide = settled.decider(Choice(outside=0.05))
        assert np.mean([row[0].path == () for row in decide(["zzz qqq xxx", "foreign words only here"])]) > 0
        assert np.mean([row[0].path == () for row in decide(TEXTS)]) < 0.15

    def test_evidence_is_what_the_found_paths_say(self, settled):
        evidence = settled.evidence
        assert evidence.tuning.sum() == 150
        assert len(evidence) == 550
        assert ((evidence.proba >= 0) & (evidence.proba <= 1)).all()
        proving = evidence.select(~evidence.tuning)
        ends = ends_of(TAXONOMY, rows(400, seed=3)[1])
        best = settled.predict(rows(400, seed=3)[0])
        first, last = proving.start[:-1], proving.start[1:] - 1
        assert proving.node[last].tolist() == [row[0].node for row in best]
        assert proving.surest == pytest.approx([row[0].path_probability for row in best], abs=1e-5)
        for i in range(0, 400, 37):
            chain = set(TAXONOMY.ancestors.row(int(ends[i])).tolist())
            claims = slice(first[i], last[i] + 1)
            assert proving.right[claims].tolist() == [n in chain for n in proving.node[claims].tolist()]

    @pytest.mark.parametrize("decoder", ["min-risk", "hf-beta", "greedy"])
    def test_decoders_that_need_all_nodes_are_refused(self, settled, decoder):
        with pytest.raises(ConfigError, match=r"needs the probability of every node|costs"):
            settled.decider(Choice(decoder=decoder))

    def test_without_evidence_nothing_is_promised(self, model):
        with pytest.raises(ConfigError, match="no held-out rows"):
            model.decider(Choice(accuracy=0.9))


class TestFolder:
    @pytest.mark.parametrize("name", ["float32", "int8"])
    def test_a_model_that_is_read_answers_the_same(self, name, tmp_path):
        made = trained(n=200, rows=name)
        made.settle(rows(100, seed=2), None)
        made.write(tmp_path)
        read = WideModel.read(tmp_path, TAXONOMY, made.settings, {}, encoder=WordVectors())
        assert read.predict(TEXTS[:20], top=2) == made.predict(TEXTS[:20], top=2)
        assert read.calibration == made.calibration
        assert isinstance(read.head.rows.values.base, np.memmap)

    def test_calibrating_again_goes_on_from_there(self, tmp_path):
        made = trained(n=200)
        made.settle(rows(100, seed=2), None)
        made.write(tmp_path)
        read = WideModel.read(tmp_path, TAXONOMY, made.settings, {}, encoder=WordVectors())
        read.settings = replace(read.settings, training=replace(read.settings.training, calibration="temperature"))
        read.settle(rows(100, seed=2), None)
        np.testing.assert_allclose(read.calibration.sharpness, made.calibration.sharpness or 1.0, rtol=0.1)

    @pytest.mark.parametrize("broken", ["model.json", "scale.npy", "head/rows.npy", "head/wide.json"])
    def test_a_damaged_file_is_told(self, broken, tmp_path):
        made = trained(n=60)
        made.write(tmp_path)
        file = tmp_path / "wide" / broken
        for content in (b"", b"[" * 9000, b"{}", file.read_bytes()[:40]):
            file.write_bytes(content)
            with pytest.raises(ModelFileError):
                WideModel.read(tmp_path, TAXONOMY, made.settings, {}, encoder=WordVectors())
        file.unlink()
        with pytest.raises(ModelFileError):
            WideModel.read(tmp_path, TAXONOMY, made.settings, {}, encoder=WordVectors())

    def test_a_scale_of_another_width_is_told(self, tmp_path):
        made = trained(n=60)
        made.write(tmp_path)
        np.save(tmp_path / "wide" / "scale.npy", np.ones((2, 3), np.float32))
        with pytest.raises(ModelFileError, match="belongs there"):
            WideModel.read(tmp_path, TAXONOMY, made.settings, {}, encoder=WordVectors())

    def test_a_model_without_its_encoder_is_not_saved(self, model, tmp_path):
        bare = WideModel(TAXONOMY, model.settings, object(), model.scale, model.head)
        with pytest.raises(ConfigError, match="without PyTorch"):
            bare.write(tmp_path)
        assert json.dumps(model.calibration.to_dict())


def test_many_nodes_have_no_dense_probabilities(model, monkeypatch):
    monkeypatch.setattr("textaxa.wide._model.MOST_NODES", len(TAXONOMY) - 1)
    with pytest.raises(ConfigError, match="never computes"):
        model.node_proba(["a text"])
    assert len(TAXONOMY) <= MOST_NODES


def test_a_text_with_several_labels_is_refused():
    with pytest.raises(DataError, match="one path a text"):
        ends_of(TAXONOMY, [(("group 0", "kind 00", "item 000"), ("group 1", "kind 10", "item 100"))])


def test_the_room_is_light():
    code = "import textaxa.wide, sys; print(*[m for m in ('torch', 'scipy', 'sklearn', 'pandas') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""
