"""Several processes train what one would: the same steps, scores and answers; one writes; a lost one ends all."""

import os
import signal

import numpy as np
import pytest
from training.processes import in_processes
from training.short_runs import LABELS, NOISE, TAXONOMY, TEXTS, encoder_without_dropout, train

from textaxa._processes import Launched, launched
from textaxa.errors import ConfigError, DataError
from textaxa.heads.per_level import PerLevelSettings
from textaxa.training import train_model
from textaxa.training._rows import LengthGroupedOrder
from textaxa.training._shares import ShareOrder
from textaxa.training._together import Together, join
from textaxa.training._validation import Validation

KINDS = {
    "fine-tuned": {},
    "frozen": {"encoder": {"frozen": True}},
    "top layers": {"encoder": {"trainable_layers": 1}},
    "uneven": {"batch_size": 7, "gradient_accumulation": 2},
    "weights of levels that change": {
        "head": "per-level",
        "head_settings": PerLevelSettings(dropout=0.0, level_weights="dwa"),
        "batch_size": 5,
    },
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return encoder_without_dropout(tmp_path_factory.mktemp("tiny"))


def told(model):
    """What is compared of a model: its answers, its scores on validation rows, what its summary says."""
    return {"proba": model.node_proba(TEXTS), "best": model.summary["best"], "summary": model.summary}


def trained(tiny, options):
    heard = []
    found = told(train(tiny, listener=lambda event: heard.append(event["event"]), **options))
    return found | {"heard": heard}


@pytest.fixture(scope="module")
def alone(tiny):
    """What one process trains, by the kind of training."""
    made = {}

    def give(kind):
        if kind not in made:
            made[kind] = told(train(tiny, **KINDS[kind]))
        return made[kind]

    return give


def assert_alike(one, other):
    """Rounding, which differs with the order in which gradients are added, grows over the steps of training."""
    np.testing.assert_allclose(one["proba"], other["proba"], atol=NOISE)
    assert one["best"] == pytest.approx(other["best"], abs=1e-6)


@pytest.mark.parametrize(
    ("kind", "n"), [(kind, 2) for kind in KINDS] + [(kind, 4) for kind in ("fine-tuned", "uneven")]
)
def test_several_train_what_one_does(tiny, alone, kind, n):
    found = in_processes(n, trained, tiny, KINDS[kind])
    for one in found:
        assert_alike(one, alone(kind))
        assert one["summary"]["processes"] == n
        np.testing.assert_array_equal(one["proba"], found[0]["proba"], "all end with one model")
    assert found[0]["heard"].count("validation") == 3
    assert not any(one["heard"] for one in found[1:]), "only the main process tells"
    assert "processes" not in alone(kind)["summary"]


def test_what_differs_or_learns_nothing_would_not_pass(tiny, alone):
    assert alone("fine-tuned")["best"]["hierarchical_f1"] > 0.3
    other = train(tiny, seed=1).node_proba(TEXTS)
    assert np.abs(other - alone("fine-tuned")["proba"]).max() > 50 * NOISE


def interrupted(tiny, folder, stopping, step):
    """Train until one process is told to stop, at some step of its own."""
    place = launched()

    def listener(event):
        if event["event"] == "step" and event["step"] == step:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)  # as a launcher does on top; it must not cost the checkpoint

    if place.rank != stopping:
        listener = None
    try:
        train(tiny, checkpoint_dir=folder, listener=listener)
    except KeyboardInterrupt:
        return "stopped"
    return "ended"


def resumed(tiny, folder):
    return told(train(tiny, checkpoint_dir=folder, resume=True))


@pytest.mark.parametrize("n_after", [1, 4])
def test_a_run_of_two_is_resumed_by_another_number(tiny, alone, tmp_path, n_after):
    assert in_processes(2, interrupted, tiny, tmp_path, 0, 17) == ["stopped", "stopped"]
    assert (tmp_path / "checkpoint-18" / "trainer_state.json").is_file()
    after = in_processes(n_after, resumed, tiny, tmp_path) if n_after > 1 else [resumed(tiny, tmp_path)]
    for one in after:
        assert_alike(one, alone("fine-tuned"))


def killed_at(tiny, folder, epoch):
    """Let the second process die without a word in its validation after some epoch."""
    scored, call = [], Validation.__call__

    def dies(self):
        scored.append(self)
        if launched().rank == 1 and len(scored) == epoch:
            os._exit(1)
        return call(self)

    Validation.__call__ = dies
    try:
        train(tiny, checkpoint_dir=folder)
    except RuntimeError as error:
        return str(error)
    return "ended"


def test_when_one_dies_the_other_ends_and_the_run_goes_on_from_its_checkpoint(tiny, alone, tmp_path):
    told_by_other, _ = in_processes(2, killed_at, tiny, tmp_path, 2, lost=(1,))
    assert told_by_other != "ended"
    for one in in_processes(2, resumed, tiny, tmp_path):
        assert_alike(one, alone("fine-tuned"))


def of_a_budget(tiny):
    model = train(tiny, epochs=500, patience=0, time_budget=1.0)
    return model.summary["stopped"], model.node_proba(TEXTS[:4])


