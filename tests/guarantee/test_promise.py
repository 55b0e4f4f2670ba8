"""Promises against a slow transcription of the rule, and against the truth in simulations."""

import numpy as np
import pytest
from scipy import stats

from textaxa.errors import ConfigError, DataError
from textaxa.guarantee import collect_evidence, guaranteed_paths, guaranteed_sets, promise, unproven
from textaxa.guarantee._climb import best_chains, order_of, proba_at
from textaxa.guarantee._control import Wanted
from textaxa.guarantee._promise import _order
from textaxa.taxonomy import Taxonomy

TREE = Taxonomy.from_paths(
    [("A", "x", "1"), ("A", "x", "2"), ("A", "y"), ("B", "x"), ("B", "z", "3"), ("C",)], terminals="leaves"
)


def texts(n, seed, *, sharpness=6.0, honest=True):
    """Draw node probabilities, and true terminals that follow them where the model is honest."""
    rng = np.random.default_rng(seed)
    terminals = TREE.terminals
    exact = rng.dirichlet(np.full(len(terminals), 1 / sharpness), n)
    drawn = (exact.cumsum(1) > rng.random((n, 1))).argmax(1) if honest else rng.integers(0, len(terminals), n)
    proba = np.zeros((n, len(TREE)))
    for column, terminal in enumerate(terminals):
        proba[:, TREE.ancestors.row(terminal)] += exact[:, [column]]
    return proba, [[int(terminals[i])] for i in drawn]


def slow_answers(proba, threshold, handicap):
    """Climb every path by hand: the deepest node that comes early enough in the order."""
    found = []
    for row, chain in zip(proba, best_chains(TREE, proba), strict=True):
        path = [int(node) for node in chain if node >= 0]
        kept = -1
        for i, node in enumerate(path):
            if order_of(np.array(row[node]), np.array(len(path) - 1 - i), handicap) >= threshold:
                kept = node
        found.append(kept)
    return found


def right(answer, true):
    return answer in TREE.ancestors.row(true[0])


def slow_threshold(proba, true, tuning, rate, error, start, handicap):
    """Try every threshold from the start downwards, and stop at the first that is not proven."""
    chains = best_chains(TREE, proba)
    tested = np.flatnonzero(~tuning)
    values = set()
    for i in tested:
        path = [n for n in chains[i] if n >= 0]
        values |= {
            float(order_of(np.array(proba[i, n]), np.array(len(path) - 1 - k), handicap)) for k, n in enumerate(path)
        }
    accepted = None
    for value in [start, *sorted((v for v in values if v < start), reverse=True)]:
        answers = slow_answers(proba[tested], value, handicap)
        given = [(a, true[i]) for a, i in zip(answers, tested, strict=True) if a >= 0]
        wrong = sum(not right(a, t) for a, t in given)
        if not given or stats.binom.cdf(wrong, len(given), rate) > error:
            break
        accepted = value
    return accepted


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("accuracy", [0.7, 0.85])
@pytest.mark.parametrize("handicap", [0.0, 1.5])
def test_the_threshold_is_that_of_the_slow_rule(seed, accuracy, handicap, monkeypatch):
    monkeypatch.setattr("textaxa.guarantee._promise._order", lambda *_, **__: (0.9, handicap))
    proba, true = texts(120, seed)
    tuning = np.arange(120) < 20
    evidence = collect_evidence(TREE, true, proba, task="single", tuning=tuning)
    expected = slow_threshold(proba, true, tuning, 1 - accuracy, 0.1, 0.9, handicap)
    try:
        found = promise(TREE, evidence, accuracy, 0.9)
    except DataError:
        assert expected is None
        return
    given = slow_answers(proba, expected, handicap)
    same = [row[0].node for row in guaranteed_paths(TREE, proba, found)]
    assert same[20:] == given[20:], "below the last tested value there is nothing that could tell thresholds apart"
    part = found.parts[0]
    tested = [(a, t) for a, t, held in zip(given, true, ~tuning, strict=True) if held and a >= 0]
    assert part.answered == len(tested)
    assert part.accuracy == pytest.approx(np.mean([right(a, t) for a, t in tested]))


