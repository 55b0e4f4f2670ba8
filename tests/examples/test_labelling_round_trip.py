"""From a model to a labelling tool and back, with the tools' own clients where they are installed."""

import importlib.util
import json
from pathlib import Path

import pytest
from jobs.predicted_apps import linear_model, write_table

from textaxa import Columns, load_model, read_examples, select

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "labelling" / "round_trip.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("round_trip", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("model") / "model")


@pytest.mark.parametrize(
    ("tool", "name", "needs"), [("label-studio", "tasks.json", None), ("argilla", "records.jsonl", "argilla")]
)
def test_suggestions_that_are_agreed_with_come_back_as_labels(script, model, tmp_path, tool, name, needs):
    if needs is not None:
        pytest.importorskip(needs, reason=f"the package {needs} is not installed")
    table = write_table(tmp_path / "new.csv", rows=40)
    select(table, tmp_path / name, model=model, n=8, format=tool)
    found = read_examples(script.TOOLS[tool](tmp_path), Columns(path="path"))
    assert len(found) == 8
    predicted = [row[0].path for row in load_model(model).predict(found.texts)]
    assert [labels[0] for labels in found.labels] == predicted
    assert not found.left_out


def test_the_example_says_what_it_wrote(script, model, tmp_path, capsys):
    select(write_table(tmp_path / "new.csv"), tmp_path / "tasks.json", model=model, n=3, format="label-studio")
    assert script.label_studio(tmp_path) == tmp_path / "export.json"
    assert len(json.loads((tmp_path / "export.json").read_text(encoding="utf-8"))) == 3
    assert "label-studio-sdk" in capsys.readouterr().out
