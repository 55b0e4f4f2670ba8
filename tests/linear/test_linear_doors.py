"""The linear model through the estimator and the command line."""

import json

import numpy as np
import pandas as pd
import pytest
from training.apps import rows
from typer.testing import CliRunner

from textaxa import HierarchicalTextClassifier
from textaxa.cli import app
from textaxa.config import Config, read_config
from textaxa.errors import ConfigError
from textaxa.linear import LinearModel

TEXTS, LABELS = rows(60)
PATHS = [paths[0] for paths in LABELS]


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "apps.csv"
    frame = pd.DataFrame({"text": TEXTS, "category": [path[0] for path in PATHS]})
    frame["subcategory"] = [path[1] if len(path) > 1 else "" for path in PATHS]
    frame.to_csv(file, index=False)
    return str(file)


@pytest.fixture(scope="module")
def model(table, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("model") / "m")
    done = run("train", table, "--text", "text", "--labels", "category,subcategory", "--head", "linear", "--out", out)
    assert done.exit_code == 0, done.output
    return out


def test_train_predict_evaluate_info(model, table, tmp_path):
    out = tmp_path / "out.csv"
    assert run("predict", model, table, "-o", str(out)).exit_code == 0
    found = pd.read_csv(out)
    expected = [" > ".join(path) for path in PATHS]
    assert np.mean(found["path"] == expected) > 0.9
    told = json.loads(run("evaluate", model, table, "--json").stdout)
    assert told["path_accuracy"] > 0.9
    assert told["coherent_share"] == 1.0
    shown = run("info", model, "--json")
    assert json.loads(shown.stdout)["head"]["name"] == "linear"


def test_top_paths(model, table, tmp_path):
    out = tmp_path / "out.csv"
    assert run("predict", model, table, "--top", "2", "-o", str(out)).exit_code == 0
    found = pd.read_csv(out)
    assert (found["path"] != found["path_2"]).all()


def test_settings_on_the_command_line(table, tmp_path):
    options = ["--text", "text", "--labels", "category,subcategory", "--head", "linear", "--out", str(tmp_path / "m")]
    done = run("train", table, *options, "--set", "head.arrangement=flat", "--set", "head.C=3", "--seed", "2")
    assert done.exit_code == 0, done.output
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["head"]["arrangement"], config["head"]["C"]) == ("flat", 3.0)
    assert config["training"]["seed"] == 2


@pytest.mark.parametrize("flag", [["--frozen"], ["--encoder", "somewhere"], ["--max-length", "64"]])
def test_encoder_options_are_refused(table, tmp_path, flag):
    options = ["--text", "text", "--labels", "category,subcategory", "--head", "linear", "--out", str(tmp_path / "m")]
    done = run("train", table, *options, *flag)
    assert done.exit_code == 2
    assert "without an encoder" in " ".join(done.stderr.split())
    assert not (tmp_path / "m").exists()


def test_the_configuration_file(tmp_path):
    file = tmp_path / "textaxa.toml"
    file.write_text('[head]\nname = "linear"\nclassifier = "logistic"\n')
    assert read_config(file).head_settings.classifier == "logistic"
    with pytest.raises(ConfigError, match="Did you mean 'classifier'"):
        _ = Config.from_dict({"head": {"name": "linear", "clasifier": "svm"}}).head_settings


def test_the_estimator(tmp_path):
    classifier = HierarchicalTextClassifier(head="linear").fit(TEXTS, PATHS)
    assert isinstance(classifier.model_, LinearModel)
    assert np.mean([found == path for found, path in zip(classifier.predict(TEXTS), PATHS, strict=True)]) > 0.9
    assert classifier.score(TEXTS, PATHS) > 0.9
    proba = classifier.predict_proba(TEXTS)
    assert proba.shape == (len(TEXTS), len(classifier.classes_))
    again = HierarchicalTextClassifier.load(classifier.save(tmp_path / "m"))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), proba)
    assert again.fit(TEXTS, PATHS).predict(TEXTS) == classifier.predict(TEXTS)


def test_the_estimator_with_several_paths():
    several = [[path, ("Finance",)] if i % 2 else [path] for i, path in enumerate(PATHS)]
    texts = [f"{text} money" if i % 2 else text for i, text in enumerate(TEXTS)]
    classifier = HierarchicalTextClassifier(head="linear").fit(texts, several)
    assert classifier.task_ == "multi"
    assert classifier.score(texts, several) > 0.9


def test_the_estimator_refuses_encoder_parameters():
    with pytest.raises(ConfigError, match=r"without an encoder.*frozen = True"):
        HierarchicalTextClassifier(head="linear", frozen=True).fit(TEXTS, PATHS)
