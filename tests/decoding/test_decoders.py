"""The decoders by name run the functions they stand for, and refuse what they do not take."""

import numpy as np
import pytest
from decoding_cases import coherent_cases
from hypothesis import given, settings

from textaxa.decoding import (
    DECODERS,
    Costs,
    decode,
    decode_multi,
    greedy_paths,
    hf_beta_paths,
    min_risk_paths,
    top_paths,
)
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Tools",)])


@given(coherent_cases())
@settings(deadline=None)
def test_every_name_stands_for_its_function(case):
    taxonomy, _, proba = case
    costs = Costs(taxonomy, 1.0)
    assert decode(taxonomy, proba) == top_paths(taxonomy, proba)
    assert decode(taxonomy, proba, "most-probable", top=3) == top_paths(taxonomy, proba, 3)
    assert decode(taxonomy, proba, "hf-beta") == hf_beta_paths(taxonomy, proba)
    assert decode(taxonomy, proba, "hf-beta", beta=0.5) == hf_beta_paths(taxonomy, proba, 0.5)
    assert decode(taxonomy, proba, "min-risk") == min_risk_paths(taxonomy, proba)
    assert decode(taxonomy, proba, "min-risk", costs=costs) == min_risk_paths(taxonomy, proba, costs)
    assert decode(taxonomy, proba, "greedy") == greedy_paths(taxonomy, proba)
    assert decode(taxonomy, proba, "greedy", threshold=0.6) == greedy_paths(taxonomy, proba, 0.6)
    assert decode(taxonomy, proba, "threshold") == decode_multi(taxonomy, proba)
    assert decode(taxonomy, proba, "threshold", threshold=0.2) == decode_multi(taxonomy, proba, 0.2)


@pytest.mark.parametrize("name", DECODERS)
def test_every_decoder_answers_every_text_and_says_what_it_is(name):
    found = decode(SHOP, np.full((3, 5), 0.2), name)
    assert [len(row) >= 1 for row in found] == [True] * 3
    assert DECODERS[name].what[-1] != "."


def test_where_every_mistake_costs_the_same_the_most_probable_path_is_best():
    proba = np.random.default_rng(0).dirichlet(np.ones(4), size=50) @ np.array(
        [[0, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 1, 0], [0, 1, 0, 0, 1]]
    )
    found = decode(SHOP, proba, "min-risk", costs=Costs(SHOP, 1.0))
    assert [row[0].node for row in found] == [row[0].node for row in decode(SHOP, proba)]


def test_an_unknown_decoder_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no decoder 'hf_beta'\. Did you mean 'hf-beta'"):
        decode(SHOP, np.full((1, 5), 0.5), "hf_beta")


@pytest.mark.parametrize(
    ("name", "option", "told"),
    [
        ("hf-beta", {"top": 2}, "top is given.*'hf-beta'.*most-probable"),
        ("min-risk", {"beta": 2}, "beta is given.*'min-risk'.*hf-beta"),
        ("most-probable", {"costs": np.zeros((5, 4))}, "costs is given.*min-risk"),
        ("most-probable", {"threshold": 0.5}, "threshold is given.*greedy or threshold"),
    ],
)
def test_an_option_that_the_decoder_does_not_take_is_refused(name, option, told):
    with pytest.raises(ConfigError, match=told):
        decode(SHOP, np.full((1, 5), 0.5), name, **option)
