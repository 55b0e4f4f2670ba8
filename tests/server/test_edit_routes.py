"""`/v1/edit`: a draft that survives a restart, two editors, what would change, trying, saving and switching."""

import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from server.http_service import TOKEN, client, model_folder

from textaxa import read_taxonomy
from textaxa.errors import ModelFileError
from textaxa.persistence import load_model
from textaxa.server import _versions
from textaxa.server._drafts import Draft, Drafts
from textaxa.server._edit_told import preview
from textaxa.server._problems import Refused
from textaxa.server._service import Service
from textaxa.taxonomy import Add, Merge, Part, Remove, Rename, Split, Taxonomy, apply_edits, read_edits

RENAME = {"edit": "rename", "path": ["Games", "Sports"], "name": "Athletics"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def folder(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "apps")


def edited(served, edit, revision, **more):
    return served.post("/v1/edit", json={"revision": revision, "edit": edit, **more})


def named(draft, name):
    return next(node for node in draft["nodes"] if node["name"] == name)


def test_without_edit_there_is_no_such_route(folder):
    with client(folder) as served:
        assert served.get("/v1/edit").status_code == 404
        assert "/v1/edit" not in served.get("/openapi.json").json()["paths"]


def test_an_admin_token_is_asked_for(folder):
    with client(folder, edit=True, admin_token=TOKEN) as served:
        assert served.get("/v1/edit").status_code == 403
        assert edited(served, RENAME, 0).status_code == 403
        assert served.get("/v1/edit", headers={"X-Admin-Token": TOKEN}).status_code == 200


def test_a_draft_begins_empty_and_shows_the_whole_taxonomy(folder):
    with client(folder, edit=True) as served:
        draft = served.get("/v1/edit").json()
        names = [node["name"] for node in served.get("/v1/taxonomy?depth=9").json()["nodes"]]
    assert (draft["revision"], draft["edits"], draft["redo"], draft["editable"]) == (0, [], 0, True)
    assert [node["name"] for node in draft["nodes"]] == names
    assert all(node["changed"] == [] for node in draft["nodes"])


def test_edits_undo_and_redo(folder):
    with client(folder, edit=True) as served:
        one = edited(served, RENAME, 0).json()
        assert named(one, "Athletics")["was"] == [["Games", "Sports"]]
        assert named(one, "Athletics")["changed"] == ["renamed"]
        two = edited(served, {"edit": "add", "path": ["Travel"], "description": "trips"}, 1).json()
        assert named(two, "Travel")["description"] == "trips"
        assert two["sentences"] == ["Renamed: Games > Sports is now called Athletics", "Added: Travel"]
        three = served.post("/v1/edit/undo", json={"revision": 2}).json()
        assert (three["revision"], three["redo"], len(three["edits"])) == (3, 1, 1)
        four = served.post("/v1/edit/redo", json={"revision": 3}).json()
        assert (four["edits"], four["redo"]) == (two["edits"], 0)
        back = served.post("/v1/edit/undo", json={"revision": 4}).json()
        other = edited(served, {"edit": "add", "path": ["Food"]}, back["revision"]).json()
        assert other["redo"] == 0
        assert (
            served.post("/v1/edit/redo", json={"revision": other["revision"]}).json()["error"]["code"]
            == "nothing_to_redo"
        )


def test_a_draft_survives_a_restart(folder):
    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
    with client(folder, edit=True) as served:
        draft = served.get("/v1/edit").json()
    assert draft["edits"] == [RENAME]
    assert draft["revision"] == 1
    assert read_edits(_as_edits(folder.parent / "apps.edit" / "draft.json"))[0].name == "Athletics"


def _as_edits(file):
    place = file.with_name("list.json")
    place.write_text(json.dumps(json.loads(file.read_text())["edits"]))
    return place


def test_drafts_go_into_the_folder_that_was_given(folder, tmp_path):
    with client(folder, edit=True, edit_folder=tmp_path / "drafts") as served:
        edited(served, RENAME, 0)
    assert (tmp_path / "drafts" / "apps.edit" / "draft.json").is_file()
    assert not (folder.parent / "apps.edit").exists()


def test_two_editors_do_not_overwrite_each_other(folder):
    with client(folder, edit=True) as served:
        assert edited(served, RENAME, 0).status_code == 200
        late = edited(served, {"edit": "remove", "path": ["Games"]}, 0)
        assert (late.status_code, late.json()["error"]["code"]) == (409, "stale_revision")
        for step in ("undo", "redo", "discard", "save"):
            assert served.post(f"/v1/edit/{step}", json={"revision": 0}).status_code == 409
        assert served.get("/v1/edit").json()["edits"] == [RENAME]


IMPOSSIBLE = [
    (409, {"edit": "rename", "path": ["Games", "Sport"], "name": "x"}, "Did you mean 'Sports'"),
    (409, {"edit": "move", "path": ["Games"], "to": ["Games", "Sports"]}, "circle"),
    (409, {"edit": "split", "path": ["Money"], "into": [{"name": "a"}, {"name": "a"}]}, "same name"),
    (409, {"edit": "rename", "path": ["Games"], "name": "\x1c"}, "blank"),
    (422, {"edit": "rename", "path": ["Games"], "name": "  "}, "edit.rename.name"),
    (422, {"edit": "rename", "path": ["Games"]}, "edit.rename.name: Field required"),
    (422, {"edit": "rename", "path": ["Games"], "name": "a", "terminal": True}, "edit.rename.terminal"),
    (422, {"edit": "move", "path": ["Games"], "to": "children"}, "valid list"),
    (422, {"edit": "split", "path": ["Money"], "into": [{"name": "a"}]}, "at least 2"),
    (422, {"edit": "split", "path": ["Money"], "into": [{"name": "a"}, {"name": "b"}], "to": ["x"]}, "'siblings'"),
    (422, {"edit": "grow", "path": ["Games"]}, "'grow'"),
    (422, {"edit": "add", "path": [], "position": 0}, "at least 1"),
    (422, {"edit": "add", "path": ["x"], "position": -1}, "greater than"),
    (422, {"edit": "merge", "paths": [], "into": ["Games"]}, "at least 1"),
    (422, {"edit": "merge", "paths": [["Games"]], "into": [{"name": "Games"}]}, "valid string"),
]


@pytest.fixture(scope="module")
def untouched(trained, tmp_path_factory):
    """Give a client of a service whose draft no test changes."""
    with client(trained, edit=True, edit_folder=tmp_path_factory.mktemp("untouched")) as served:
        yield served


@pytest.mark.parametrize(("status", "edit", "message"), IMPOSSIBLE)
def test_what_is_not_possible_is_refused_and_changes_nothing(untouched, status, edit, message):
    refused = edited(untouched, edit, 0)
    assert refused.status_code == status
    assert message in refused.json()["error"]["message"]
    assert untouched.get("/v1/edit").json()["revision"] == 0


HOSTILE = ["<img src=x onerror=alert(1)>", "../../etc/passwd", "a\nb", "\u202egnp.exe", '"; DROP TABLE', "😀" * 300]


def test_hostile_names_are_only_names(folder):
    with client(folder, edit=True) as served:
        for revision, name in enumerate(HOSTILE):
            assert edited(served, {"edit": "add", "path": [name]}, revision).status_code == 200
        draft = served.get("/v1/edit").json()
    assert [node["name"] for node in draft["nodes"] if node["changed"]] == HOSTILE


def test_a_draft_about_another_version_is_not_applied(folder, tmp_path):
    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
    file = folder.parent / "apps.edit" / "draft.json"
    stored = json.loads(file.read_text())
    file.write_text(json.dumps(stored | {"base": "0" * 64}))
    with client(folder, edit=True) as served:
        draft = served.get("/v1/edit").json()
        assert (draft["editable"], draft["edits"]) == (False, [RENAME])
        assert edited(served, RENAME, 1).json()["error"]["code"] == "other_version"
        assert served.post("/v1/edit/preview", json={}).status_code == 409
        fresh = served.post("/v1/edit/discard", json={"revision": 1}).json()
        assert (fresh["editable"], fresh["edits"], fresh["revision"]) == (True, [], 2)
    assert json.loads((file.parent / "discarded-1.json").read_text())["edits"] == [RENAME]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "textaxa-draft", "version": 9}', '{"format": 3}'])
