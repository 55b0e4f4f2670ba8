"""`demo`: the packaged data, the model that is kept, the dozen, and what is typed or piped in."""

import signal

import pytest
from tiny_encoder import make_tiny_encoder
from typer.testing import CliRunner

from textaxa.cli import app
from textaxa.config import Config
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.demo import app_taxonomy, data_file, demo, read_apps


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A configuration that trains in a second: what is tested is the way, not the accuracy."""
    tiny = make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")
    return Config.from_dict(
        {
            "encoder": {"encoder": str(tiny), "max_length": 32, "frozen": True},
            "training": {"epochs": 2, "device": "cpu"},
        }
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory, quick):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textaxa.jobs._score.REFERENCE_CELLS", 0)  # the linear reference takes longer than all the rest
        return demo(tmp_path_factory.mktemp("demo") / "demo-model", config=quick)


def test_the_packaged_apps_are_those_of_their_readme():
    apps = read_apps()
    assert {split: len(examples) for split, examples in apps.items()} == {"train": 2351, "valid": 342, "test": 671}
    texts = [text for examples in apps.values() for text in examples.texts]
    assert len(set(texts)) == len(texts)
    taxonomy = app_taxonomy()
    assert (len(taxonomy), taxonomy.n_levels) == (74, 2)
    assert len({path for examples in apps.values() for (path,) in examples.labels}) == 73


def test_the_licences_of_the_data_are_packaged_with_it():
    readme = data_file("README.md").read_text(encoding="utf-8")
    for needed in ("CC BY 4.0", "MIT License", "Simon Peter", "FSFAP notice", "luong-komorebi", "awesome-mac"):
        assert needed in readme
    assert data_file("appstream_licences.csv").is_file()


def test_the_demo_scores_unseen_apps_and_shows_a_dozen(shown):
    assert shown.trained
    assert (shown.rows, shown.valid_rows, shown.test_rows) == (2351, 342, 671)
    assert "textaxa chained" in shown.table
    assert "majority class" in shown.table
    assert "Level 2" in shown.table
    test = read_apps()["test"]
    assert len(shown.shown) == 12
    for one in shown.shown:
        assert one.true == test.labels[test.texts.index(one.text)][0]
        assert 0 <= one.answer.probability <= 1


def test_a_second_call_trains_nothing(shown, quick):
    again = demo(shown.folder, config=quick)
    assert not again.trained
    assert again.table == shown.table
    assert [one.answer.path for one in again.shown] == [one.answer.path for one in shown.shown]


def test_an_interrupted_demo_goes_on_where_it_stopped(quick, tmp_path, monkeypatch):
    monkeypatch.setattr("textaxa.jobs._score.REFERENCE_CELLS", 0)

    def stop(event):
        if event["event"] == "step" and event["step"] == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match="go on with: textaxa demo"):
        demo(tmp_path / "demo-model", config=quick, listener=stop)
    events = []
    assert demo(tmp_path / "demo-model", config=quick, listener=events.append).trained
    assert next(event for event in events if event["event"] == "start")["step"] >= 5
    assert [path.name for path in tmp_path.iterdir()] == ["demo-model"]


def test_what_is_piped_in_is_classified_line_by_line(shown):
    lines = "Online football game: build your club\n\n  edit photos  \n"
    done = CliRunner().invoke(app, ["demo", "--out", str(shown.folder), "--quiet", "--top", "2"], input=lines)
    assert done.exit_code == 0
    assert "A dozen apps" in done.stdout
    answers = done.stdout.split("> Online football game: build your club\n", 1)[1]
    first, second = answers.split("> edit photos\n")
    assert first.count(" %  ") == second.count(" %  ") == 2


def test_no_input_is_no_error(shown):
    done = CliRunner().invoke(app, ["demo", "--out", str(shown.folder), "--quiet"], input="")
    assert done.exit_code == 0


def test_a_folder_with_something_else_is_left_alone(tmp_path, quick):
    (tmp_path / "mine.txt").write_text("mine")
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert (tmp_path / "mine.txt").read_text() == "mine"
