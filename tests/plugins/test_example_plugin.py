"""The example package is installed as users do, and its head, encoder and decoder are used from train to predict."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from training.apps import rows

pytest.importorskip("hatchling", reason="builds the example package; it comes with the extra dev")
pytest.importorskip("pip", reason="installs the example package")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(place), str(ROOT / "examples" / "plugin")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def installed(site):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        yield site
    for name in [name for name in sys.modules if name.startswith("textaxa_example")]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("table") / "apps.csv"
    texts, labels = rows(96)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "path"])
        writer.writerows([text, " > ".join(label)] for text, (label,) in zip(texts, labels, strict=True))
    return file


@pytest.fixture(scope="module")
def model(installed, table, tmp_path_factory):
    from textaxa import read_config, train

    place = tmp_path_factory.mktemp("plugin") / "model"
    config = read_config(
        overrides={
            "data": {"table": str(table), "path": "path"},
            "encoder": {"encoder": "hashed-words:256"},
            "head": {"name": "two-layer", "hidden": 32},
            "training": {"epochs": 12, "encoder_rate": 0.01, "head_rate": 0.01, "seed": 1},
        }
    )
    train(config, place)
    return place


def test_the_parts_are_listed_and_nothing_is_wrong_with_them(installed):
    from textaxa.jobs.plugins import list_plugins

    found = {(part.kind, part.name): part for part in list_plugins(check=True) if part.package == "textaxa-example"}
    assert found.keys() == {("head", "two-layer"), ("encoder", "hashed-words"), ("decoder", "leaf-only")}
    assert not any(part.fault for part in found.values())


def test_a_trained_model_learns_is_saved_and_read_again(model):
    from textaxa import load_model

    read = load_model(model)
    texts, labels = rows(24)
    assert read.settings.head_settings.hidden == 32
    found = [row[0].path for row in read.predict(texts)]
    assert sum(path == label for path, (label,) in zip(found, labels, strict=True)) >= 22
    alone = read.node_proba([texts[5]])
    assert abs(read.node_proba(texts)[5] - alone[0]).max() < 1e-6


def test_its_decoder_goes_down_to_a_leaf(model):
    from textaxa import load_model
    from textaxa.decoding import decode

    read = load_model(model)
    proba = read.node_proba(["game play", "bank money"])
    leaves = [row[0] for row in decode(read.taxonomy, proba, "leaf-only")]
    assert [prediction.stopped for prediction in leaves] == ["leaf", "leaf"]
    assert decode(read.taxonomy, proba)[0][0].path == ("Games",)
    assert leaves[1].path == ("Finance",)


def test_the_folder_tells_which_package_it_needs(model):
    listed = json.loads((model / "config.json").read_text(encoding="utf-8"))["plugins"]
    assert [(part["kind"], part["name"], part["package"]) for part in listed] == [
        ("head", "two-layer", "textaxa-example"),
        ("encoder", "hashed-words", "textaxa-example"),
    ]


def _run(site, *arguments):
    paths = {"PYTHONPATH": str(site)} if site else {"PYTHONPATH": ""}
    command = [sys.executable, "-m", "textaxa", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **paths})


def test_without_the_package_the_model_is_refused_by_its_name(model, table):
    done = _run(None, "predict", str(model), str(table))
    assert done.returncode == 2
    assert "needs the head 'two-layer'" in done.stderr
    assert "pip install textaxa-example" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_line_knows_the_parts(site, model, table):
    listed = _run(site, "plugins", "--json")
    assert {part["name"] for part in json.loads(listed.stdout)} >= {"two-layer", "hashed-words", "leaf-only"}
    done = _run(site, "predict", str(model), str(table), "--decoder", "leaf-only", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    assert {json.loads(line)["stopped"] for line in done.stdout.splitlines()} == {"leaf"}
    assert "It needs the head two-layer of the package textaxa-example 1.0.0." in _run(site, "info", str(model)).stdout


def test_an_exported_model_runs_without_the_package_of_its_head(site, installed, tmp_path, table):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason="exports and runs the model; it comes with the extra export")
    from tiny_encoder import make_tiny_encoder

    from textaxa import export, read_config, train

    encoder = {"encoder": str(make_tiny_encoder(tmp_path / "tiny")), "max_length": 16, "frozen": True}
    sections = {"data": {"table": str(table), "path": "path"}, "encoder": encoder, "head": {"name": "two-layer"}}
    train(read_config(overrides={**sections, "training": {"epochs": 1, "seed": 1}}), tmp_path / "model")
    refused = _run(None, "predict", str(tmp_path / "model"), str(table))
    assert "needs the head 'two-layer'" in refused.stderr
    export(tmp_path / "model", precision="fp32")
    with_package = _run(site, "predict", str(tmp_path / "model"), str(table), "--runtime", "onnx")
    without = _run(None, "predict", str(tmp_path / "model"), str(table), "--runtime", "onnx")
    assert (without.returncode, without.stdout) == (0, with_package.stdout)
    assert without.stdout.count("\n") == 97