def test_a_time_budget_ends_all_at_the_same_step(tiny):
    (word, proba), *others = in_processes(2, of_a_budget, tiny)
    assert word == "time budget"
    for other in others:
        np.testing.assert_array_equal(proba, other[1])


def refused(tiny, folder, options):
    try:
        train(tiny, checkpoint_dir=folder / str(launched().rank) if "apart" in options else folder, **options["with"])
    except (ConfigError, DataError) as error:
        return str(error), getattr(error, "told_by_main", False)
    return None


def with_other_rows(tiny, folder):
    texts = TEXTS if launched().main else [*TEXTS[:-1], "another text"]
    return refused(tiny, folder, {"with": {"texts": texts}})


def test_other_rows_on_another_host_are_refused_by_all(tiny, tmp_path):
    found = in_processes(2, with_other_rows, tiny, tmp_path)
    assert found[0] == found[1]
    assert "Process 2 of 2: The rows, the taxonomy or the settings here are not those of process 1" in found[0][0]


def test_hosts_that_do_not_share_the_output_are_refused(tiny, tmp_path):
    found = in_processes(2, refused, tiny, tmp_path, {"apart": True, "with": {}})
    assert all("is not the folder that process 1 writes" in message for message, _ in found)


def test_an_error_of_the_encoder_is_told_once(tiny, tmp_path):
    found = in_processes(2, refused, str(tmp_path / "nowhere"), tmp_path, {"with": {}})
    assert all(told_by_main for _, told_by_main in found)
    assert not found[0][0].startswith("Process")


def test_interrupted_runs_are_guarded_as_ever(tiny, tmp_path):
    in_processes(2, interrupted, tiny, tmp_path, 1, 17)  # the second hears no steps, so the run ends by itself
    found = in_processes(2, refused, tiny, tmp_path, {"with": {}})
    assert all("holds checkpoints of an interrupted run" in message for message, _ in found)


def says():
    """Everything that processes say to each other, once."""
    together = join()
    rank = together.rank
    own = np.arange(7, dtype=np.float32)[list(together.share(7))]
    return {
        "any": (together.any(rank == 2), together.any(False)),
        "most": together.most(rank * 10),
        "heard": together.heard({"rank": rank, "text": "ü" * rank}),
        "told": together.told("first" if rank == 0 else "other"),
        "whole": together.whole(own[:, None], 7)[:, 0].tolist(),
        "few": together.whole(np.full((len(together.share(1)), 2), rank, np.int64), 1).tolist(),
        "none": together.whole(np.empty((0, 3), np.float32), 0).shape,
    }


def test_all_hear_the_same():
    found = in_processes(3, says)
    assert found[0] == found[1] == found[2]
    assert found[0]["any"] == (True, False)
    assert found[0]["most"] == 20
    assert found[0]["heard"] == [{"rank": rank, "text": "ü" * rank} for rank in range(3)]
    assert found[0]["told"] == "first"
    assert found[0]["whole"] == [0, 1, 2, 3, 4, 5, 6]
    assert found[0]["few"] == [[0, 0]]
    assert found[0]["none"] == (0, 3)


@pytest.mark.parametrize(("n", "batch_size", "world"), [(50, 8, 2), (51, 8, 4), (9, 4, 8), (1, 32, 2)])
def test_the_shares_of_all_are_the_batches_of_one(n, batch_size, world):
    lengths = np.random.default_rng(1).integers(1, 40, n)
    orders = []
    for rank in range(world):
        order = ShareOrder(LengthGroupedOrder(lengths, batch_size, seed=3), _pretended(rank, world))
        order.set_epoch(2)
        orders.append(order)
    whole = LengthGroupedOrder(lengths, batch_size, seed=3)
    whole.set_epoch(2)
    expected = list(whole)
    seen = []
    for step, shares in enumerate(zip(*orders, strict=True)):
        batch = expected[step * batch_size : (step + 1) * batch_size]
        real = [share for share in shares if share.weight]
        assert sorted(row for share in real for row in share.rows) == sorted(batch)
        assert sum(share.weight for share in shares) == pytest.approx(world)
        row_weights = {share.weight / len(share.rows) for share in real}
        assert max(row_weights) == pytest.approx(min(row_weights)), "every row of a batch weighs the same"
        seen += batch
    assert sorted(seen) == list(range(n))
    assert all(len(order) == len(list(order)) for order in orders)


def _pretended(rank, world):
    together = object.__new__(Together)  # without others to meet
    together.place = Launched(rank, world, rank, world)
    together.rank, together.world, together.main = rank, world, rank == 0
    return together


def test_deepspeed_is_refused(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    with pytest.raises(ConfigError, match=r"DEEPSPEED is not offered\. Choose FSDP"):
        join()


@pytest.mark.parametrize("head", ["linear", "wide"])
def test_heads_of_one_process_are_refused_before_they_work(head, monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=f"The head '{head}' trains in one process, and 2 were started"):
        train_model(TEXTS, LABELS, TAXONOMY, head=head)
