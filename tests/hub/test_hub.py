"""Models to and from a hub: a server on loopback that speaks the protocol, and the client that everyone uses."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed (extra hub)")

from hub.hub_server import Hub
from huggingface_hub import ModelCard, constants
from jobs.predicted_apps import linear_model

from textaxa import HierarchicalTextClassifier, load_model, pull, push
from textaxa.cli._app import app
from textaxa.errors import ConfigError, ModelFileError, TextaxaError
from textaxa.fast_path import FastPathModel
from textaxa.persistence import save_model

TOKEN = "hf_made_up"  # noqa: S105
TEXTS = ["football match of the club", "edit a photo", "bank note"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    return linear_model(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub, and a cache of its own."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    found = Hub()
    yield found
    found.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_model_comes_back_byte_for_byte(hub, trained, tmp_path):
    address = push(trained, "anna/apps", token=TOKEN, endpoint=hub.endpoint)
    assert address.startswith(f"{hub.endpoint}/anna/apps/commit/")
    assert hub.tokens == {f"Bearer {TOKEN}"}
    assert hub.repositories["anna/apps"].private
    got = pull("anna/apps", tmp_path / "got", endpoint=hub.endpoint)
    assert contents(got) == contents(trained)
    assert not any(path.is_symlink() for path in got.rglob("*"))
    first, second = (load_model(folder).node_proba(TEXTS) for folder in (trained, got))
    assert (first == second).all()


def test_the_models_inside_a_fast_path_are_checked_too(hub, trained, tmp_path):
    model = load_model(trained)
    both = save_model(FastPathModel(model, model, 0.9), tmp_path / "both")
    push(both, "anna/both", endpoint=hub.endpoint)
    files = hub.files("anna/both")
    damaged = next(name for name in files if name.startswith("strong/") and name.endswith(".safetensors"))
    files[damaged] = files[damaged][:-1] + bytes([files[damaged][-1] ^ 1])
    with pytest.raises(ModelFileError, match=r"is damaged or was changed"):
        pull("anna/both", tmp_path / "got", endpoint=hub.endpoint)
    assert not (tmp_path / "got").exists()


def test_only_the_files_of_the_model_are_pushed(hub, trained, tmp_path):
    folder = Path(shutil.copytree(trained, tmp_path / "model"))
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    push(folder, "anna/apps", endpoint=hub.endpoint, private=False)
    assert "notes.txt" not in hub.files("anna/apps")
    assert not hub.repositories["anna/apps"].private


def test_a_second_push_removes_what_the_first_model_had(hub, trained):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    repository = hub.repositories["anna/apps"]
    repository.commit("main", {**hub.files("anna/apps"), "old/part.bin": b"old"})
    push(trained, "anna/apps", endpoint=hub.endpoint)
    assert set(hub.files("anna/apps")) == {*contents(trained), ".gitattributes"}


def test_a_branch_is_made_and_a_revision_pulled(hub, trained, tmp_path):
    push(trained, "anna/apps", branch="trial", endpoint=hub.endpoint)
    assert set(hub.files("anna/apps")) == {".gitattributes"}
    assert contents(pull("anna/apps", tmp_path / "got", revision="trial", endpoint=hub.endpoint)) == contents(trained)


def test_only_what_the_configuration_lists_is_pulled(hub, trained, tmp_path):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    repository = hub.repositories["anna/apps"]
    repository.commit("main", {**hub.files("anna/apps"), "setup.py": b"evil", "more/x.bin": b"x"})
    assert contents(pull("anna/apps", tmp_path / "got", endpoint=hub.endpoint)) == contents(trained)
    assert not [request for request in hub.requests if "setup.py" in request or "x.bin" in request]


def test_a_model_that_was_changed_on_the_hub_is_refused_and_nothing_is_left(hub, trained, tmp_path):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    files = hub.files("anna/apps")
    hub.repositories["anna/apps"].commit("main", {**files, "vocabulary.json": files["vocabulary.json"] + b" "})
    with pytest.raises(ModelFileError, match=r"'vocabulary.json' is damaged"):
        pull("anna/apps", tmp_path / "got", endpoint=hub.endpoint)
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("name", ["*", "../up.json", "/etc/hostname"])
def test_a_configuration_that_lists_odd_names_is_refused(hub, trained, tmp_path, name):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    files = hub.files("anna/apps")
    config = json.loads(files["config.json"])
    config["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    changed = {**files, "config.json": json.dumps(config).encode()}
    hub.repositories["anna/apps"].commit("main", changed)
    with pytest.raises(ModelFileError):
        pull("anna/apps", tmp_path / "got", endpoint=hub.endpoint)
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("anna/none", None, "Check the name"),
        ("anna/apps", "nowhere", "branch, tag or commit"),
        ("anna/empty", None, "no textaxa model"),
        ("an na/apps", None, "owner/model"),
        ("anna/apps/x/y", None, "owner/model"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(hub, trained, tmp_path, name, revision, message):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    hub.repositories["anna/empty"] = type(hub.repositories["anna/apps"])(False)
    hub.repositories["anna/empty"].commit("main", {"README.md": b""})
    with pytest.raises(TextaxaError, match=message):
        pull(name, tmp_path / "got", revision=revision, endpoint=hub.endpoint)


def test_without_a_network_the_cause_is_named_and_what_was_pulled_can_be_had(hub, trained, tmp_path):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    pull("anna/apps", tmp_path / "first", endpoint=hub.endpoint)
    nobody = "http://127.0.0.1:9"
    with pytest.raises(ModelFileError, match="Pushing"):
        push(trained, "anna/other", endpoint=nobody)
    found = HierarchicalTextClassifier.from_pretrained("anna/apps", endpoint=nobody, local_files_only=True)
    assert found.predict(TEXTS)[0] == ("Games", "Sports")


def test_what_is_there_stays(hub, trained, tmp_path):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("x", encoding="utf-8")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="already there"):
            pull("anna/apps", tmp_path / "mine", overwrite=overwrite, endpoint=hub.endpoint)
    old = linear_model(tmp_path / "old", task="multi")
    with pytest.raises(ConfigError, match="already there"):
        pull("anna/apps", old, endpoint=hub.endpoint)
    assert contents(pull("anna/apps", old, overwrite=True, endpoint=hub.endpoint)) == contents(trained)


def test_the_classifier_has_the_methods_of_hugging_face(hub, tmp_path):
    classifier = HierarchicalTextClassifier(head="linear", separator=" > ")
    labels = ["Games > Sports", "Media > Photo", "Money"]
    classifier.fit(TEXTS * 8, labels * 8)
    assert classifier.push_to_hub("anna/mine", endpoint=hub.endpoint).startswith(hub.endpoint)
    found = HierarchicalTextClassifier.from_pretrained("anna/mine", endpoint=hub.endpoint)
    assert found.predict(TEXTS) == classifier.predict(TEXTS)
    assert found.get_params()["head"] == "linear"
    folder = found.save_pretrained(tmp_path / "saved")
    assert HierarchicalTextClassifier.from_pretrained(folder).predict(TEXTS) == classifier.predict(TEXTS)


def test_a_folder_that_is_no_model_is_not_pushed(hub, tmp_path):
    with pytest.raises(ModelFileError, match="not a textaxa model"):
        push(tmp_path, "anna/apps", endpoint=hub.endpoint)
    assert not hub.requests


def test_the_card_says_to_the_hub_what_it_reads(hub, trained):
    push(trained, "anna/apps", endpoint=hub.endpoint)
    card = ModelCard(hub.files("anna/apps")["README.md"].decode())
    assert card.data.library_name == "textaxa"
    assert card.data.pipeline_tag == "text-classification"
    assert "hierarchical-text-classification" in card.data.tags
    assert "POST /api/validate-yaml" in hub.requests


def test_the_command_line_pushes_and_pulls(hub, trained, tmp_path):
    run = CliRunner().invoke
    pushed = run(app, ["push", str(trained), "anna/apps", "--public", "--endpoint", hub.endpoint])
    assert pushed.exit_code == 0
    assert pushed.stdout.startswith(hub.endpoint)
    assert not hub.repositories["anna/apps"].private
    pulled = run(app, ["pull", "anna/apps", "-o", str(tmp_path / "got"), "--endpoint", hub.endpoint])
    assert pulled.exit_code == 0
    assert contents(tmp_path / "got") == contents(trained)
    again = run(app, ["pull", "anna/apps", "-o", str(tmp_path / "got"), "--endpoint", hub.endpoint])
    assert again.exit_code == 2
    assert "already there" in again.stderr