def test_a_damaged_draft_is_told(folder, content):
    (folder.parent / "apps.edit").mkdir()
    (folder.parent / "apps.edit" / "draft.json").write_text(content)
    with client(folder, edit=True) as served:
        refused = served.get("/v1/edit")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "draft_damaged")
    assert "draft.json" in refused.json()["error"]["message"]


def test_preview(folder):
    with client(folder, edit=True) as served:
        empty = served.post("/v1/edit/preview", json={}).json()
        assert (empty["texts"], empty["void"], sum(empty["counts"].values())) == (0, [], 0)
        edited(served, {"edit": "merge", "paths": [["Games", "Cards"]], "into": ["Games", "Sports"]}, 0)
        edited(served, {"edit": "add", "path": ["Travel"]}, 1)
        found = served.post("/v1/edit/preview", json={}).json()
    assert found["rows"] == [["removed", "Games > Cards", ""], ["added", "", "Travel"]]
    assert (found["nodes"]["merged"], found["nodes"]["new"]) == (1, 1)
    assert found["texts"] == 24, "60 rows, of which every fifth has each label"
    assert any(
        sentence.startswith("Merged, with what each part learned: Games > Sports") for sentence in found["words"]
    )


def test_preview_counts_texts_once(tmp_path):
    old = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    found = apply_edits(old, [Remove(("A",))])
    below = [5 if path[0] == "A" and len(path) == 1 else 2 for path in old.nodes]

    told = preview(found, tmp_path, np.asarray(below))
    assert told["texts"] == 5
    for file in ("calibration.json", "held_out.json"):
        (tmp_path / file).write_text("{}")
    (tmp_path / "onnx").mkdir()
    assert len(preview(found, tmp_path, None)["void"]) == 3
    assert preview(found, tmp_path, None)["texts"] is None
    assert preview(apply_edits(old, []), tmp_path, None)["void"] == []