@pytest.mark.parametrize(("scope", "accuracy"), [("all", 0.8), ("level", 0.8), ("branch", 0.8)])
def test_the_promise_holds_as_often_as_it_says(scope, accuracy):
    """The true accuracy is that on 20,000 fresh texts; 300 draws of held-out rows, confidence 0.8."""
    fresh, truth = texts(20_000, 10_000)
    checked = collect_evidence(TREE, truth, fresh, task="single", tuning=np.zeros(len(fresh), bool))
    branch = np.arange(len(TREE))
    for level in range(2, TREE.n_levels + 1):
        branch[TREE.level(level)] = branch[TREE.parent[TREE.level(level)]]
    broken = made = 0
    for draw in range(300):
        evidence = collect_evidence(TREE, *texts(150, draw)[::-1], task="single", seed=draw)
        try:
            kept = promise(TREE, evidence, accuracy, 0.8, scope)
        except DataError:
            continue
        made += 1
        broken += _accuracy(checked, kept, scope, branch) < accuracy
    assert made > 100
    assert broken / 300 <= 0.2 + 2 * np.sqrt(0.2 * 0.8 / 300)


def _accuracy(checked, kept, scope, branch):
    """Give the true accuracy; of levels the lowest one, of branches that of the first."""
    given = kept.passes(checked.proba, checked.node, checked.levels_below)
    if scope == "level":
        levels = TREE.depth[checked.node]
        return min(checked.right[given & (levels == one)].mean() for one in np.unique(levels[given]))
    last = np.full(len(checked), -1)
    claims = np.flatnonzero(given)
    np.maximum.at(last, checked.row[claims], claims)
    answers = last[last >= 0]
    if scope == "branch":
        answers = answers[branch[checked.node[answers]] == 0]
    return checked.right[answers].mean() if len(answers) else 1.0


def test_a_model_that_knows_nothing_gets_no_promise():
    proba, true = texts(400, 0, honest=False)
    with pytest.raises(DataError, match="more rows would not help"):
        promise(TREE, collect_evidence(TREE, true, proba, task="single"), 0.9)


def test_too_few_rows_say_how_many_would_do():
    proba = np.tile([[0.99, 0.005, 0.005]], (60, 1))
    flat = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    evidence = collect_evidence(flat, [[0]] * 60, proba, task="single")
    with pytest.raises(DataError, match=r"About 79 validation rows .*59 for the proof"):
        promise(flat, evidence, 0.95)
    enough = collect_evidence(flat, [[0]] * 80, np.tile(proba[:1], (80, 1)), task="single")
    assert promise(flat, enough, 0.95).parts[0].answered == 60


def test_no_answer_says_why():
    proba, true = texts(2000, 3)
    kept = promise(TREE, collect_evidence(TREE, true, proba, task="single"), 0.9)
    found = [row[0] for row in guaranteed_paths(TREE, proba, kept)]
    assert {one.stopped for one in found} == {"leaf", "not sure enough"}
    for one in found:
        assert bool(one.because) == (one.stopped == "not sure enough")
        assert one.depth == len(one.path) == len(one.levels)
    empty = next(one for one in found if not one.path)
    assert empty.node == -1
    assert "90% accuracy" in empty.because


def test_branches_without_rows_are_named_and_get_no_answer():
    proba, true = texts(3000, 4)
    common = [i for i, (node,) in enumerate(true) if TREE.path(node)[0] != "C" and best_chains(TREE, proba)[i, 0] != 2]
    evidence = collect_evidence(TREE, [true[i] for i in common], proba[common], task="single")
    kept = promise(TREE, evidence, 0.8, scope="branch")
    assert "C (0 held-out rows" in unproven(kept)
    answers = guaranteed_paths(TREE, proba, kept)
    assert all(row[0].path[:1] != ("C",) for row in answers)
    assert any("no promise can be kept below" in row[0].because for row in answers)


def test_on_levels_what_is_given_below_is_given_above():
    proba, true = texts(3000, 5)
    kept = promise(TREE, collect_evidence(TREE, true, proba, task="single"), 0.85, scope="level")
    of_levels = [set(kept.thresholds[TREE.level_slice(level)]) for level in (1, 2, 3)]
    assert all(len(one) == 1 for one in of_levels)
    assert sorted(min(one) for one in of_levels) == [min(one) for one in of_levels]


