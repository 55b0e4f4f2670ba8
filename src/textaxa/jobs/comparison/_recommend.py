"""One paragraph of advice in plain words, which follows from the numbers by the rules below and from nothing else.

What comes in: for every model its score, its difference to the best, and what it costs. What goes out: the name of a
model and the paragraph. `docs/usage.md` tells the rules to users; keep both alike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

SIGNIFICANCE = 0.05
"""A corrected p-value below this is needed for a real difference: one false alarm in twenty comparisons, the custom.
The test is of the runs at hand; whether other seeds would say the same, the interval must say, which therefore must lie
below 0 as well."""

SMALL_LOSS = 0.02
"""A model that trails by more than 2 points is not recommended for its price, even where the test rows cannot tell the
difference from chance: a wide interval is a lack of knowledge, not a likeness."""

NEGLIGIBLE = 0.005
"""A difference that is surely below half a point is none, even where many test rows make it significant."""

CHEAPER = 5.0
"""From this factor on, a cheaper model changes what a person can do (minutes instead of an hour); below, take the best.
"""

TRADE = 0.10
"""A much cheaper model that is really worse is named as a way to save as long as it loses less than 10 points."""

TOO_WIDE = 0.05
"""Where a difference of 5 points or more would still lie inside the interval, there are too few test rows to tell."""

PERCENT = 100


@dataclass(frozen=True)
class Candidate:
    """What the rules read of one model.

    Attributes
    ----------
    name
        Its name.
    value, interval
        The headline score in [0, 1], and its 95 % interval.
    difference, difference_interval, p
        Model - best, its 95 % interval, and the corrected p-value; 0, (0, 0) and 1 for the best itself.
    train_seconds, texts_per_second, megabytes
        What it costs.
    stopped_by_time
        Whether a run of it was ended by the time budget.
    """

    name: str
    value: float
    interval: tuple[float, float]
    difference: float
    difference_interval: tuple[float, float]
    p: float
    train_seconds: float
    texts_per_second: float
    megabytes: float
    stopped_by_time: bool = False


@dataclass(frozen=True)
class Recommendation:
    """A model to use, and why.

    Attributes
    ----------
    model
        Its name; None where no model is recommended.
    rule
        The rule that spoke: ``only one``, ``nothing learned``, ``cheaper``, ``tie``, or ``clear``.
    text
        The paragraph.
    """

    model: str | None
    rule: str
    text: str


def recommend(
    candidates: Sequence[Candidate], *, metric: str, n_test: int, majority: float, n_seeds: int
) -> Recommendation:
    """Recommend one of the models.

    1. The **best** has the largest mean. It must beat the answer that is always the most frequent label: its interval
       must lie above that.
    2. A model is **surely worse** than the best if its corrected p-value is below `SIGNIFICANCE` and its interval of
       the difference lies below 0. It is **as good** if it is not surely worse and trails by `SMALL_LOSS` at most; or
       if its interval lies above -`NEGLIGIBLE`.
    3. **Cost** is the geometric mean of three ratios to the best: training time, time to predict a text, size on disk.
       Of the models that are as good, the cheapest is recommended if it is at least `CHEAPER` times cheaper.
    4. Else the best is recommended; what is as good, and what would be much cheaper at a loss below `TRADE`, is named.
    5. What the numbers cannot say is told: intervals wider than `TOO_WIDE`, a single seed, runs cut by the time budget.

    Parameters
    ----------
    candidates
        The models; the one whose difference is 0 and whose value is the largest is the best.
    metric
        What the headline score is called in words.
    n_test
        Number of test rows.
    majority
        The headline score of always answering the most frequent label.
    n_seeds
        Runs a model.
    """
    best = max(candidates, key=lambda one: one.value)
    others = [one for one in candidates if one is not best]
    notes = _notes(candidates, best, n_test, n_seeds)
    if best.interval[0] <= majority:
        text = _nothing_learned(best, metric, n_test, majority)
        return Recommendation(None, "nothing learned", _joined(text, notes))
    if not others:
        text = (
            f"Only {_quoted(best)} was compared, so there is nothing to choose between. Its {metric} is {_score(best)}."
        )
        return Recommendation(best.name, "only one", _joined(text, notes))
    alike = [one for one in others if as_good(one)]
    cheap = min(alike, key=lambda one: cost_ratio(one, best), default=None)
    if cheap is not None and cost_ratio(cheap, best) * CHEAPER <= 1:
        return Recommendation(cheap.name, "cheaper", _joined(_cheaper(cheap, best, metric), notes))
    rest = [one for one in others if one not in alike]
    saving = _saving(rest, best)
    if alike:
        return Recommendation(best.name, "tie", _joined(_tie(best, alike, metric), saving, notes))
    return Recommendation(best.name, "clear", _joined(_clear(best, others, metric), saving, notes))


def as_good(one: Candidate) -> bool:
    """Tell whether a model is as good as the best, by rule 2."""
    if one.difference_interval[0] >= -NEGLIGIBLE:
        return True
    return not surely_worse(one) and one.difference >= -SMALL_LOSS


def surely_worse(one: Candidate) -> bool:
    """Tell whether a model is worse than the best by more than chance: that of the test rows, and that of the seeds."""
    return one.p < SIGNIFICANCE and one.difference_interval[1] < 0


def cost_ratio(one: Candidate, best: Candidate) -> float:
    """Give the cost of a model in shares of the best one's: 0.1 is ten times cheaper."""
    return math.prod(_ratios(one, best)) ** (1 / 3)