def test_try_answers_with_both(folder):
    with client(folder, edit=True) as served:
        same = served.post("/v1/edit/try", json={"texts": ["football club"]}).json()["answers"][0]
        assert same["old"] == same["new"]
        edited(served, RENAME, 0)
        edited(served, {"edit": "merge", "paths": [["Media"]], "into": ["Money"]}, 1)
        tried = served.post("/v1/edit/try", json={"texts": ["football club match", " ", "photo edit filter"]}).json()
    one, blank, other = tried["answers"]
    assert (one["old"]["path"], one["new"]["path"]) == ("Games > Sports", "Games > Athletics")
    assert blank["old"] == blank["new"]
    assert other["old"]["path"].startswith("Media")
    assert other["new"]["path"].startswith("Money")


def test_without_pytorch_a_try_says_what_to_install(folder, monkeypatch):
    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "torch", None)  # as where it is not installed
            refused = served.post("/v1/edit/try", json={"texts": ["x"]})
            assert (refused.status_code, refused.json()["error"]["code"]) == (501, "missing_extra")
            assert 'pip install "textaxa[train]"' in refused.json()["error"]["message"]
            assert served.post("/v1/edit/save", json={"revision": 1}).status_code == 501
        assert served.get("/v1/edit/history").json() == {"versions": []}


