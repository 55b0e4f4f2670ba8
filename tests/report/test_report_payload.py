"""The numbers of a report against slow countings of the same rows."""

import dataclasses
import json

import numpy as np
import pytest
from made_up import PATHS, UNEVEN, material, words_of

from textaxa.report import payload
from textaxa.report._payload_confusions import EXPLAINED, worst_confusions
from textaxa.report._payload_coverage import coverage, whole_percents

NB = "\u00a0"
"""A space at which no line ends."""


@pytest.fixture(scope="module")
def made():
    return material()


@pytest.fixture(scope="module")
def told(made):
    return payload(made)


def climbed(made, threshold):
    """Count by hand: how many levels are missing of each text's answer, and whether it is right."""
    taxonomy, missing, right = made.taxonomy, [], []
    for row, true, (best,) in zip(made.node_proba, made.true, made.predicted, strict=True):
        chain = taxonomy.ancestors.row(best).tolist()
        # A node comes behind the end of its path by 1.5 log-odds a level; the deepest that comes early enough answers.
        odds = [
            row[node] / max(1 - row[node], 1e-12) * np.exp(-1.5 * (len(chain) - 1 - i)) for i, node in enumerate(chain)
        ]
        last = max((i for i, one in enumerate(odds) if one / (1 + one) >= threshold), default=-1)
        kept = chain[: last + 1]
        missing.append(len(chain) - len(kept) if kept else None)
        if kept:
            right.append(kept[-1] in taxonomy.ancestors.row(true[0]))
    return missing, right


@pytest.mark.parametrize("paths", [PATHS, UNEVEN, [("A",), ("B",), ("C",)]])
def test_the_shares_are_those_of_the_climbing_rule(paths):
    made = material(paths, seed=3)
    found = coverage(made)
    for row in [*found["table"], found["headline"]]:
        assert sum(row["shares"]) == pytest.approx(1, abs=1e-3)
        if row["threshold"] is None:
            continue
        # What is told is rounded, and the threshold is a probability of some text: half a step lower is the same.
        missing, right = climbed(made, row["threshold"] - 6e-5)
        n = len(missing)
        for levels, share in enumerate(row["shares"][:-1]):
            assert share == pytest.approx(missing.count(levels) / n, abs=1e-3)
        assert row["shares"][-1] == pytest.approx(missing.count(None) / n, abs=1e-3)
        assert row["accuracy"] == pytest.approx(np.mean(right), abs=1e-3)
        assert row["accuracy"] >= row["wanted"] - 1e-4


def test_the_sentence_says_the_shares(told):
    headline = told["coverage"]["headline"]
    first, last = headline["shown"][0], headline["shown"][-1]
    assert headline["sentence"].startswith(f"At 95{NB}% accuracy {first}{NB}% of texts need no person; ")
    assert headline["sentence"].endswith(f"; {last}{NB}% are left to a person.")
    for (low, high), share in zip(headline["intervals"], headline["shares"], strict=True):
        assert low <= share <= high
    charts = told["charts"]["coverage"]
    at = charts["start"]
    assert charts["targets"][at] == 0.95
    assert charts["sentences"][at] == headline["sentence"]
    assert [shares[at] for shares in charts["shares"]] == headline["shares"]
    assert len({len(column) for column in (charts["targets"], charts["notes"], *charts["shares"])}) == 1


def test_ten_right_answers_promise_no_certainty():
    made = material([("A",), ("B",)], n=10, skill=9.0)
    headline = coverage(made)["headline"]
    assert headline["shares"] == [1, 0]
    # Wilson's interval of 10 of 10, and of 0 of 10.
    assert headline["intervals"] == [[pytest.approx(0.7225, abs=1e-3), 1], [0, pytest.approx(0.2775, abs=1e-3)]]
    assert f"(95{NB}% interval 72.2{NB}% to 100.0{NB}%)" in headline["note"]


def test_an_accuracy_that_is_not_reached_is_told_so():
    found = coverage(material(PATHS, n=30, skill=-8.0))
    assert found["headline"]["threshold"] is None
    assert "is not reached on these texts" in found["headline"]["sentence"]
    assert found["headline"]["shares"][-1] == 1
    assert found["headline"]["note"] == ""


def test_the_promise_is_counted_on_these_texts(made):
    taxonomy = made.taxonomy
    # Every other text is answered at its top level only, every fifth not at all.
    answers = [
        -1 if i % 5 == 0 else int(taxonomy.ancestors.row(best)[0]) if i % 2 else best
        for i, (best,) in enumerate(made.predicted)
    ]
    told = payload(with_fields(made, promised=answers))["promise"]
    given = [(node, true) for node, (true,) in zip(answers, made.true, strict=True) if node >= 0]
    assert told["why"] is None
    assert told["answered"] == len(given) == 160
    assert told["right"] == sum(node in taxonomy.ancestors.row(true) for node, true in given)
    assert told["interval"][0] < told["right"] / 160 < told["interval"][1]
    whole = sum(node == best for node, (best,) in zip(answers, made.predicted, strict=True))
    assert told["shown"][0] == pytest.approx(100 * whole / 200, abs=1)
    assert told["shown"][-1] == 20


