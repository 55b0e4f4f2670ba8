"""Texts that nobody meant to write: every model answers them, alone as in a batch, and coherently."""

import numpy as np
import pytest
from hostile.folders import TAXONOMY, neural, wide
from hostile.strange_texts import LANGUAGES, STRANGE
from jobs.predicted_apps import linear_model
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa import HierarchicalTextClassifier, load_model
from textaxa.fast_path import FastPathModel, confidence_of

TEXTS = [*LANGUAGES, *STRANGE.values(), "football club match"]
TRAINED = ("chained", "flat", "binary", "per-level", "conditional")
RANDOM = ("cascade", "hiagm-tp", "hiagm-la", "label-text")
"""Heads left untrained: random weights show as well whether a batch changes an answer."""

KINDS = ("linear", *TRAINED, *RANDOM, "static", "textrcnn", "wide", "fast path", "onnx")


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    place = tmp_path_factory.mktemp("strange")
    encoder, (texts, labels) = make_tiny_encoder(place / "tiny"), rows(48)
    found = {"linear": load_model(linear_model(place / "linear"))}
    for head in TRAINED:
        classifier = HierarchicalTextClassifier(head=head, encoder=str(encoder), frozen=True, epochs=2, max_length=32)
        found[head] = classifier.fit(texts, [paths[0] for paths in labels]).model_
    found |= {head: neural(place, head=head) for head in RANDOM}
    found |= {kind: neural(place, kind) for kind in ("static", "textrcnn")}
    found["wide"] = wide(place)
    sure = np.sort(confidence_of(TAXONOMY, found["static"].node_proba(_readable(TEXTS))))
    middle = int(np.argmax(np.diff(sure)))  # where the next text is far, so that rounding turns none
    found["fast path"] = FastPathModel(found["static"], found["cascade"], float(sure[middle : middle + 2].mean()))
    if pytest.importorskip("onnx", reason="the extra export is not installed"):
        from textaxa.jobs.export import export
        from textaxa.persistence import save_model

        folder = save_model(found["chained"], place / "onnx")
        export(folder)
        found["onnx"] = load_model(folder, runtime="onnx")
    return found


def _readable(texts):
    return [text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for text in texts]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_finite_and_coherent(models, kind):
    model = models[kind]
    proba = model.node_proba(_readable(TEXTS))
    assert np.isfinite(proba).all()
    assert ((proba >= 0) & (proba <= 1 + 1e-6)).all()
    edges = [(node, parent) for node in range(len(model.taxonomy)) for parent in model.taxonomy.parents.row(node)]
    assert edges
    for node, parent in edges:
        assert (proba[:, node] <= proba[:, parent] + 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_alone_as_in_a_batch(models, kind):
    """In fp32 up to the order in which a product is summed; 8-bit exports depend on the batch (docs/runtime.md)."""
    texts = _readable(TEXTS)
    together = models[kind].node_proba(texts)
    alone = np.concatenate([models[kind].node_proba([text]) for text in texts])
    np.testing.assert_allclose(alone, together, atol=2e-6)


def test_both_models_of_the_fast_path_were_asked(models):
    """Else the test above would show nothing about the one that was not."""
    ways = models["fast path"].ways
    before = (ways.cheap, ways.strong)
    models["fast path"].node_proba(_readable(TEXTS))
    assert ways.cheap > before[0]
    assert ways.strong > before[1]


def test_a_search_finds_the_same_alone_as_in_a_batch(models):
    """One text goes another way through the code than many."""
    texts = _readable(TEXTS)
    together = models["wide"].search(texts, top=3)
    alone = [models["wide"].search([text], top=3) for text in texts]
    np.testing.assert_array_equal(np.concatenate([one.nodes for one in alone]), together.nodes)
    np.testing.assert_allclose(np.concatenate([one.probabilities for one in alone]), together.probabilities, atol=2e-6)


def test_a_table_of_strange_texts_loses_no_row(models, tmp_path):
    import json

    from textaxa.jobs.predict import predict

    table = tmp_path / "strange.jsonl"
    table.write_text("".join(json.dumps({"text": text, "n": i}) + "\n" for i, text in enumerate(TEXTS)))
    result = predict(models["chained"], table, tmp_path / "out.jsonl", text="text")
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["n"] for row in rows] == list(range(len(TEXTS)))
    assert [row["text"] for row in rows] == TEXTS
    assert result.blank == 1


def test_a_line_of_ten_megabytes(models, tmp_path):
    from textaxa.jobs.predict import predict

    table = tmp_path / "long.csv"
    table.write_text("text\n" + "football club " * 750_000 + "\nmatch\n")
    predict(models["linear"], table, tmp_path / "out.csv", text="text")
    predict(models["chained"], table, tmp_path / "out.csv", text="text", overwrite=True)
    assert (tmp_path / "out.csv").stat().st_size > 10_000_000