def test_save_and_switch(folder):
    with client(folder, edit=True) as served:
        assert served.post("/v1/edit/save", json={"revision": 0}).json()["error"]["code"] == "nothing_to_save"
        edited(served, RENAME, 0)
        saved = served.post("/v1/edit/save", json={"revision": 1})
        assert saved.status_code == 201
        told = saved.json()
        assert (told["name"], told["switched"], told["version"], told["void"]) == ("apps-2", False, None, [])
        assert served.get("/v1/edit").json()["edits"] == [RENAME], "without a switch the draft goes on"
        before = served.get("/v1/models").json()["models"][0]["version"]
        again = served.post("/v1/edit/save", json={"revision": 1, "name": "better", "switch": True}).json()
        after = served.get("/v1/models").json()["models"][0]["version"]
        assert (again["switched"], again["version"]) == (True, after)
        assert after != before
        row = served.post("/v1/classify", json={"text": "football club match"}).json()["answers"][0]
        assert row["path"] == "Games > Athletics"
        draft = served.get("/v1/edit").json()
        assert (draft["edits"], draft["editable"]) == ([], True)
        history = served.get("/v1/edit/history").json()["versions"]
    assert [line["name"] for line in history] == ["better", "apps-2"]
    assert history[0]["sentences"] == ["Renamed: Games > Sports is now called Athletics"]
    assert ("Games", "Athletics") in load_model(folder.parent / "apps-2").taxonomy
    assert ("Games", "Athletics") in read_taxonomy(told["taxonomy"])
    assert ("Games", "Sports") in load_model(folder).taxonomy, "the old version stays as it is"


def test_a_version_that_cannot_be_loaded_is_saved_all_the_same(folder, monkeypatch):
    async def broken(self, name=None, folder=None):
        raise ModelFileError("There is no export.")

    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
        with monkeypatch.context() as patch:
            patch.setattr(Service, "reload", broken)
            told = served.post("/v1/edit/save", json={"revision": 1, "switch": True})
        assert told.status_code == 201
        assert (told.json()["switched"], told.json()["version"]) == (False, None)
        assert told.json()["notes"] == ["The service goes on with the old version: There is no export."]
        assert served.get("/v1/edit").json()["edits"] == [RENAME]
    assert (folder.parent / "apps-2").is_dir()


OUTSIDE = ["../evil", "/evil", "a/b", ".hidden", "a\\b", "", "x" * 81, "nul\x00", "end."]


def test_names_that_leave_the_folder_are_refused(folder):
    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
        for name in OUTSIDE:
            assert served.post("/v1/edit/save", json={"revision": 1, "name": name}).status_code == 422, name
    assert sorted(path.name for path in folder.parent.iterdir()) == ["apps", "apps.edit"]


def test_a_name_that_is_taken_is_refused(folder):
    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
        assert served.post("/v1/edit/save", json={"revision": 1, "name": "apps"}).status_code == 409


# --- what happens when a process is killed

OLD = Taxonomy.from_paths([("A", "x"), ("B",)])


def _edit_for_ever(folder):
    drafts, revision = Drafts(folder), 0
    while True:
        edit = Add((f"node {revision}",))
        revision = drafts.change(OLD, revision, lambda draft, edit=edit: draft.with_edit(edit)).revision


def test_a_kill_between_edits_leaves_a_whole_draft(tmp_path):
    process = multiprocessing.get_context("fork").Process(target=_edit_for_ever, args=(tmp_path,), daemon=True)
    process.start()
    end = time.monotonic() + 20
    while not (tmp_path / "draft.json").exists() and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.join(10)
    draft = Drafts(tmp_path).read(OLD)
    assert draft.revision == len(draft.edits) >= 1
    assert draft.edits[-1] == Add((f"node {draft.revision - 1}",))
    assert Drafts(tmp_path).change(OLD, draft.revision, lambda one: one.undo()).revision == draft.revision + 1


