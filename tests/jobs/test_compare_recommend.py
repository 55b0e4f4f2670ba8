"""The rules of the recommendation, each branch, on made-up numbers."""

import pytest

from textaxa.jobs.comparison._recommend import (
    CHEAPER,
    NEGLIGIBLE,
    SMALL_LOSS,
    TRADE,
    Candidate,
    as_good,
    cost_ratio,
    recommend,
)


def model(name, value, difference=0.0, ends=None, p=1.0, *, seconds=400.0, speed=100.0, size=90.0, cut=False):
    ends = (difference - 0.015, difference + 0.015) if ends is None else ends
    return Candidate(name, value, (value - 0.01, value + 0.01), difference, ends, p, seconds, speed, size, cut)


BEST = model("chained", 0.612, ends=(0.0, 0.0))


def advice(*others, best=BEST, majority=0.05, n_test=1000, n_seeds=3):
    return recommend([*others, best], metric="path accuracy", n_test=n_test, majority=majority, n_seeds=n_seeds)


def cheap(difference=-0.008, ends=(-0.025, 0.009), p=0.4, **costs):
    costs = {"seconds": 10.0, "speed": 4000.0, "size": 2.25, **costs}
    return model("linear", 0.612 + difference, difference, ends, p, **costs)


def test_a_much_cheaper_model_within_the_interval_is_recommended():
    found = advice(cheap(), model("flat", 0.58, -0.032, p=0.001))
    assert (found.model, found.rule) == ("linear", "cheaper")
    assert found.text == (
        "Use `linear`: in path accuracy it is within the interval of the best (`chained`, 61.2 % (60.2 to 62.2); "
        "difference −0.8 points, interval −2.5 to +0.9) and 40 times cheaper: it trains 40 times faster, it predicts "
        "40 times faster, it is 40 times smaller. Use `chained` instead if the last points matter more than time and "
        "size, and check the lead on more test rows first."
    )


def test_of_several_cheaper_models_the_cheapest_is_taken():
    found = advice(cheap(), model("flat", 0.61, -0.002, p=0.8, seconds=40, speed=1000, size=9))
    assert found.model == "linear"


def test_costs_that_go_the_other_way_are_told():
    found = advice(cheap(seconds=1.0, speed=10_000.0, size=270.0))
    assert found.rule == "cheaper"
    assert "it trains 400 times faster, it predicts 100 times faster, it is 3.0 times larger" in found.text


def test_a_model_that_is_only_a_little_cheaper_is_a_tie():
    found = advice(model("flat", 0.61, -0.002, p=0.8, seconds=100.0, speed=400.0, size=22.5))
    assert (found.model, found.rule) == ("chained", "tie")
    assert "As good by the rules: `flat` (−0.2 points, interval −1.7 to +1.3)." in found.text
    assert "None of them is 5 times cheaper, so any of them is as good a choice." in found.text
    assert "None of them is cheaper." in advice(model("flat", 0.61, -0.002, p=0.8, seconds=500.0)).text
    assert cost_ratio(model("flat", 0.61, seconds=100.0, speed=400.0, size=22.5), BEST) == pytest.approx(0.25)
    assert CHEAPER == 5


def test_a_clear_winner():
    found = advice(model("flat", 0.58, -0.032, (-0.05, -0.014), 0.0009))
    assert (found.model, found.rule) == ("chained", "clear")
    assert found.text == (
        "Use `chained`: it has the best path accuracy, 61.2 % (60.2 to 62.2), ahead of the next, `flat`, by more than "
        "chance (−3.2 points, interval −5.0 to −1.4, p below 0.001)."
    )


def test_a_clear_winner_names_the_way_to_save():
    found = advice(cheap(-0.05, (-0.07, -0.03), 0.001))
    assert (found.model, found.rule) == ("chained", "clear")
    assert "matter more than 5.0 points, `linear` is 40 times cheaper" in found.text
    assert TRADE == 0.10
    assert "cheaper" not in advice(cheap(-0.11, (-0.13, -0.09), 0.001)).text


def test_a_tie_names_the_way_to_save_too():
    found = advice(cheap(-0.05, (-0.07, -0.03), 0.001), model("flat", 0.61, -0.002, p=0.8))
    assert found.rule == "tie"
    assert "`linear` is 40 times cheaper" in found.text


def test_too_few_rows_do_not_make_a_model_as_good():
    found = advice(cheap(-0.15, (-0.31, 0.01), 0.2), n_test=30)
    assert (found.model, found.rule) == ("chained", "clear")
    assert "but test rows and seeds do not prove its lead on the next, `linear`" in found.text
    assert (
        "The 30 test rows are too few to tell whether `linear` is worse than `chained` by as much as 31.0" in found.text
    )


def test_a_tie_on_few_rows_is_told_to_be_one():
    found = advice(cheap(-0.01, (-0.08, 0.06), 0.9), model("flat", 0.6, -0.012, (-0.09, 0.05), 0.8), n_test=80)
    assert found.model == "linear"
    assert "The 80 test rows are too few to tell whether `linear`, `flat` are worse" in found.text
    assert "by as much as 9.0 points" in found.text


def test_a_significant_but_negligible_difference_does_not_count():
    close = cheap(-0.003, (-0.0045, -0.0015), 0.001)
    assert as_good(close)
    assert advice(close).rule == "cheaper"
    assert not as_good(cheap(-0.006, (-0.0075, -0.0045), 0.001))
    assert NEGLIGIBLE == 0.005


@pytest.mark.parametrize(
    ("difference", "p", "good"), [(-0.02, 0.05, True), (-0.02, 0.049, False), (-0.021, 0.5, False), (0.0, 1.0, True)]
)
def test_the_edges_of_as_good(difference, p, good):
    assert as_good(cheap(difference, (-0.04, -0.001), p)) is good
    assert SMALL_LOSS == 0.02


def test_a_small_p_alone_does_not_make_a_model_worse_where_seeds_disagree():
    found = advice(cheap(-0.015, (-0.04, 0.01), 0.001))
    assert (found.model, found.rule) == ("linear", "cheaper")
    assert advice(cheap(-0.015, (-0.025, -0.005), 0.001)).rule == "clear"
    assert "do not prove" in advice(cheap(-0.03, (-0.07, 0.01), 0.001)).text


def test_nothing_learned():
    found = advice(cheap(), majority=0.61)
    assert (found.model, found.rule) == (None, "nothing learned")
    assert "always answering the most frequent label has 61.0 %" in found.text
    assert "The time budget ended `chained`" in advice(best=model("chained", 0.6, cut=True), majority=0.61).text


def test_only_one_model():
    found = advice()
    assert (found.model, found.rule) == ("chained", "only one")
    assert "nothing to choose between. Its path accuracy is 61.2 % (60.2 to 62.2)." in found.text


def test_one_seed_and_the_time_budget_are_told():
    found = advice(model("flat", 0.58, -0.032, p=0.001, cut=True), n_seeds=1)
    assert "With one seed," in found.text
    assert "The time budget ended `flat` early" in found.text
    assert "seed" not in advice(cheap()).text


def test_a_clock_that_did_not_tick_divides_nothing_by_zero():
    assert advice(cheap(seconds=0.0, speed=0.0, size=0.0), best=model("flat", 0.612, seconds=0.0)).model is not None
