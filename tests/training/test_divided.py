"""A model that processes hold together (FSDP) learns what it does in one, and its checkpoints are those of one."""

import os
import signal

import numpy as np
import pytest
import torch
from training.processes import in_processes
from training.short_runs import NOISE, TEXTS, encoder_without_dropout, train

from textaxa._processes import launched
from textaxa.errors import ConfigError
from textaxa.heads.label_text import LabelTextSettings
from textaxa.training import _divided

KINDS = {
    "all layers": {},
    "top layers": {"encoder": {"trainable_layers": 1}},
    "uneven": {"batch_size": 7, "gradient_accumulation": 2},
    "label texts": {"head": "label-text", "head_settings": LabelTextSettings(dropout=0.0), "epochs": 1},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return encoder_without_dropout(tmp_path_factory.mktemp("tiny"))


def told(model):
    plain = all(type(one) is torch.nn.Parameter for one in model.parameters())
    return {"proba": model.node_proba(TEXTS), "best": model.summary["best"], "plain": plain}


def held(step):
    """The numbers that this process holds of what learns, and how many there are in all."""
    learns = [one for one in step.parameters() if one.requires_grad]
    here = [one.to_local() if hasattr(one, "to_local") else one for one in learns]
    return sum(one.numel() for one in here), sum(one.numel() for one in learns)


def divided(tiny, options):
    os.environ["ACCELERATE_USE_FSDP"] = "true"
    seen, undo = [], _divided.Divided.undo

    def noting(self):
        seen.append(held(self.step))
        undo(self)

    _divided.Divided.undo = noting
    return told(train(tiny, **options)) | {"held": seen, "asked": os.environ["ACCELERATE_USE_FSDP"]}


def assert_alike(one, other):
    np.testing.assert_allclose(one["proba"], other["proba"], atol=NOISE)
    assert one["best"] == pytest.approx(other["best"], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_divided_weights_learn_what_whole_ones_do(tiny, kind):
    alone = told(train(tiny, **KINDS[kind]))
    found = in_processes(2, divided, tiny, KINDS[kind])
    for one in found:
        assert_alike(one, alone)
        assert one["plain"], "the model knows nothing of the division"
        np.testing.assert_array_equal(one["proba"], found[0]["proba"], "all end with one model")
        ((here, all_of_it),) = one["held"]
        assert here < 0.6 * all_of_it
    assert found[0]["asked"] == "true"


def test_what_is_not_offered_is_refused(tiny):
    for told_of, words in (
        ({"ACCELERATE_USE_FSDP": "true", "FSDP_OFFLOAD_PARAMS": "true"}, "FSDP_OFFLOAD_PARAMS: FSDP divides weights"),
        ({"ACCELERATE_USE_DEEPSPEED": "true"}, "DEEPSPEED is not offered"),
    ):
        assert all(words in one for one in in_processes(2, refused, tiny, told_of))


def refused(tiny, told_of):
    os.environ |= told_of
    try:
        train(tiny)
    except ConfigError as error:
        return str(error)
    return "trained"


def interrupted(tiny, folder, divide):
    """Train until the first process is told to stop."""
    os.environ["ACCELERATE_USE_FSDP"] = str(divide)

    def listener(event):
        if event["event"] == "step" and event["step"] == 17:
            os.kill(os.getpid(), signal.SIGINT)

    try:
        train(tiny, checkpoint_dir=folder, listener=listener if launched().main else None)
    except KeyboardInterrupt:
        return "stopped"
    return "ended"


def resumed(tiny, folder, divide):
    os.environ["ACCELERATE_USE_FSDP"] = str(divide)
    return told(train(tiny, checkpoint_dir=folder, resume=True))


@pytest.mark.parametrize(("first", "then"), [(True, None), (False, True)])
def test_a_run_is_resumed_divided_or_not(tiny, tmp_path, first, then):
    folder = tmp_path / "kept"
    alone = told(train(tiny))
    assert in_processes(2, interrupted, tiny, folder, first) == ["stopped", "stopped"]
    if then is None:
        assert_alike(told(train(tiny, checkpoint_dir=folder, resume=True)), alone)
        return
    for one in in_processes(2, resumed, tiny, folder, then):
        assert_alike(one, alone)