def test_a_promise_that_cannot_be_made_is_told_with_its_reason(made):
    assert payload(with_fields(made, promise_refused="too few rows"))["promise"]["why"] == "too few rows"
    assert payload(made)["promise"] is None
    assert payload(material(PATHS, n=20, task="multi"))["promise"] is None


def test_whole_percents_sum_to_a_hundred():
    generator = np.random.default_rng(1)
    for size in (1, 2, 5):
        for shares in generator.dirichlet(np.ones(size), 200):
            shown = whole_percents(shares)
            assert sum(shown) == 100
            assert np.abs(np.asarray(shown) - 100 * shares).max() < 1


def test_branches_and_nodes_have_their_own_scores(made, told):
    taxonomy = made.taxonomy
    closed = [
        (set(taxonomy.ancestors.row(a).tolist()), set(taxonomy.ancestors.row(b).tolist()))
        for (a,), (b,) in zip(made.true, made.predicted, strict=True)
    ]
    seen = 0
    for branch in told["branches"]["rows"]:
        of_branch = [i for i, (true, _) in enumerate(closed) if branch["node"] in true]
        right = [made.true[i] == made.predicted[i] for i in of_branch]
        assert branch["whole_path"] == pytest.approx(np.mean(right), abs=1e-4)
        for row in [branch, *branch["nodes"]]:
            seen += 1
            hits = sum(row["node"] in true and row["node"] in predicted for true, predicted in closed)
            support = sum(row["node"] in true for true, _ in closed)
            given = sum(row["node"] in predicted for _, predicted in closed)
            assert (row["support"], row["predicted"]) == (support, given)
            assert row["f1"] == pytest.approx(2 * hits / (support + given), abs=1e-4)
            assert row["interval"][0] <= row["f1"] <= row["interval"][1]
    assert seen == len(taxonomy)


def test_tiles_hold_every_text_once(made, told):
    taxonomy = made.taxonomy
    tiles = told["charts"]["tiles"]
    assert sum(tile["support"] for tile in tiles) == len(made.texts)
    games = next(tile for tile in tiles if tile["name"] == "Games")
    assert sum(tile["support"] for tile in games["children"]) == games["support"]
    own = next(tile for tile in games["children"] if tile["name"] == "(ends here)")
    top = taxonomy.index(("Games",))
    pairs = [(a == [top], b == [top]) for a, b in zip(made.true, made.predicted, strict=True)]
    hits, either = sum(a and b for a, b in pairs), sum(a for a, _ in pairs) + sum(b for _, b in pairs)
    assert own["support"] == sum(a for a, _ in pairs)
    assert own["f1"] == pytest.approx(2 * hits / either, abs=1e-4)


def test_rare_leaves_are_those_with_few_training_rows(made, told):
    taxonomy = made.taxonomy
    rows = dict(zip(taxonomy.terminals.tolist(), made.counts, strict=True))
    leaves = [node for node in range(len(taxonomy)) if taxonomy.is_leaf[node]]
    assert told["rare"]["rare"] == sum(rows[node] < told["rare"]["limit"] for node in leaves)
    assert sum(band["nodes"] for band in told["rare"]["bands"]) == len(leaves)
    for band in told["rare"]["bands"]:
        inside = [n for n in leaves if band["from"] <= rows[n] <= (band["to"] if band["to"] is not None else 10**9)]
        recalls = [np.mean([made.predicted[i] == [n] for i, t in enumerate(made.true) if t == [n]]) for n in inside]
        assert band["nodes"] == len(inside)
        assert band["recall"] == pytest.approx(np.mean(recalls), abs=1e-3)


def test_rows_under_an_inner_node_are_those_of_all_that_end_below_it(made):
    taxonomy = made.taxonomy
    rows = dict(zip(taxonomy.terminals.tolist(), made.counts, strict=True))
    for node, found in enumerate(made.training_rows):
        assert found == sum(rows.get(below, 0) for below in taxonomy.descendants.row(node).tolist())


def test_without_training_rows_nothing_is_said_of_rare_classes():
    for counts in ((), (1, 2, 3)):
        found = payload(material(PATHS, n=40, counts=counts))
        assert found["rare"] is None
        assert found["advice"]["unseen"] is None