def test_a_promise_for_a_few_texts_is_more_careful():
    proba, true = texts(1500, 6)
    evidence = collect_evidence(TREE, true, proba, task="single")
    answered = [promise(TREE, evidence, 0.85, texts=n).parts[0].answered for n in (2000, 20_000, 10_000_000)]
    assert answered == sorted(answered)
    assert answered[0] < answered[-1]
    assert answered[-1] <= promise(TREE, evidence, 0.85).parts[0].answered


def test_several_paths_keep_the_share_of_wrong_nodes_low():
    def drawn(n, seed):
        rng = np.random.default_rng(seed)
        share = rng.beta(0.4, 0.4, (n, len(TREE)))
        for node in range(len(TREE)):
            if TREE.parent[node] >= 0:
                share[:, node] *= share[:, TREE.parent[node]]
        below = rng.random((n, len(TREE)))
        true = np.zeros((n, len(TREE)), bool)
        for node in range(len(TREE)):
            parent = TREE.parent[node]
            ratio = share[:, node] / share[:, parent] if parent >= 0 else share[:, node]
            true[:, node] = (below[:, node] < ratio) & (true[:, parent] if parent >= 0 else True)
        return share, [np.flatnonzero(row).tolist() for row in true], true

    fresh, _, truth = drawn(5000, 999)
    broken = 0
    for draw in range(60):
        share, nodes, _ = drawn(250, draw)
        kept = promise(TREE, collect_evidence(TREE, nodes, share, task="multi", seed=draw), 0.8, 0.9)
        given = fresh >= kept.thresholds
        some = given.any(1)
        broken += ((given & truth).sum(1)[some] / given.sum(1)[some]).mean() < 0.8
        for row, passed in zip(guaranteed_sets(TREE, fresh[:50], kept), given[:50], strict=True):
            covered = {a for one in row for a in TREE.ancestors.row(one.node).tolist()}
            assert covered == set(np.flatnonzero(passed).tolist())
    assert broken <= 60 * 0.1 + 2 * np.sqrt(60 * 0.09)


@pytest.mark.parametrize("wrong", [0, 1, 1.5, float("nan")])
def test_what_cannot_be_promised_is_refused(wrong):
    evidence = collect_evidence(TREE, *texts(100, 0)[::-1], task="single")
    with pytest.raises(ConfigError, match="accuracy"):
        promise(TREE, evidence, wrong)
    with pytest.raises(ConfigError, match="confidence"):
        promise(TREE, evidence, 0.9, wrong)
    with pytest.raises(ConfigError, match="branch"):
        promise(TREE, evidence, 0.9, scope="everything")


def test_the_order_can_be_turned_back():
    for proba in (0.01, 0.5, 0.97):
        for below in range(3):
            order = float(order_of(np.array(proba), np.array(below), 1.5))
            assert proba_at(order, below, 1.5) == pytest.approx(proba)
            assert order <= proba
            assert order_of(np.array(proba), np.array(below), 0.0) == proba


def test_deeper_answers_come_first_where_that_can_be_promised():
    proba, true = texts(4000, 8)
    evidence = collect_evidence(TREE, true, proba, task="single")
    assert promise(TREE, evidence, 0.8).handicap > 0
    assert promise(TREE, evidence, 0.8, scope="level").handicap == 0


@pytest.mark.parametrize(
    ("p_values", "expected"), [((0.004, 0.001), (0.3, 1.5)), ((0.04, 0.003), (0.7, 0.0)), ((0.2, 0.4), (0.3, 1.5))]
)
def test_the_order_is_the_first_that_will_probably_do(p_values, expected, monkeypatch):
    told = iter(zip((0.3, 0.7), p_values, strict=True))
    monkeypatch.setattr("textaxa.guarantee._promise.start_of", lambda *_, **__: next(told))
    evidence = collect_evidence(TREE, *texts(20, 0)[::-1], task="single")
    assert _order(evidence, Wanted(0.1, 0.05), scale=1.0) == expected
