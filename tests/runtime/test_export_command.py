"""``textaxa export`` and what the other commands make of it."""

import csv
import json
import sys

import onnx
import pytest
from runtime.runtime_cases import make_model
from training.apps import rows
from typer.testing import CliRunner

from textaxa.cli import app
from textaxa.errors import ConfigError, MissingExtraError
from textaxa.jobs.calibrate import calibrate
from textaxa.jobs.export import Measured, _check_loss, _check_same, export
from textaxa.jobs.predict import predict
from textaxa.persistence import load_model, read_config, save_model
from textaxa.runtime import RuntimeModel, computes_bf16
from textaxa.taxonomy import Taxonomy

TEXTS, LABELS = rows(120)
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def folder(tiny, tmp_path):
    return save_model(make_model(tiny, TAXONOMY), tmp_path / "model")


@pytest.fixture
def table(tmp_path):
    with (tmp_path / "apps.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "path"])
        writer.writerows([text, " > ".join(paths[0])] for text, paths in zip(TEXTS, LABELS, strict=True))
    return tmp_path / "apps.csv"


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def answers(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return [row["path"] for row in csv.DictReader(stream)]


def test_export_then_predict_and_evaluate(folder, table, tmp_path):
    before = predict(folder, table, tmp_path / "torch.csv", text="text")
    assert before.runtime == "PyTorch"
    done = run("export", folder, "--valid", table, "--path", "path")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "Exported in fp32" in done.stdout
    assert "path accuracy on 120 rows" in done.stdout
    done = run("predict", folder, table, "--text", "text", "-o", tmp_path / "onnx.csv")
    assert "Computed by ONNX Runtime (fp32)." in done.stderr
    assert answers(tmp_path / "torch.csv") == answers(tmp_path / "onnx.csv")
    quiet = run("predict", folder, table, "--text", "text", "-o", tmp_path / "quiet.csv", "--quiet")
    assert (quiet.exit_code, "Computed" in quiet.stderr) == (0, False)
    scores = [
        json.loads(run("evaluate", folder, table, "--path", "path", "--json", "--runtime", runtime).stdout)
        for runtime in ("torch", "onnx")
    ]
    assert scores[0]["path_accuracy"] == scores[1]["path_accuracy"]
    assert "Computed by PyTorch." in run("evaluate", folder, table, "--path", "path", "--runtime", "torch").stderr
    assert "ONNX Runtime" in (folder / "README.md").read_text(encoding="utf-8")


def test_int8_is_measured_and_remembered(folder, table):
    done = export(folder, precision="int8", valid=table, columns={"path": "path"}, max_loss=100)
    assert (done.precision, done.measured.rows, done.difference < 1e-5) == ("int8", 120, True)
    kept = read_config(folder)["summary"]["onnx"]
    assert kept["precision"] == "int8"
    assert kept["measured"]["onnx"] == done.measured.onnx
    assert kept["measured"]["loss_points"] == done.measured.loss
    assert f"{done.measured.onnx:.4f}" in (folder / "README.md").read_text(encoding="utf-8")
    again = export(folder, precision="int8")
    assert again.measured is None
    assert "measured" not in read_config(folder)["summary"]["onnx"]


def test_int8_without_rows_says_that_nothing_was_measured(folder):
    assert "not measured" in run("export", folder, "--precision", "int8").stdout


def test_too_great_a_loss_is_refused_and_nothing_written(folder, table):
    files = read_config(folder)["files"]
    with pytest.raises(ConfigError, match="Nothing was written"):
        export(folder, precision="int8", valid=table, columns={"path": "path"}, max_loss=-101)
    assert read_config(folder)["files"] == files
    assert not (folder / "onnx").exists()
    forced = export(folder, precision="int8", valid=table, columns={"path": "path"}, max_loss=-101, force=True)
    assert forced.precision == "int8"


def test_the_loss_is_counted_in_points():
    lost = Measured(200, "path accuracy", 0.80, 0.79)
    assert lost.loss == pytest.approx(1)
    _check_loss(lost, 1.01)
    with pytest.raises(ConfigError, match=r"loses 1\.00 points"):
        _check_loss(lost, 0.5)


@pytest.mark.parametrize("difference", [0.01, float("nan")])
def test_an_export_that_computes_something_else_is_refused(difference):
    with pytest.raises(ConfigError, match="other probabilities"):
        _check_same(difference)


def test_a_promise_is_made_with_the_weights_on_which_it_rests(folder, table, tmp_path):
    export(folder, precision="int8")
    calibrate(folder, table, columns={"path": "path"}, proving_share=0.6)
    assert isinstance(load_model(folder, runtime="auto"), RuntimeModel), "calibrating leaves the weights as they are"
    given = {"text": "text", "set_coverage": 0.5}
    assert predict(folder, table, tmp_path / "a.csv", **given).runtime == "PyTorch"
    assert predict(folder, table, tmp_path / "b.csv", text="text").runtime == "ONNX Runtime (int8)"
    with pytest.raises(ConfigError, match="computed in int8"):
        predict(folder, table, tmp_path / "c.csv", runtime="onnx", **given)
    export(folder)
    assert predict(folder, table, tmp_path / "d.csv", **given).runtime == "ONNX Runtime (fp32)"


def test_what_cannot_be_exported_is_one_paragraph(folder, table, tmp_path):
    assert run("export", tmp_path / "nothing").exit_code == 2
    done = run("predict", folder, table, "--text", "text", "--runtime", "onnx", "-o", tmp_path / "out.csv")
    assert (done.exit_code, "textaxa export" in done.stderr) == (2, True)


def test_a_report_needs_pytorch(folder, table, tmp_path):
    export(folder)
    done = run("evaluate", folder, table, "--path", "path", "--html", tmp_path / "r.html", "--runtime", "onnx")
    assert (done.exit_code, "PyTorch" in done.stderr) == (2, True)


def test_bf16_is_measured_where_the_processor_has_it(folder, table, tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    done = run("export", folder, "--precision", "bf16", "--valid", table, "--path", "path", "--max-loss", "100")
    if computes_bf16():
        assert (done.exit_code, "path accuracy on 120 rows" in done.stdout) == (0, True)
        kept = read_config(folder)["summary"]["onnx"]
        assert (kept["precision"], kept["measured"]["rows"]) == ("bf16", 120)
        assert "bf16" in (folder / "README.md").read_text(encoding="utf-8")
        told = run("predict", folder, table, "--text", "text", "-o", tmp_path / "bf16.csv").stderr
        assert "Computed by OpenVINO (bf16)." in told
        given = {"text": "text", "runtime": "onnx"}
        assert predict(folder, table, tmp_path / "onnx.csv", **given).runtime == "ONNX Runtime (fp32)"
        with pytest.raises(ConfigError, match="Nothing was written"):
            export(folder, precision="bf16", valid=table, columns={"path": "path"}, max_loss=-101)
    monkeypatch.setattr("textaxa.jobs.export.computes_bf16", lambda: False)
    with pytest.raises(ConfigError, match="cannot be measured here"):
        export(folder, precision="bf16", valid=table, columns={"path": "path"})
    assert export(folder, precision="bf16").measured is None


def test_bf16_needs_openvino_only_to_be_measured(folder, table, monkeypatch):
    monkeypatch.setattr("textaxa.runtime._openvino.is_openvino_installed", lambda: False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert export(folder, precision="bf16").precision == "bf16"
    with pytest.raises(MissingExtraError, match="openvino"):
        export(folder, precision="bf16", valid=table, columns={"path": "path"})


def test_an_unknown_precision_is_refused(folder):
    with pytest.raises(ConfigError, match="fp32, bf16, int8"):
        export(folder, precision="fp16")


def test_where_fusing_breaks_the_numbers_the_export_is_not_fused(folder, monkeypatch):
    def spoil(file, config):
        graph = onnx.load(file)
        weights = next(one for one in graph.graph.initializer if len(one.dims) == 2 and one.data_type == 1)
        weights.CopyFrom(onnx.numpy_helper.from_array(1.1 * onnx.numpy_helper.to_array(weights), weights.name))
        onnx.save(graph, file)

    monkeypatch.setattr("textaxa.exporting._export.fuse", spoil)
    done = export(folder)
    assert (done.fused, done.difference < 1e-5) == (False, True)
    assert "could not be fused" in run("export", folder).stdout


def test_where_the_optimiser_fails_the_export_is_not_fused(folder, monkeypatch):
    def fail(*_, **__):
        raise AttributeError("no such node")

    monkeypatch.setattr("onnxruntime.transformers.optimizer.optimize_model", fail)
    assert not export(folder).fused
    monkeypatch.undo()
    assert export(folder).fused
