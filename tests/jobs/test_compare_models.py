"""How models are written, and which are compared where none are named."""

import pytest

from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.heads import HEADS, head_class
from textaxa.jobs.comparison._models import DEFAULT_MODELS, default_models, parse_models, split_models

pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["flat,chained"], ["flat", "chained"]),
        (["flat", "chained"], ["flat", "chained"]),
        (["chained:feed=true,level_weights=dwa,flat"], ["chained:feed=true,level_weights=dwa", "flat"]),
        (["chained:level_weights=[1, 2],dropout=0.2"], ["chained:level_weights=[1, 2],dropout=0.2"]),
        (["chained:feed=true,chained:feed=masked"], ["chained:feed=true", "chained:feed=masked"]),
        ([" flat , , chained "], ["flat", "chained"]),
        ([], []),
    ],
)
def test_models_are_cut_at_commas_and_keep_their_settings(given, found):
    assert split_models(given) == found


def parse(*given, base=None, task="single"):
    return parse_models(given, base or Config(), task)


def test_settings_of_head_encoder_and_training():
    (one,) = parse(
        "chained: feed = true, level_weights=[1, 2], encoder.frozen=true, training.epochs=7, head.dropout=0.3"
    )
    assert one.name == "chained:feed=true,level_weights=[1, 2],encoder.frozen=true,training.epochs=7,dropout=0.3"
    settings = one.config.head_settings
    assert (settings.feed, settings.level_weights, settings.dropout) == ("true", (1.0, 2.0), 0.3)
    assert (one.config.encoder.frozen, one.config.training.epochs) == (True, 7)
    assert one.file_name == "chained-feed-true-level_weights-1-2-encoder.frozen-true-training.epochs-7-dropout-0.3"


def test_settings_that_all_share_reach_every_model_and_those_of_a_head_only_its_own():
    base = Config.from_dict(
        {"head": {"name": "chained", "feed": "predicted"}, "training": {"epochs": 4}, "encoder": {"max_length": 99}}
    )
    flat, chained, other = parse("flat,chained,chained:dropout=0", base=base)
    assert {one.config.training.epochs for one in (flat, chained, other)} == {4}
    assert {one.config.encoder.max_length for one in (flat, chained, other)} == {99}
    assert [one.config.head_settings.feed for one in (chained, other)] == ["predicted", "predicted"]
    assert other.config.head_settings.dropout == 0
    assert flat.config.head_settings == head_class("flat").Settings()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("flatt", "Unknown model 'flatt'. Did you mean 'flat'"),
        ("chained:feet=true", "Unknown setting 'feet'.*Did you mean 'feed'"),
        ("chained:feed=ture", "Did you mean 'true'"),
        ("chained:feed", "is not KEY=VALUE"),
        ("chained:data.table=x.csv", "is not KEY=VALUE"),
        ("chained:training.seed=1", "the same seeds"),
        ("chained:training.valid_share=0.2", "the same validation rows"),
        ("chained:training.epochs=many", "epochs = 'many' is of the wrong kind"),
        ("flat,flat", "are the same"),
        ("chained:dropout=0.1,chained:dropout=[0.1]", "dropout = "),
        (",", "No models are named"),
    ],
)
def test_what_cannot_be_a_model_is_refused(given, told):
    with pytest.raises(ConfigError, match=told):
        parse(given)


def test_a_model_that_does_not_know_the_task_is_refused_when_named_and_left_out_by_default():
    with pytest.raises(ConfigError, match="'flat' gives one path a text"):
        parse("flat", task="multi")
    models, left_out = default_models(Config(), "multi")
    assert set(left_out) == {"flat"} | {name for name in DEFAULT_MODELS if "multi" not in head_class(_head(name)).tasks}
    assert left_out["flat"] == "gives one path a text, and rows here have several"
    assert [one.name for one in models] == [name for name in DEFAULT_MODELS if name not in left_out]


def test_the_default_set():
    models, left_out = default_models(Config(), "single")
    assert [one.name for one in models] == list(DEFAULT_MODELS)
    assert left_out == {}
    assert {_head(name) for name in DEFAULT_MODELS} <= set(HEADS)


def _head(model: str) -> str:
    return model.partition(":")[0]
