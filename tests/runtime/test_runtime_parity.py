"""ONNX Runtime gives the numbers of PyTorch: every head, both tasks, every way of reading a long text."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS
from runtime.runtime_cases import HOSTILE, LONG, REAL, TEXTS, exported, make_model

from textaxa._pieces import batches_by_length, length_of
from textaxa.exporting import largest_difference, probe_texts
from textaxa.exporting._export import _trace
from textaxa.exporting._graphs import HeadGraph
from textaxa.heads import HEADS, head_class
from textaxa.runtime._session import Session

VECTOR_HEADS = [head for head in HEADS if head_class(head).reads == "vectors"]
CASES = [(head, task) for head in VECTOR_HEADS for task in head_class(head).tasks]
TREE = KINDS["labels at inner nodes"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def pair(tiny, tmp_path_factory):
    """A model and its export."""
    model = make_model(tiny, TREE)
    return model, exported(model, tmp_path_factory.mktemp("pair"))


@pytest.mark.parametrize("kind", ["labels at inner nodes", "dag"])
@pytest.mark.parametrize(("name", "task"), CASES)
def test_every_head_gives_the_same_alone_and_in_a_batch(name, task, kind, tiny, tmp_path):
    taxonomy = KINDS[kind]
    model = make_model(tiny, taxonomy, name, task)
    graph = HeadGraph(model)
    _trace(graph, {"features": torch.zeros(2, 32)}, "node_proba", tmp_path / "head.onnx", opset=18)
    session = Session(tmp_path / "head.onnx", inputs={"features"}, output="node_proba", width=len(taxonomy), threads=1)
    features = torch.randn(12, 32)
    with torch.no_grad():
        expected = graph(features).numpy()
    found = session({"features": features.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = np.concatenate([session({"features": row[None].numpy()}) for row in features])
    np.testing.assert_allclose(alone, expected, atol=1e-5)
    for node in range(len(taxonomy)):
        for parent in taxonomy.parents.row(node):
            assert (found[:, node] <= found[:, parent]).all()


@pytest.mark.parametrize("structure", ["gcn", "tree-lstm"])
def test_both_structures_of_hiagm_tp(structure, tiny, tmp_path):
    model = make_model(tiny, KINDS["dag"], "hiagm-tp", "multi", {"structure": structure})
    graph = HeadGraph(model)
    _trace(graph, {"features": torch.zeros(2, 32)}, "node_proba", tmp_path / "head.onnx", opset=18)
    session = Session(
        tmp_path / "head.onnx", inputs={"features"}, output="node_proba", width=len(KINDS["dag"]), threads=1
    )
    features = torch.randn(5, 32)
    with torch.no_grad():
        np.testing.assert_allclose(session({"features": features.numpy()}), graph(features).numpy(), atol=1e-5)


@pytest.mark.parametrize(("long_text", "pooling"), list(zip(LONG, ("cls", "max", "mean"), strict=True)))
def test_the_same_pieces_and_probabilities_of_real_and_hostile_texts(long_text, pooling, tiny, tmp_path):
    model = make_model(tiny, TREE, long_text=long_text, pooling=pooling, max_windows=3)
    light = exported(model, tmp_path)
    assert light.tokenise(TEXTS) == model.encoder.tokenise(TEXTS)
    np.testing.assert_allclose(light.encode(TEXTS), model.encoder.encode(TEXTS), atol=1e-5)
    assert largest_difference(model, light, TEXTS) < 1e-5
    assert largest_difference(model, light, probe_texts(model)) < 1e-5


def test_a_text_alone_in_any_batch_and_in_any_order(pair):
    _, light = pair
    together = light.node_proba(TEXTS)
    alone = np.concatenate([light.node_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    np.testing.assert_allclose(light.node_proba([TEXTS[i] for i in order]), together[order], atol=1e-5)


def test_equal_texts_are_computed_once(pair, monkeypatch):
    _, light = pair
    seen = []
    computed = light._encoder

    def counting(feed):
        seen.append(len(feed["input_ids"]))
        return computed(feed)

    monkeypatch.setattr(light, "_encoder", counting)
    proba = light.node_proba(["bank", "game", "bank", "bank"])
    assert sum(seen) == 2
    np.testing.assert_array_equal(proba[0], proba[2])
    np.testing.assert_array_equal(proba[0], proba[3])
    assert not np.allclose(proba[0], proba[1])


def test_no_texts_give_no_rows(pair):
    model, light = pair
    assert light.node_proba([]).shape == model.node_proba([]).shape == (0, len(TREE))
    assert light.predict([]) == []


def test_predictions_are_those_of_pytorch(pair):
    model, light = pair
    for ours, theirs in zip(light.predict(REAL, top=3), model.predict(REAL, top=3), strict=True):
        assert [one.path for one in ours] == [one.path for one in theirs]
        np.testing.assert_allclose([one.probability for one in ours], [one.probability for one in theirs], atol=1e-5)


def test_int8_is_near_and_smaller(tiny, tmp_path, pair):
    model, _ = pair
    light = exported(model, tmp_path, precision="int8")
    assert light.layout.precision == "int8"
    exact, found = model.encoder.encode(REAL + HOSTILE[4:6]), light.encode(REAL + HOSTILE[4:6])
    cosine = (exact * found).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(found, axis=1)
    assert cosine.min() > 0.98
    assert not np.array_equal(exact, found)


def test_batches_hold_every_text_once_within_the_budget_and_little_padding():
    rng = np.random.default_rng(0)
    pieces = [tuple((1,) * int(n) for _ in range(1 + (n > 200))) for n in rng.lognormal(3, 1, 2000).clip(2, 256)]
    batches = list(batches_by_length(pieces))
    assert sorted(row for batch in batches for row in batch) == list(range(2000))
    padded = [sum(len(pieces[row]) for row in batch) * max(len(pieces[row][0]) for row in batch) for batch in batches]
    assert max(padded) <= 4096
    assert sum(padded) < 1.1 * sum(map(length_of, pieces))
    assert len(batches) < 2 * sum(padded) / 512


def test_a_calibration_with_steps_does_not_count_as_a_difference(pair, monkeypatch):
    model, light = pair
    step = float(model.node_proba(REAL)[0, 0])
    both = [lambda proba: (proba > step).astype(np.float32), lambda proba: (proba > step - 1e-5).astype(np.float32)]
    for one, calibration in zip(pair, both, strict=True):
        monkeypatch.setattr(one, "calibration", calibration)
    assert largest_difference(model, light, REAL) < 1e-5
    assert np.abs(model.node_proba(REAL) - light.node_proba(REAL)).max() == 1
