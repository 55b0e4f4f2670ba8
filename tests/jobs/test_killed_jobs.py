"""Jobs killed before a change of the disk, at each of many: what is there is whole, and the next run ends as if nothing
had happened. `benchmarks/faults/kills.py` does the same at random moments, with networks, too.
"""

import csv
import os
import sys
from contextlib import suppress
from importlib import util
from pathlib import Path

import pytest
from predicted_apps import linear_model, write_table

from textaxa import load_model, predict
from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.jobs import _partial
from textaxa.jobs import predict as predict_job
from textaxa.jobs.calibrate import calibrate
from textaxa.jobs.train import train
from textaxa.persistence import _files, _folder, is_model_folder, save_model
from textaxa.persistence._files import replaced_folder, settled

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed here")

_FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "faults" / "_dying.py"
if not _FILE.is_file():
    pytest.skip("the benchmarks are not in this checkout", allow_module_level=True)


def _dying():
    spec = util.spec_from_file_location("textaxa_dying", _FILE)
    module = sys.modules.setdefault("textaxa_dying", util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


dying = _dying()
TEXTS = ["football club", "bank money note", ""]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture
def labelled(tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "rows.csv"
    words = {"Games > Sports": "football club", "Money": "bank money note", "Media > Photo > Edit": "photo edit"}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "path"])
        writer.writerows((f"{text} {i}", path) for i in range(12) for path, text in words.items())
    return file


def points(call, folder, most):
    """Give the numbers of changes of the disk before which a job is killed: at most so many, spread evenly."""
    told = dying.run_killed(call, folder).told
    assert "error" not in told, told
    changes = told["changes"]
    return sorted({1 + round(i * (changes - 1) / (most - 1)) for i in range(most)})


def killed(call, folder, point):
    ended = dying.run_killed(call, folder, dying.Moment(change=point))
    assert ended.killed or not ended.told.get("error"), ended.told


def names(folder):
    return sorted(one.name for one in folder.iterdir())


def again(call):
    """Give a command again, as a person would."""
    with suppress(ConfigError):  # the output is already there; what else is wrong shows in what is there
        call()


def test_predict_killed_before_any_change(model, tmp_path, monkeypatch):
    monkeypatch.setattr(predict_job, "BLOCK", 16)
    monkeypatch.setattr(_partial, "SAVE_SECONDS", 0.0)
    table = write_table(tmp_path / "in.csv")
    (tmp_path / "whole").mkdir()
    whole = tmp_path / "whole" / "out.csv"
    for point in points(lambda: predict(model, table, whole, processes=1), tmp_path / "whole", 12):
        place = tmp_path / str(point)
        place.mkdir()
        job = lambda out=place / "out.csv": predict(model, table, out, processes=1)  # noqa: E731
        killed(job, place, point)
        again(job)
        assert (place / "out.csv").read_bytes() == whole.read_bytes(), point
        assert names(place) == ["out.csv"], point


def test_train_killed_before_any_change(labelled, tmp_path):
    config = Config.from_dict({"data": {"table": str(labelled), "path": "path"}, "head": {"name": "linear"}})
    (tmp_path / "whole").mkdir()
    whole = tmp_path / "whole" / "model"
    for point in points(lambda: train(config, whole, references=False) and None, tmp_path / "whole", 10):
        out = tmp_path / str(point) / "model"
        out.parent.mkdir()
        killed(lambda out=out: train(config, out, references=False) and None, out.parent, point)
        again(lambda out=out: train(config, out, references=False))
        assert (load_model(out).node_proba(TEXTS) == load_model(whole).node_proba(TEXTS)).all(), point
        assert names(out.parent) == ["model"], point


def test_a_model_that_is_replaced_is_always_the_old_one_or_the_new_one(model, labelled, tmp_path):
    def copy(place):
        place.mkdir()
        save_model(load_model(model), place / "model")
        return place / "model"

    def job(place):
        calibrate(place, labelled, method="none", columns={"text": "text", "path": "path"})

    old, whole = load_model(model).node_proba(TEXTS), copy(tmp_path / "whole")
    numbers = points(lambda: job(whole), whole.parent, 10)
    new = load_model(whole)
    for point in numbers:
        place = copy(tmp_path / str(point))
        killed(lambda place=place: job(place), place.parent, point)
        found = load_model(place)
        assert found.summary.get("calibrated_on") in (None, 36), point
        assert (found.node_proba(TEXTS) == old).all()
        job(place)
        assert load_model(place).summary == new.summary
        assert names(place.parent) == ["model"], point


def test_two_that_save_at_once_leave_one_whole_model(model, tmp_path):
    """Each swaps its folder in while the other one writes; a reader looks on all the time."""
    out, ready = tmp_path / "model", load_model(model)
    save_model(ready, out)
    with replaced_folder(out) as first, replaced_folder(out) as second:
        settled(out)
        for name, folder in (("first", first), ("second", second)):
            (folder / "who").write_text(name)
    assert (out / "who").read_text() == "first", "it ended last"
    assert names(tmp_path) == ["model"]


def test_nobody_swaps_while_a_saver_looks_at_what_is_there(model, tmp_path, monkeypatch):
    """Else the old folder would be seen to exist, and the swap's gap be taken for a folder that is no model."""
    out, ready, looks = tmp_path / "model", load_model(model), []

    def look(folder):
        free = _files._locked(folder.parent, wait=False)
        looks.append(free)
        _files._let_go(free)
        return is_model_folder(folder)

    monkeypatch.setattr(_folder, "is_model_folder", look)
    for _ in range(2):
        save_model(ready, out)
    assert looks == [None], "the second one looks, and has the names to itself"


def test_savers_and_readers_in_several_processes(model, tmp_path):
    out = tmp_path / "model"
    save_model(load_model(model), out)

    def save():
        ready = load_model(model)
        for _ in range(15):
            save_model(ready, out)

    children = [dying.started(save) for _ in range(2)]
    seen = 0
    while any(child.runs() for child in children) or not seen:
        assert (load_model(out).node_proba(TEXTS) == load_model(model).node_proba(TEXTS)).all()
        seen += 1
    assert [child.ended().told.get("error") for child in children] == [None, None]
    assert names(tmp_path) == ["model"]


def test_what_a_killed_save_left_is_swept_but_not_that_of_a_living_one(model, tmp_path):
    out, ready = tmp_path / "model", load_model(model)
    (tmp_path / ".model.new-killed").mkdir()
    (tmp_path / ".model.new-killed" / "half").write_text("written")
    with replaced_folder(out) as fresh:
        assert ".model.new-killed" not in names(tmp_path)
        save_model(ready, out)
        assert fresh.is_dir(), "held by who writes there"
        (fresh / "who").write_text("slow")
    assert (out / "who").read_text() == "slow"
    assert names(tmp_path) == ["model"]