def _ratios(one: Candidate, best: Candidate) -> tuple[float, float, float]:
    """Give training time, time a text, and size, each divided by the best one's."""
    return (
        _ratio(one.train_seconds, best.train_seconds),
        _ratio(best.texts_per_second, one.texts_per_second),
        _ratio(one.megabytes, best.megabytes),
    )


def _ratio(part: float, whole: float) -> float:
    tiny = 1e-9  # a clock that did not tick
    return max(part, tiny) / max(whole, tiny)


def _nothing_learned(best: Candidate, metric: str, n_test: int, majority: float) -> str:
    return (
        f"No model is recommended: the best, {_quoted(best)}, has a {metric} of {_score(best)}, and always answering "
        f"the most frequent label has {_percent(majority)}. On {n_test:,} test rows that is no difference. More rows, "
        "more training time, or a look at the labels (textaxa check) come before the choice of a model."
    )


def _cheaper(cheap: Candidate, best: Candidate, metric: str) -> str:
    times = _times(1 / cost_ratio(cheap, best))
    return (
        f"Use {_quoted(cheap)}: in {metric} it is within the interval of the best ({_quoted(best)}, {_score(best)}; "
        f"difference {_difference(cheap)}) and {times} times cheaper: {_costs(cheap, best)}. Use {_quoted(best)} "
        "instead if the last points matter more than time and size, and check the lead on more test rows first."
    )


def _tie(best: Candidate, alike: Sequence[Candidate], metric: str) -> str:
    close = sorted(alike, key=lambda one: -one.difference)
    told = ", ".join(f"{_quoted(one)} ({_difference(one)})" for one in close)
    price = (
        f"None of them is {CHEAPER:g} times cheaper, so any of them is as good a choice."
        if any(cost_ratio(one, best) < 1 for one in alike)
        else "None of them is cheaper."
    )
    return f"Use {_quoted(best)}: it has the best {metric}, {_score(best)}. As good by the rules: {told}. {price}"


def _clear(best: Candidate, others: Sequence[Candidate], metric: str) -> str:
    second = max(others, key=lambda one: one.value)
    lead = (
        f"ahead of the next, {_quoted(second)}, by more than chance ({_difference(second)}, {_p(second.p)})"
        if surely_worse(second)
        else f"but test rows and seeds do not prove its lead on the next, {_quoted(second)} ({_difference(second)}, "
        f"{_p(second.p)})"
    )
    return f"Use {_quoted(best)}: it has the best {metric}, {_score(best)}, {lead}."


