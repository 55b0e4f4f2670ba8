"""A model of two: who answers what, and the folder that it is kept in."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from optimising.optimising_cases import TAXONOMY, TEXTS, Rote, certain, linear_model

from textaxa import explain, info, load_model, save_model, select
from textaxa._pieces import Work
from textaxa.errors import ConfigError, ModelFileError
from textaxa.fast_path import FastPathModel, confidence_of
from textaxa.jobs.predict import predict
from textaxa.taxonomy import Taxonomy

FIRST, SECOND = (int(node) for node in TAXONOMY.terminals[:2])


@pytest.fixture
def parts():
    cheap = Rote({"sure": certain(FIRST, 0.9), "edge": certain(FIRST, 0.75), "unsure": certain(FIRST, 0.5)})
    strong = Rote(dict.fromkeys(("sure", "edge", "unsure"), certain(SECOND)))
    return cheap, strong


def test_the_cheap_model_answers_from_the_threshold_on_and_the_strong_one_the_rest(parts):
    cheap, strong = parts
    threshold = float(confidence_of(TAXONOMY, cheap.node_proba(["edge"]))[0])
    model = FastPathModel(cheap, strong, threshold)
    proba = model.node_proba(["unsure", "sure", "edge", "unsure"])
    found = [[one.node for one in row] for row in model.decode(proba)]
    assert found == [[SECOND], [FIRST], [FIRST], [SECOND]]
    assert strong.asked == ["unsure", "unsure"]
    np.testing.assert_array_equal(proba[1], cheap.node_proba(["sure"])[0])
    assert (model.ways.cheap, model.ways.strong, model.ways.share) == (2, 2, 0.5)


def test_a_text_gets_the_same_alone_and_among_others(parts):
    model = FastPathModel(*parts, 0.7)
    together = model.node_proba(["sure", "unsure", "edge"])
    for text, row in zip(["sure", "unsure", "edge"], together, strict=True):
        np.testing.assert_array_equal(model.node_proba([text])[0], row)
    assert model.node_proba([]).shape == (0, len(TAXONOMY)) if parts[0].node_proba([]).ndim == 2 else True


def test_children_never_have_more_than_their_parents(parts):
    proba = FastPathModel(*parts, 0.7).node_proba(["sure", "unsure", "edge"])
    for node, above in enumerate(TAXONOMY.parent):
        if above >= 0:
            assert (proba[:, node] <= proba[:, above] + 1e-6).all()


def test_work_is_that_of_both_parts_and_of_nobody_without_an_encoder(parts):
    cheap, strong = parts
    assert not hasattr(FastPathModel(cheap, strong, 0.5), "work")
    cheap.work, strong.work = Work(3, 10.0), Work(4, 100.0)
    assert FastPathModel(cheap, strong, 0.5).work == Work(7, 110.0)


def test_parts_that_do_not_fit_are_refused(parts):
    cheap, strong = parts
    other = Rote({}, taxonomy=Taxonomy.from_paths([("A",), ("B",)]))
    with pytest.raises(ConfigError, match="different taxonomies"):
        FastPathModel(other, strong, 0.5)
    with pytest.raises(ConfigError, match="one path a text"):
        FastPathModel(cheap, Rote({}, task="multi"), 0.5)
    for threshold in (-0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="threshold"):
            FastPathModel(cheap, strong, threshold)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of two linear models: neither needs PyTorch."""
    model = FastPathModel(linear_model(60), linear_model(), 0.8, summary={"rows": 240})
    return save_model(model, tmp_path_factory.mktemp("fast") / "model"), model


@pytest.fixture
def folder(kept, tmp_path):
    from shutil import copytree

    return copytree(kept[0], tmp_path / "copy")


def test_a_saved_one_answers_the_same_and_can_be_saved_again(kept, tmp_path):
    folder, model = kept
    texts = [*TEXTS[:20], "nothing like it", "game"]
    again = load_model(folder)
    np.testing.assert_array_equal(again.node_proba(texts), model.node_proba(texts))
    assert (again.threshold, again.task, again.settings.head) == (0.8, "single", "fast-path")
    moved = load_model(save_model(again, tmp_path / "moved"), runtime="auto")
    np.testing.assert_array_equal(moved.node_proba(texts), model.node_proba(texts))


def test_other_commands_read_it(kept, tmp_path):
    folder, _ = kept
    assert info(folder).config["head"] == {"name": "fast-path", "threshold": 0.8}
    assert "fast path of two models" in info(folder).card
    (tmp_path / "new.csv").write_text("text\nfootball club match\npuzzle game\n", encoding="utf-8")
    done = predict(folder, tmp_path / "new.csv", tmp_path / "out.csv", text="text")
    assert (done.rows, done.runtime) == (2, "a fast path (linear answered 100%, linear the rest)")
    assert "Games > Sports" in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_a_text_is_explained_by_the_model_that_answers_it(kept):
    model, text = load_model(kept[0]), "football puzzle bank video"
    sure = float(confidence_of(TAXONOMY, model.cheap.node_proba([text]))[0])
    assert 0 < sure < 1
    for threshold, part in ((sure, model.cheap), ((1 + sure) / 2, model.strong)):
        model.threshold = threshold
        assert model.answering(text) is part
        np.testing.assert_array_equal(model.node_proba([text]), part.node_proba([text]))
        assert explain(model, text).levels == explain(part, text).levels


def test_next_texts_to_label_are_chosen_by_the_strong_model(kept, tmp_path):
    rows = [{"text": text} for text in TEXTS[:40]]
    by_both, by_strong = (
        select(rows, tmp_path / f"{name}.csv", model=place, n=5, text="text")
        for name, place in (("both", kept[0]), ("strong", kept[0] / "strong"))
    )
    assert by_both.chosen == by_strong.chosen == 5
    assert (tmp_path / "both.csv").read_text() == (tmp_path / "strong.csv").read_text()


def test_it_runs_without_pytorch_where_its_parts_do(kept):
    code = (
        "import sys\n"
        "from textaxa.persistence import load_model\n"
        f"print(load_model({str(kept[0])!r}).predict(['football club match'])[0][0].path)\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert (done.stderr, done.stdout.strip()) == ("", "('Games', 'Sports')")


@pytest.mark.parametrize("name", ["cheap/linear.safetensors", "strong/vocabulary.json", "cheap/config.json"])
def test_a_changed_file_of_a_part_is_found(folder, name):
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(folder)


def test_a_part_that_leads_elsewhere_is_refused(folder, tmp_path):
    (folder / "cheap").rename(tmp_path / "elsewhere")
    (folder / "cheap").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelFileError, match="leads out of the model folder"):
        load_model(folder)


def _changed(folder, change):
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


@pytest.mark.parametrize("threshold", ["0.5", None, True, 7, [1]])
def test_a_threshold_that_is_none_is_refused(folder, threshold):
    _changed(folder, lambda config: config["head"].update(threshold=threshold))
    with pytest.raises(ModelFileError, match="threshold"):
        load_model(folder)


def test_a_part_that_is_not_listed_is_refused(folder):
    _changed(folder, lambda config: config["files"].pop("strong/config.json"))
    with pytest.raises(ModelFileError, match="no whole fast path"):
        load_model(folder)


def test_a_fast_path_within_a_fast_path_is_refused(kept, tmp_path):
    inner = load_model(kept[0])
    nested = save_model(FastPathModel(linear_model(), inner, 0.5), tmp_path / "nested")
    with pytest.raises(ModelFileError, match="inside a fast path"):
        load_model(nested)
