"""What trackers get: losses, scores of every epoch, our settings; and what is said where they cannot be had."""

import json
import sqlite3
from importlib.util import find_spec

import pytest
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.errors import ConfigError, MissingExtraError
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import _tracking, train_model

TEXTS, LABELS = rows(40)
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)
EPOCHS = 3

needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
needs_mlflow = pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("TENSORBOARD_LOGGING_DIR", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID"):
        monkeypatch.delenv(name, raising=False)


def trained(tiny, report_to, *, frozen=True, head="chained", checkpoint_dir=None, listener=None):
    encoder = EncoderSettings() if head == "linear" else EncoderSettings(encoder=tiny, max_length=16, frozen=frozen)
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        head=head,
        encoder=encoder,
        training=TrainingSettings(epochs=EPOCHS, batch_size=8, patience=0, device="cpu", promise_share=0),
        valid=(TEXTS, LABELS),
        checkpoint_dir=checkpoint_dir,
        report_to=report_to,
        listener=listener,
    )


def scalars(folder):
    """Read TensorBoard's files back: values by their names, and texts."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder)).Reload()
    texts = {tag: read.Tensors(tag)[0].tensor_proto.string_val[0].decode() for tag in read.Tags()["tensors"]}
    return {tag: [one.value for one in read.Scalars(tag)] for tag in read.Tags()["scalars"]}, texts


@needs_tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("frozen", [True, False])
def test_tensorboard_gets_losses_scores_and_settings(tiny, tmp_path, frozen):
    heard = []
    trained(tiny, ["tensorboard"], frozen=frozen, checkpoint_dir=tmp_path / "model.training", listener=heard.append)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("model-")
    values, texts = scalars(folder)
    told = [event for event in heard if event["event"] == "validation"]
    assert values["eval/hierarchical_f1"] == pytest.approx([event["hierarchical_f1"] for event in told])
    assert values["eval/path_accuracy"] == pytest.approx([event["path_accuracy"] for event in told])
    losses = [event["loss"] for event in heard if event["event"] == "step"]
    assert values["train/loss"] == pytest.approx(losses)
    assert len(told) == EPOCHS
    settings = json.loads(texts["args/text_summary"])
    assert settings["head.name"] == "chained"
    assert settings["training.epochs"] == EPOCHS
    assert settings["encoder.max_length"] == 16


@needs_tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboards_own_variable_names_its_place(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "kept"))
    trained(tiny, ["tensorboard"])
    assert "eval/hierarchical_f1" in scalars(tmp_path / "kept")[0]
    assert not (tmp_path / "runs").exists()


@needs_mlflow
@pytest.mark.filterwarnings("ignore")
def test_mlflow_gets_the_same(tiny, tmp_path, monkeypatch):
    import mlflow

    before = mlflow.get_tracking_uri()
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "apps")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'kept.db'}")
    heard = []
    try:
        trained(tiny, ["mlflow"], listener=heard.append)
        assert mlflow.active_run() is None
    finally:
        mlflow.set_tracking_uri(before)
    told = [event["hierarchical_f1"] for event in heard if event["event"] == "validation"]
    with sqlite3.connect(tmp_path / "kept.db") as store:
        names = store.execute("SELECT name FROM experiments ORDER BY experiment_id").fetchall()
        found = store.execute("SELECT value FROM metrics WHERE key = 'eval_hierarchical_f1' ORDER BY step").fetchall()
        params = dict(store.execute("SELECT key, value FROM params").fetchall())
        (status,) = store.execute("SELECT status FROM runs").fetchone()
    store.close()
    assert [value for (value,) in found] == pytest.approx(told)
    assert ("apps",) in names
    assert params["head.name"] == "chained"
    assert params["training.epochs"] == str(EPOCHS)
    assert status == "FINISHED"


def test_nothing_is_reported_unless_asked(tiny, tmp_path):
    trained(tiny, ())
    assert list(tmp_path.iterdir()) == []


@needs_tensorboard
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_tracker_changes_no_bit(tiny):
    one, other = trained(tiny, ()), trained(tiny, ["tensorboard"])
    assert (one.node_proba(TEXTS) == other.node_proba(TEXTS)).all()


def test_an_unknown_tracker_is_told(tiny):
    with pytest.raises(ConfigError, match=r"Did you mean 'mlflow'\? Known: azure_ml"):
        trained(tiny, ["mlfow"])


def test_one_that_is_not_installed_is_told(tiny, monkeypatch):
    monkeypatch.setattr(_tracking, "get_available_reporting_integrations", list)
    monkeypatch.setattr(_tracking, "_OURS", {"mlflow": "no_such_package"})
    with pytest.raises(MissingExtraError, match=r'textaxa\[tracking\]"'):
        trained(tiny, ["mlflow"])
    with pytest.raises(ConfigError, match="package of the tracker 'wandb' is not installed"):
        trained(tiny, ["wandb"])


@pytest.mark.parametrize("head", ["linear", "wide"])
def test_heads_that_the_trainer_does_not_train_are_refused(tiny, head):
    with pytest.raises(ConfigError, match=f"The head '{head}' does not learn by the Trainer"):
        trained(tiny, ["tensorboard"], head=head)