def test_a_leaf_that_is_missed_is_a_step(made, told):
    taxonomy = made.taxonomy
    by_name = {step["about"]: step for step in told["advice"]["steps"] if step["kind"] in ("collect", "look")}
    for node in np.flatnonzero(taxonomy.is_leaf).tolist():
        of_node = [b == [node] for a, b in zip(made.true, made.predicted, strict=True) if a == [node]]
        missed = of_node.count(False)
        name = " › ".join(taxonomy.path(node))
        expected = missed >= 2 and np.mean(of_node) < 0.7
        assert (name in by_name) == expected
        if expected:
            few = dict(zip(taxonomy.terminals.tolist(), made.counts, strict=True))[node] < 30
            assert (by_name[name]["kind"], by_name[name]["texts"]) == ("collect" if few else "look", missed)
    texts = [step["texts"] for step in told["advice"]["steps"]]
    assert texts == sorted(texts, reverse=True)


def test_siblings_that_take_from_each_other_overlap():
    made = material([("A", "x"), ("A", "y"), ("B",)], n=60, skill=9.0)
    x, y = made.taxonomy.index(("A", "x")), made.taxonomy.index(("A", "y"))
    predicted = [list(row) for row in made.predicted]
    of_x, of_y = ([i for i, t in enumerate(made.true) if t == [node]] for node in (x, y))
    for i in of_x[:4]:
        predicted[i] = [y]
    predicted[of_y[0]] = [x]
    found = payload(with_fields(made, predicted=predicted))
    (step,) = [step for step in found["advice"]["steps"] if step["kind"] == "overlap"]
    assert step["texts"] == 5
    assert step["about"] == "A › x and A › y"
    assert step["why"] == "4 texts of the first were put into the second, and 1 the other way round."


def with_fields(made, **fields):
    return dataclasses.replace(made, **fields)


def test_examples_carry_the_words_that_pushed():
    found = worst_confusions(material(explain=words_of))
    examples = [example for pair in found["pairs"] for example in pair["examples"]]
    assert found["explained"] == len(examples)
    for example in examples:
        shown = [example["text"][a:b] for a, b, _ in example["words"]]
        assert set(shown) <= set(example["text"].split(" "))
        assert max(abs(strength) for *_, strength in example["words"]) == 3
        assert example["true"] != example["predicted"]


def test_explanations_stop_at_their_number_and_their_time():
    asked = []

    def slow(text, *_):
        asked.append(text)
        return [(0, 4, 1.0)]

    many = [("A", str(i)) for i in range(6)] + [("B", str(i)) for i in range(6)]
    found = worst_confusions(material(many, n=900, skill=0.0, explain=slow), seconds=0.0)
    assert found["explained"] <= 1
    assert "30 texts" in found["why"]
    assert found["unexplained"] == sum(len(pair["examples"]) for pair in found["pairs"]) - found["explained"]
    asked.clear()
    worst_confusions(material(many, n=900, skill=0.0, explain=slow))
    assert len(asked) <= EXPLAINED
    assert "cannot be told" in worst_confusions(material(PATHS))["why"]


def test_a_long_text_is_cut_and_not_explained():
    long = "слово " * 20_000
    found = worst_confusions(material(PATHS, n=60, skill=0.0, texts=[long] * 60, explain=words_of))
    assert "5,000 characters" in found["why"]
    assert max(len(example["text"]) for pair in found["pairs"] for example in pair["examples"]) <= 320


def test_everything_is_json(told):
    assert json.loads(json.dumps(told, allow_nan=False)) == told


def test_before_calibration_is_told_where_there_is_one():
    made = material(PATHS)
    flat = made.node_proba**0.5
    found = payload(with_fields(made, uncalibrated=flat))
    told = found["reliability"]
    assert told["calibrated"]
    assert all(one["before"]["n"] for one in told["levels"])
    assert told["log_loss"]["before"] != told["log_loss"]["after"]
    assert found["charts"]["reliability"][0]["before"]["count"]


def test_many_nodes_are_cut_to_those_with_most_texts(monkeypatch):
    monkeypatch.setattr("textaxa.report._payload_scores.NODES", 30)
    monkeypatch.setattr("textaxa.report._payload_labels.CELLS", 50 * 64)
    found = payload(material([(f"branch {i % 4}", f"node {i}") for i in range(60)], n=400, seed=1))
    rows = [node for branch in found["branches"]["rows"] for node in (branch, *branch["nodes"])]
    assert len(rows) == 30
    assert found["branches"]["left_out"] == 34
    assert found["branches"]["nodes"] == 64
    assert min(row["support"] for row in rows) >= 6, "400 texts over 60 nodes, and the larger half of them"
    assert found["label_errors"]["looked"] == 50