@pytest.mark.parametrize("stage", ["model", "history"])
def test_a_failed_save_leaves_the_old_version_and_the_draft(folder, monkeypatch, stage):
    def broken(*_, **__):
        raise OSError("No space left on device")

    with client(folder, edit=True) as served:
        edited(served, RENAME, 0)
        with monkeypatch.context() as patch:
            if stage == "model":
                patch.setattr("textaxa.persistence._folder._write", broken)
            else:
                patch.setattr(Drafts, "remember", broken)
            assert (
                served.post("/v1/edit/save", json={"revision": 1, "name": "new"}).json()["error"]["code"]
                == "cannot_save"
            )
        if stage == "model":
            assert not (folder.parent / "new").exists()
            assert served.post("/v1/edit/save", json={"revision": 1, "name": "new"}).status_code == 201
        assert served.get("/v1/edit").json()["edits"] == [RENAME]
    assert ("Games", "Athletics") in load_model(folder.parent / "new").taxonomy


def _die(model, folder, onnx=None):
    (folder / "config.json").write_text("{")
    os.kill(os.getpid(), signal.SIGKILL)


def _save_and_die(served, changed, target):
    from textaxa.persistence import _folder

    _folder._write = _die
    _versions.save(served, changed, [Rename(("Games",), "Play")], target)


def test_a_kill_during_a_save_leaves_no_half_version(folder, monkeypatch):
    model = load_model(folder)
    changed = apply_edits(model.taxonomy, [Rename(("Games",), "Play")])
    new = SimpleNamespace(model=model, report=SimpleNamespace(void=(), notes=()))
    monkeypatch.setattr(_versions, "migrated", lambda folder, edited: new)
    served, target = SimpleNamespace(name="apps", folder=folder), folder.parent / "apps-2"
    process = multiprocessing.get_context("fork").Process(target=_save_and_die, args=(served, changed, target))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert not target.exists()
    assert _versions.free_name("apps", folder.parent, None) == "apps-2"
    _versions.save(served, changed, [Rename(("Games",), "Play")], target)
    assert load_model(target).taxonomy == model.taxonomy
    assert load_model(folder).taxonomy == model.taxonomy


def test_one_save_at_a_time(tmp_path):
    with Drafts(tmp_path).saving(), pytest.raises(Refused, match="being saved already"), Drafts(tmp_path).saving():
        pass
    with Drafts(tmp_path).saving():
        pass


def test_a_torn_line_of_the_history_costs_no_other(tmp_path):
    drafts = Drafts(tmp_path)
    drafts.remember(name="one", folder=tmp_path, before="v", draft=Draft("f", 1, (Rename(("A",), "C"),)))
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('{"name": "torn')
    drafts.remember(name="two", folder=tmp_path, before="v", draft=Draft("f", 1))
    assert [line.name for line in drafts.history()] == ["two", "one"]


def test_many_nodes_are_for_files(tmp_path):
    served = SimpleNamespace(name="wide", taxonomy=range(30_000))
    from textaxa.server._edit import Desk

    desk = Desk(SimpleNamespace(get=lambda name: served), SimpleNamespace(edit_folder=tmp_path))
    with pytest.raises(Refused, match="textaxa taxonomy edit"):
        desk.served(None)


def test_names_of_versions_count_up(tmp_path):
    assert _versions.free_name("apps", tmp_path, None) == "apps-2"
    (tmp_path / "apps-2").mkdir()
    assert _versions.free_name("apps-2", tmp_path, None) == "apps-3"
    assert _versions.free_name("../apps", tmp_path, None) == "apps-3"


def test_words_for_splits_and_removals(tmp_path):
    found = apply_edits(OLD, [Split(("B",), (Part("b1"), Part("b2")), "siblings"), Remove(("A", "x"))])
    words = preview(found, tmp_path, None)["words"]
    assert "New: b1, b2. They start from their names and descriptions; a few texts each make them better." in words
    assert any(sentence.startswith("Removed: A > x.") for sentence in words)
    merged = apply_edits(OLD, [Merge((("A",),), ("B",))])
    assert any("Merged" in sentence for sentence in preview(merged, tmp_path, None)["words"])
