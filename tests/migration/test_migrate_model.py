"""What goes with a migrated model: its history, calibration, evidence, thresholds; saving; the job and the command."""

import csv
import json

import numpy as np
import pytest
from migration.migrated import TEXTS, encoder_in, model, network
from tiny_encoder import make_tiny_encoder
from typer.testing import CliRunner

import textaxa
from textaxa.calibration import Calibration
from textaxa.calibration._maps import Lines
from textaxa.cli._app import app
from textaxa.decisions import Choice, Decider
from textaxa.errors import ConfigError, TaxonomyError
from textaxa.fast_path import FastPathModel
from textaxa.guarantee import collect_evidence
from textaxa.migration import migrate, version_of
from textaxa.persistence import load_model, save_model
from textaxa.taxonomy import Taxonomy, map_nodes, write_taxonomy

OLD = Taxonomy.from_paths([("game", "football"), ("game", "puzzle"), ("music", "video"), ("bank",)])
NEW = Taxonomy.from_paths([("game", "football"), ("game", "puzzle"), ("music", "video"), ("money",), ("note",)])
LINKS = [(("bank",), ("money",), 0.5), (("bank",), ("note",), 0.5)]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return encoder_in(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture
def trained(encoder):
    found = network(encoder, "chained", OLD)
    found.summary = {
        "rows": 10, "counts": [1, 4, 3, 2], "best": {"path_accuracy": 0.5}, "majority": [["bank"]],
        "columns": {"text": ["body"], "path": "label", "separator": " > "},
    }  # fmt: skip
    found.calibration = Calibration(OLD, "single", "temperature", Lines(np.array([0.5])), {}, 100)
    ends = [[int(OLD.terminals[i % len(OLD.terminals)])] for i in range(len(TEXTS))]
    found.evidence = collect_evidence(OLD, ends, found.node_proba(TEXTS), task="single")
    return found


def test_the_history_is_kept_and_shown(trained, tmp_path):
    once = migrate(trained, NEW, map_nodes(OLD, NEW, LINKS), version="abc").model
    twice = migrate(once, Taxonomy.from_paths([*NEW.nodes[-3:], ("travel",)])).model
    first, second = twice.summary["history"]
    assert first["counts"]["split"] == 1
    assert first["from_version"] == "abc"
    assert first["best"] == {"path_accuracy": 0.5}
    assert second["counts"]["new"] == 1
    assert "best" not in once.summary
    save_model(twice, tmp_path / "m")
    card = (tmp_path / "m" / "README.md").read_text()
    assert "## History" in card
    assert "split 1" in card
    assert "from version abc" in card


def test_counts_and_majority_follow_the_nodes(trained):
    moved = Taxonomy.from_paths([("music", "video"), ("game", "football"), ("game", "puzzle"), ("bank",)])
    changed = migrate(trained, moved).model
    known = dict(zip(OLD.terminals.tolist(), trained.summary["counts"], strict=True))
    expected = [known[OLD.index(moved.path(int(node)))] for node in moved.terminals]
    assert changed.summary["counts"] == expected
    split = migrate(trained, NEW, map_nodes(OLD, NEW, LINKS)).model
    assert split.summary["majority"] in ([["money"]], [["note"]])


def test_what_rested_on_old_labels_is_void(trained):
    done = migrate(trained, NEW, map_nodes(OLD, NEW, LINKS))
    assert done.model.evidence is None
    assert any("textaxa calibrate" in sentence and "promise" in sentence for sentence in done.report.void)
    assert done.model.calibration.taxonomy == NEW
    with pytest.raises(ConfigError, match="calibrate"):
        Decider(done.model, Choice(accuracy=0.9))


def test_names_alone_keep_evidence_and_calibration(trained):
    renamed = Taxonomy.from_paths([("game", "puzzle"), ("game", "soccer"), ("bank",), ("music", "video")])
    done = migrate(trained, renamed, map_nodes(OLD, renamed, [(("game", "football"), ("game", "soccer"))]))
    assert done.report.void == ()
    before = [OLD.path(int(node)) for node in trained.evidence.node]
    after = [renamed.path(int(node)) for node in done.model.evidence.node]
    assert [path[:-1] for path in after] == [path[:-1] for path in before]
    assert ("game", "soccer") in after or ("game", "football") not in before
    columns = [renamed.index(("game", "soccer") if path == ("game", "football") else path) for path in OLD.nodes]
    np.testing.assert_allclose(done.model.node_proba(TEXTS)[:, columns], trained.node_proba(TEXTS), atol=1e-6)


def test_thresholds_go_along(encoder):
    several = network(encoder, "binary", OLD, "multi")
    several.thresholds = np.linspace(0.1, 0.6, len(OLD))
    changed = migrate(several, NEW, map_nodes(OLD, NEW, LINKS)).model
    of_bank = several.thresholds[OLD.index(("bank",))]
    assert changed.thresholds[NEW.index(("money",))] == of_bank == changed.thresholds[NEW.index(("note",))]


def test_texts_of_split_nodes_are_listed_for_a_person(trained):
    done = migrate(trained, NEW, map_nodes(OLD, NEW, LINKS), texts=TEXTS)
    bank = OLD.index(("bank",))
    answered = [i for i, row in enumerate(trained.predict(TEXTS)) if row[0].node == bank]
    assert [one.text for one in done.report.suggestions] == answered
    rows = list(done.report.suggestion_rows(TEXTS))
    assert [row["probability"] for row in rows] == sorted(row["probability"] for row in rows)
    assert all(row["suggested"] in ("money", "note") and row["probability"] >= 0.5 for row in rows)


@pytest.mark.parametrize("head", ["chained", "conditional", "label-text", "linear", "wide"])
def test_it_is_saved_like_any_other(encoder, head, tmp_path):
    changed = migrate(model(encoder, head, OLD), NEW, map_nodes(OLD, NEW, LINKS)).model
    save_model(changed, tmp_path / "m")
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(again.node_proba(TEXTS), changed.node_proba(TEXTS))
    assert version_of(tmp_path / "m") != version_of(None)


def test_what_cannot_be_migrated_is_refused(trained, encoder):
    other = network(encoder, "flat", OLD)
    with pytest.raises(ConfigError, match="fast path"):
        migrate(FastPathModel(other, trained, 0.5), NEW)
    with pytest.raises(ConfigError, match="other taxonomies"):
        migrate(trained, NEW, map_nodes(NEW, NEW))
    weighted = network(encoder, "per-level", OLD, level_weights=(1.0, 2.0))
    with pytest.raises(ConfigError, match="level_weights"):
        migrate(weighted, Taxonomy.from_paths([("game",), ("bank",)]))


class TestTheCommand:
    @pytest.fixture
    def run(self):
        def run(*arguments):
            return CliRunner().invoke(app, [str(argument) for argument in arguments])

        return run

    @pytest.fixture
    def place(self, trained, tmp_path):
        save_model(trained, tmp_path / "m")
        write_taxonomy(NEW, tmp_path / "new.csv")
        (tmp_path / "map.csv").write_text("old,new\nbank,money\nbank,note\n")
        (tmp_path / "texts.csv").write_text("body\n" + "\n".join([*TEXTS, " "]) + "\n")
        return tmp_path

    def test_by_the_command_line(self, run, place):
        done = run(
            "migrate", place / "m", "--to", place / "new.csv", "--map", place / "map.csv", "--out", place / "n",
            "--texts", place / "texts.csv", "--report", place / "report.csv", "--suggestions", place / "split.csv",
        )  # fmt: skip
        assert done.exit_code == 0, done.stderr
        assert "1 split" in done.stdout
        assert "Void: promises" in done.stdout
        rows = list(csv.DictReader((place / "report.csv").open()))
        assert {(row["what"], row["old"], row["new"]) for row in rows} >= {
            ("split", "bank", "money"), ("split", "bank", "note"), ("kept", "game > puzzle", "game > puzzle"),
        }  # fmt: skip
        assert (place / "split.csv").is_file()
        assert list(load_model(place / "n").taxonomy.nodes) == list(NEW.nodes)
        assert load_model(place / "m").taxonomy == OLD
        config = json.loads((place / "n" / "config.json").read_text())
        assert config["summary"]["history"][0]["from_version"] == version_of(place / "m")
        again = run("predict", place / "n", place / "texts.csv", "--quiet")
        assert again.exit_code == 0, again.stderr

    def test_users_mistakes(self, run, place):
        there = run("migrate", place / "m", "--to", place / "new.csv", "--out", place / "m")
        assert (there.exit_code, "already there" in there.stderr) == (2, True)
        (place / "map.csv").write_text("old,new\nbunk,money\n")
        bad = run("migrate", place / "m", "--to", place / "new.csv", "--map", place / "map.csv", "--out", place / "n")
        assert (bad.exit_code, "row 2" in bad.stderr) == (2, True)
        assert not (place / "n").exists()
        with pytest.raises(ConfigError, match="--texts"):
            textaxa.migrate(place / "m", place / "new.csv", place / "n", suggestions=place / "s.csv")
        with pytest.raises(TaxonomyError):
            textaxa.migrate(place / "m", place / "absent.csv", place / "n")

    def test_a_save_that_fails_leaves_the_old_model(self, place, monkeypatch):
        before = version_of(place / "m")

        def broken(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("textaxa.persistence._folder.write_model_taxonomy", broken)
        with pytest.raises(textaxa.ModelFileError, match="No space"):
            textaxa.migrate(place / "m", place / "new.csv", place / "m", overwrite=True)
        assert version_of(place / "m") == before
        assert load_model(place / "m").taxonomy == OLD

    def test_diff_with_a_map(self, run, place):
        done = run("taxonomy", "diff", place / "m", place / "new.csv", "--map", place / "map.csv")
        assert done.exit_code == 0, done.stderr
        assert "split: bank -> money (50%)" in done.stdout
