"""Words by leaving them out: against brute force, for every kind of target, within its budget, and without PyTorch."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import exported, make_model
from training.apps import rows
from typer.testing import CliRunner

import textaxa
from textaxa.cli import app
from textaxa.errors import ConfigError
from textaxa.explanation import explain
from textaxa.explanation._occlusion import FEWEST, READINGS, TOGETHER, OcclusionExplainer
from textaxa.explanation._words import word_spans
from textaxa.linear import LinearModel
from textaxa.persistence import load_model, save_model
from textaxa.taxonomy import Taxonomy

TREE = Taxonomy.from_paths([("Games",), ("Games", "Sports"), ("Games", "Cards"), ("Tools",)])


class Counting:
    """A model whose log-odds are sums over words, so that what each word adds is known."""

    task = "single"

    def __init__(self, taxonomy=TREE, task="single", **weights: float) -> None:
        self.taxonomy, self.task, self.weights, self.asked = taxonomy, task, weights, []

    def node_proba(self, texts):
        self.asked += texts
        score = np.array(
            [sum(self.weights.get(word, 0.0) for word in re.findall(r"\w+", text.lower())) for text in texts]
        )
        games = 1 / (1 + np.exp(-score))
        proba = np.zeros((len(texts), len(self.taxonomy)), dtype=np.float64)
        at = {name: self.taxonomy.index(path) for name, path in zip("gtsc", _PATHS, strict=True)}
        proba[:, at["g"]], proba[:, at["t"]] = games, 1 - games
        proba[:, at["s"]], proba[:, at["c"]] = games * games, games * (1 - games) / 2
        return proba

    def decode(self, proba):
        raise AssertionError("the path is given")


_PATHS = [("Games",), ("Tools",), ("Games", "Sports"), ("Games", "Cards")]


def explained(model, text, path=("Games",), **options):
    from textaxa.explanation._explain import _explained

    proba = model.node_proba([text])[0]
    model.asked.clear()
    return _explained(OcclusionExplainer(model, **options), text, (path,), None, proba)


def weights_of(found, level=-1):
    return {found.text[one.start : one.end]: one.weight for one in found.levels[level].words if one.weight}


def test_each_word_has_what_the_score_loses_without_it():
    model = Counting(football=2.0, match=1.0, wrench=-1.5)
    found = explained(model, "The football match, a wrench!")
    assert found.method == "occlusion"
    assert weights_of(found) == pytest.approx({"football": 2.0, "match": 1.0, "wrench": -1.5})
    (level,) = found.levels
    assert (level.kind, level.against, level.score, level.baseline) == ("runner-up", ("Tools",), pytest.approx(1.5), 0)
    assert level.elsewhere[TOGETHER] == pytest.approx(0, abs=1e-9)


def test_brute_force_agrees_on_every_level():
    model = Counting(football=0.4, match=0.2, of=-0.1, the=0.05)
    text = "the football match of the day"
    found = explained(model, text, ("Games", "Sports"))

    def score(version):
        proba = model.node_proba([version])[0]
        return np.log(proba[[0, 2]]) - np.log(proba[[1, 3]])

    for place, level in enumerate(found.levels):
        for word in level.words:
            without = text[: word.start] + text[word.end :]
            assert word.weight == pytest.approx(float((score(text) - score(without))[place]), abs=1e-9)
        assert level.baseline == pytest.approx(float(score("")[place]))
        told = level.baseline + sum(word.weight for word in level.words) + sum(level.elsewhere.values()) + level.error
        assert told == pytest.approx(level.score)


def test_words_that_say_the_same_are_told_together():
    class Either(Counting):
        def node_proba(self, texts):
            return Counting(game=3.0).node_proba([" ".join(set(text.split())) for text in texts])

    found = explained(Either(), "game game")
    assert weights_of(found) == {}
    assert found.levels[0].elsewhere[TOGETHER] == pytest.approx(3.0)


@pytest.mark.parametrize(("words", "near"), [(97, 0), (300, 0), (2_000, 20)])
def test_long_texts_are_read_a_bounded_number_of_times_and_the_word_is_found(words, near):
    model = Counting(football=4.0, wrench=-2.0)
    text = " ".join("football" if i == words // 3 else "wrench" if i == words - 2 else f"w{i}" for i in range(words))
    found = explained(model, text)
    assert len(model.asked) <= 1 + READINGS
    best = found.levels[0].strongest()[0]
    there = text[max(0, best.start - near) : best.end + near]
    assert "football" in there  # the longest text is read too few times to tell it from its neighbours
    assert sum(one.weight for one in found.levels[0].words if abs(one.start - best.start) <= near) > 3.9
    assert sum(word.weight for word in found.levels[0].words) == pytest.approx(2.0)


def test_huge_texts_are_read_a_few_times():
    model = Counting(football=4.0)
    found = explained(model, "word " * 19_000 + "football")
    assert len(model.asked) <= 1 + FEWEST
    assert found.levels[0].strongest()[0].weight > 0


def test_a_budget_is_kept_whatever_it_is():
    text = " ".join(f"w{i}" for i in range(40))
    for readings in (2, 3, 5, 17, 41, 42):
        model = Counting(w7=1.0)
        found = explained(model, text, readings=readings)
        assert len(model.asked) <= 1 + readings
        assert sum(word.weight for word in found.levels[0].words) == pytest.approx(1.0)


@pytest.mark.parametrize("text", ["!!! ... ???", "漢字とかな 😀", "é" * 3, "\x00\u202e", "a", "日" * 500])
def test_any_text_has_an_explanation(text):
    found = explained(Counting(a=1.0), text)
    assert [(one.start, one.end) for one in found.levels[0].words] == word_spans(text)


def test_where_nothing_else_is_possible_nothing_is_asked():
    class Sure(Counting):
        def node_proba(self, texts):
            self.asked += texts
            return np.ones((len(texts), 1))

    model = Sure(Taxonomy.from_paths([("All",)]))
    found = explained(model, "some text", ("All",))
    assert found.levels[0].kind == "no choice"
    assert model.asked == ["some text"]


def test_several_paths_are_explained_by_their_odds():
    model = Counting(task="multi", football=1.0)
    (games,) = explained(model, "football day").levels
    assert games.kind == "log-odds"
    assert games.words[0].weight == pytest.approx(1.0)


def test_that_a_path_ends_can_be_argued_against():
    class Ends(Counting):
        def node_proba(self, texts):
            proba = super().node_proba(texts)
            proba[:, 3] = 0.0
            return proba

    level = explained(Ends(football=1.0), "football day", ("Games", "Sports")).levels[1]
    assert (level.kind, level.against) == ("ends here", ("Games",))
    assert level.words[0].weight == pytest.approx(1.0)


# --- with models


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    texts, labels = rows()
    taxonomy = Taxonomy.from_paths(path for paths in labels for path in paths)
    return save_model(LinearModel.fit(texts, labels, taxonomy), tmp_path_factory.mktemp("models") / "linear")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    place = tmp_path_factory.mktemp("exported")
    exported(make_model(place, KINDS["labels at inner nodes"]), place)
    return place / "model"


def test_the_strongest_word_is_the_one_whose_loss_is_largest(linear):
    model, text = load_model(linear), "my football video for the club"
    found = explain(model, text, method="occlusion")
    level = found.levels[-1]
    node, other = model.taxonomy.index(level.path), model.taxonomy.index(level.against)

    def score(version):
        proba = model.node_proba([version])[0].astype(np.float64)
        return np.log(proba[node]) - np.log(proba[other])

    losses = {span: score(text) - score(text[: span[0]] + text[span[1] :]) for span in word_spans(text)}
    best = level.strongest()[0]
    assert losses[best.start, best.end] == pytest.approx(best.weight)
    assert abs(best.weight) == pytest.approx(max(map(abs, losses.values())))


def test_an_export_is_explained_as_the_model_that_it_was_made_of(network):
    text = "Online football game: build your club"
    light = explain(load_model(network, runtime="onnx"), text)
    assert light.method == "occlusion"
    heavy = explain(load_model(network, runtime="torch"), text, path=light.paths[0], method="occlusion")
    for one, other in zip(light.levels, heavy.levels, strict=True):
        assert one.path == other.path
        assert [word.weight for word in one.words] == pytest.approx([word.weight for word in other.words], abs=0.02)


def test_the_command_takes_the_method(linear):
    done = CliRunner().invoke(app, ["explain", str(linear), "football club", "--method", "occlusion", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["method"] == "occlusion"
    with pytest.raises(ConfigError, match="one of auto, occlusion"):
        textaxa.explain(linear, "football", method="magic")


def test_without_pytorch_an_export_is_explained_by_itself(network):
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['captum'] = None\n"
        "import textaxa\n"
        f"found = textaxa.explain({str(network)!r}, 'Online football game')\n"
        "assert found.method == 'occlusion' and found.levels[0].words, found\n"
        "assert 'scipy' not in sys.modules and 'sklearn' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
