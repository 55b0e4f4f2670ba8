"""What was computed is counted: the same in PyTorch and in ONNX Runtime, padding and doubled texts left out."""

import json

import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import REAL, exported, make_model

from textaxa._pieces import flop_of
from textaxa.exporting import read_export

TREE = KINDS["labels at inner nodes"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


def test_operations_are_those_of_the_matrices():
    width, inner, length = 8, 20, 5
    projections = 4 * 2 * length * width * width
    feed_forward = 2 * 2 * length * width * inner
    attention = 2 * 2 * length * length * width
    one = projections + feed_forward + attention
    assert flop_of([length], width=width, layers=3, feed_forward=inner) == 3 * one
    assert flop_of([length, length], width=width, layers=1, feed_forward=inner) == 2 * one
    assert flop_of([], width=width, layers=3, feed_forward=inner) == 0


def test_both_runtimes_count_the_same(tiny, tmp_path):
    model = make_model(tiny, TREE, long_text="windows", max_windows=3)
    light = exported(model, tmp_path)
    assert (light.work.tokens, light.work.flop, model.work.tokens) == (0, 0.0, 0)
    tokens = sum(len(piece) for text in model.encoder.tokenise(REAL) for piece in text)
    for one in (model, light):
        one.node_proba(REAL)
        assert one.work.tokens == tokens
    assert light.work.flop == model.work.flop > 0
    light.node_proba(REAL)
    assert light.work.tokens == 2 * tokens


def test_states_of_tokens_are_counted(tiny):
    model = make_model(tiny, TREE, "hiagm-la", "multi")
    model.node_proba(["bank"])
    assert (model.work.tokens, model.work.flop > 0) == (3, True)


def test_an_older_export_counts_tokens(tiny, tmp_path):
    model = make_model(tiny, TREE)
    exported(model, tmp_path)
    part = tmp_path / "part"
    stored = json.loads((part / "runtime.json").read_text())
    del stored["layers"], stored["feed_forward"]
    (part / "runtime.json").write_text(json.dumps(stored))
    older = read_export(model, part)
    older.node_proba(["bank"])
    assert (older.work.tokens, older.work.flop) == (3, 0.0)