def _saving(rest: Sequence[Candidate], best: Candidate) -> str:
    """Name the cheapest model that is worse, where it is much cheaper and not much worse."""
    worth = [one for one in rest if cost_ratio(one, best) * CHEAPER <= 1 and one.difference > -TRADE]
    if not worth:
        return ""
    one = max(worth, key=lambda one: one.difference)
    times = _times(1 / cost_ratio(one, best))
    return (
        f"Where time or size matter more than {_points(-one.difference)} points, {_quoted(one)} is {times} times "
        f"cheaper: {_costs(one, best)}."
    )


def _notes(candidates: Sequence[Candidate], best: Candidate, n_test: int, n_seeds: int) -> str:
    """Say what the numbers cannot say."""
    notes = []
    unsure = [one for one in candidates if one is not best and not surely_worse(one)]
    unsure = [one for one in unsure if one.difference_interval[0] < -TOO_WIDE]
    if unsure:
        widest = max(-one.difference_interval[0] for one in unsure)
        names = ", ".join(_quoted(one) for one in sorted(unsure, key=lambda one: -one.difference))
        notes.append(
            f"The {n_test:,} test rows are too few to tell whether {names} {'is' if len(unsure) == 1 else 'are'} worse "
            f"than {_quoted(best)} by as much as {_points(widest)} points or not at all; more test rows would."
        )
    if n_seeds == 1:
        notes.append("With one seed, the intervals do not know how much the luck of a run matters; use --seeds 3.")
    cut = [_quoted(one) for one in candidates if one.stopped_by_time]
    if cut:
        notes.append(f"The time budget ended {', '.join(cut)} early: with more time the order may change.")
    return " ".join(notes)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _quoted(one: Candidate) -> str:
    return f"`{one.name}`"


def _score(one: Candidate) -> str:
    low, high = one.interval
    return f"{_percent(one.value)} ({_points(low)} to {_points(high)})"


def _difference(one: Candidate) -> str:
    low, high = one.difference_interval
    return f"{_signed(one.difference)} points, interval {_signed(low)} to {_signed(high)}"


def _costs(one: Candidate, best: Candidate) -> str:
    words = (("trains", "faster", "slower"), ("predicts", "faster", "slower"), ("is", "smaller", "larger"))
    return ", ".join(
        f"it {verb} {_factor(ratio, less, more)}"
        for ratio, (verb, less, more) in zip(_ratios(one, best), words, strict=True)
    )


def _factor(ratio: float, less: str, more: str) -> str:
    """Give a ratio of costs in words.

    >>> _factor(0.1, "faster", "slower"), _factor(3, "smaller", "larger"), _factor(1.1, "faster", "slower")
    ('10 times faster', '3.0 times larger', 'about as fast')
    """
    about_even = 1.25
    if max(ratio, 1 / ratio) < about_even:
        return "about as fast" if less == "faster" else "about as large"
    return f"{_times(1 / ratio)} times {less}" if ratio < 1 else f"{_times(ratio)} times {more}"


def _times(factor: float) -> str:
    whole = 9.95
    return f"{factor:,.0f}" if factor >= whole else f"{factor:.1f}"


def _percent(share: float) -> str:
    return f"{PERCENT * share:.1f} %"


def _points(share: float) -> str:
    return f"{PERCENT * share:.1f}"


def _signed(share: float) -> str:
    shown = f"{PERCENT * share:+.1f}"
    return "0.0" if shown in ("+0.0", "-0.0") else shown.replace("-", "−")


def _p(value: float) -> str:
    smallest = 0.001
    return "p below 0.001" if value < smallest else f"p = {value:.3f}"
