"""While texts are encoded dropout is off; afterwards, and after an error, training goes on as before."""

import numpy as np
import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import make_model

from textaxa.encoders._encoder import evaluating

TEXTS = ["bank money", "puzzle game for the family"]


@pytest.fixture
def model(tmp_path):
    return make_model(tmp_path, KINDS["labels at inner nodes"])


@pytest.mark.parametrize("training", [True, False])
def test_training_or_not_the_numbers_are_the_same_and_the_mode_stays(model, training):
    expected = model.node_proba(TEXTS)
    model.train(training)
    np.testing.assert_array_equal(model.node_proba(TEXTS), expected)
    assert {one.training for one in model.modules()} == {training}


def test_an_error_leaves_the_mode_as_it_was(model):
    def broken():
        with evaluating(model):
            raise ValueError(f"{sum(one.training for one in model.modules())} in training")

    model.train()
    with pytest.raises(ValueError, match="0 in training"):
        broken()
    assert all(one.training for one in model.modules())


def test_an_encoder_that_trains_in_a_model_at_rest_encodes_without_dropout(model):
    expected = model.node_proba(TEXTS)
    model.encoder.train()
    np.testing.assert_array_equal(model.node_proba(TEXTS), expected)
    assert model.encoder.training
