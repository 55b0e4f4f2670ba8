"""The linear model on every kind of taxonomy and task: coherent, the same alone and in a batch, able to learn."""

import subprocess
import sys

import numpy as np
import pytest
from heads.taxonomies import KINDS

from textaxa.decoding import terminal_proba
from textaxa.errors import ConfigError, DataError
from textaxa.linear import LinearModel, LinearSettings
from textaxa.settings import TrainingSettings
from textaxa.taxonomy import Taxonomy

CASES = [(task, arrangement) for task in ("single", "multi") for arrangement in ("per-parent", "flat")]
CASES.append(("single", "both"))
WORDS = "football bread violin camera river pencil garden window market planet"


def rows(taxonomy: Taxonomy, task: str, n_each: int = 6) -> tuple[list[str], list[list[tuple[str, ...]]]]:
    """Make texts whose words tell the label: one word of its own for every node, and noise."""
    random = np.random.default_rng(0)
    ends = taxonomy.terminals if task == "single" else range(len(taxonomy))
    texts, labels = [], []
    for node in [int(node) for node in ends for _ in range(n_each)]:
        chosen = [node] if task == "single" else [node, int(random.integers(len(taxonomy)))]
        told = [f"node{other}" for one in chosen for other in taxonomy.ancestors.row(one)]
        told += [f"end{one}" for one in chosen]
        texts.append(" ".join([*told, *random.choice(WORDS.split(), 3)]))
        labels.append(list(dict.fromkeys(taxonomy.path(one) for one in chosen)))
    return texts, labels


def fit(
    kind: str, task: str, arrangement: str, *, valid: bool = False, **settings
) -> tuple[LinearModel, list[str], list]:
    texts, labels = rows(KINDS[kind], task)
    own = LinearSettings(arrangement=arrangement, **{"characters": "off", **settings})
    held_out = (texts, labels) if valid else None
    return LinearModel.fit(texts, labels, KINDS[kind], task=task, head_settings=own, valid=held_out), texts, labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("task", "arrangement"), CASES)
class TestEveryKind:
    def test_node_probabilities_are_coherent(self, kind, task, arrangement):
        model, texts, _ = fit(kind, task, arrangement)
        proba = model.node_proba([*texts, "nothing known", ""])
        taxonomy = KINDS[kind]
        assert proba.shape == (len(texts) + 2, len(taxonomy))
        assert proba.dtype == np.float32
        assert np.isfinite(proba).all()
        assert (proba >= 0).all()
        assert (proba <= 1).all()
        for node in range(len(taxonomy)):
            for parent in taxonomy.parents.row(node):
                assert (proba[:, node] <= proba[:, parent]).all()

    def test_it_learns(self, kind, task, arrangement):
        model, texts, labels = fit(kind, task, arrangement, valid=True)
        found = [{p.path for p in row} for row in model.predict(texts)]
        if task == "single":
            assert np.mean([a == set(b) for a, b in zip(found, labels, strict=True)]) > 0.95
        assert model.summary["best"]["hierarchical_f1"] > 0.95

    def test_the_same_alone_and_in_a_batch(self, kind, task, arrangement):
        model, texts, _ = fit(kind, task, arrangement)
        together = model.node_proba(texts[:5])
        np.testing.assert_allclose(np.concatenate([model.node_proba([t]) for t in texts[:5]]), together, atol=1e-6)

    def test_the_order_of_the_rows_changes_nothing_of_note(self, kind, task, arrangement):
        model, texts, labels = fit(kind, task, arrangement, valid=True)
        order = np.random.default_rng(1).permutation(len(texts))
        turned = LinearModel.fit(
            [texts[i] for i in order],
            [labels[i] for i in order],
            KINDS[kind],
            task=task,
            head_settings=model.settings.head_settings,
            valid=(texts, labels),
        )
        np.testing.assert_allclose(turned.node_proba(texts), model.node_proba(texts), atol=0.02)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].is_tree])
@pytest.mark.parametrize("arrangement", ["per-parent", "flat", "both"])
def test_children_and_ends_here_sum_to_the_parent(kind, arrangement):
    model, texts, _ = fit(kind, "single", arrangement)
    taxonomy = KINDS[kind]
    proba = model.node_proba([*texts, "?"]).astype(np.float64)
    np.testing.assert_allclose(proba[:, taxonomy.level(1)].sum(1), 1, atol=1e-5)
    for node in np.flatnonzero(~np.asarray(taxonomy.is_leaf)):
        ends_here = proba[:, node] - proba[:, taxonomy.children.row(node)].sum(1)
        assert (ends_here > -1e-5).all()
        if not taxonomy.is_terminal[node]:
            np.testing.assert_allclose(ends_here, 0, atol=1e-5)


def test_a_path_is_the_product_of_its_decisions():
    """Slowly, by the definition: at each node a softmax over scaled margins, multiplied down the path."""
    kind = "labels at inner nodes"
    model, texts, _ = fit(kind, "single", "per-parent")
    taxonomy, weights, options = KINDS[kind], model.weights, model.options
    margins = (model.features(texts) @ weights.matrix.T).toarray() + weights.bias
    scale = model.scales.lines[:, 0]
    parent_of = [-1] * 2 + [taxonomy.index(("A",))] * 3 + [taxonomy.index(("B",))] * 2
    parent_of += [taxonomy.index(("B", "x"))] * 2  # x has a child and may be an end itself
    assert len(parent_of) == options.n_options
    exact = {}
    for path in taxonomy.nodes:
        way = [path[:i] for i in range(len(path))]
        chance = np.ones(len(texts))
        for depth, above in enumerate(way):
            node = taxonomy.find(above) if above else -1
            chance = (
                chance * softmax_of(margins, parent_of, node, scale[depth])[:, child_position(taxonomy, above, path)]
            )
        exact[path] = chance
    for i, path in enumerate(taxonomy.nodes):
        np.testing.assert_allclose(model.node_proba(texts)[:, i], exact[path], atol=1e-5)


def softmax_of(margins, parent_of, node, scale):
    columns = [i for i, parent in enumerate(parent_of) if parent == (-1 if node is None else node)]
    scores = np.exp(scale * margins[:, columns])
    return scores / scores.sum(1, keepdims=True)


def child_position(taxonomy, above, path):
    siblings = [p for p in taxonomy.nodes if len(p) == len(above) + 1 and p[: len(above)] == above]
    return siblings.index(path[: len(above) + 1])


def test_both_is_the_weighted_geometric_mean():
    parts = [fit("two levels", "single", a)[0] for a in ("per-parent", "flat", "both")]
    texts = ["node0 node2", "node1 bread", "?"]
    leaves = KINDS["two levels"].terminals
    down, flat, both = (model.node_proba(texts)[:, leaves].astype(np.float64) for model in parts)
    mean = down**0.4 * flat**0.6
    np.testing.assert_allclose(both, mean / mean.sum(1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize("arrangement", ["per-parent", "flat", "both"])
def test_nodes_never_seen_get_nothing_and_only_children_everything(arrangement):
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "z"), ("C", "u"), ("C", "v")])
    seen = [("A", "x"), ("B", "z")]
    texts, labels = ["red apple", "blue river"] * 8, [[path] for path in seen] * 8
    own = LinearSettings(arrangement=arrangement)
    proba = LinearModel.fit(texts, labels, taxonomy, head_settings=own).node_proba(["red apple", "?"])
    for path in [("A", "y"), ("C",), ("C", "u"), ("C", "v")]:
        assert (proba[:, taxonomy.index(path)] == 0).all()
    np.testing.assert_array_equal(proba[:, taxonomy.index(("A", "x"))], proba[:, taxonomy.index(("A",))])
    assert proba[0, taxonomy.index(("A", "x"))] > 0.8


def test_several_paths_never_and_always():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    texts, labels = ["red", "blue"] * 6, [[("A", "x")], [("A", "x"), ("B",)]] * 6
    proba = LinearModel.fit(texts, labels, taxonomy, task="multi").node_proba(["red", "blue"])
    assert (proba[:, taxonomy.index(("A", "x"))] == 1).all()
    assert (proba[:, taxonomy.index(("A", "y"))] == 0).all()
    assert proba[1, taxonomy.index(("B",))] > 0.5 > proba[0, taxonomy.index(("B",))]


@pytest.mark.parametrize("task", ["single", "multi"])
def test_one_class_and_one_row_a_class(task):
    one = Taxonomy.from_paths([("A", "x")])
    assert (LinearModel.fit(["a", "b"], [[("A", "x")]] * 2, one, task=task).node_proba(["c", ""]) == 1).all()
    many = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    texts = ["red apple", "green pear", "blue river"]
    model = LinearModel.fit(texts, [[("A", "x")], [("A", "y")], [("B",)]], many, task=task)
    assert [row[0].path for row in model.predict(texts)] == [("A", "x"), ("A", "y"), ("B",)]


def test_a_single_row():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    model = LinearModel.fit(["one text"], [[("B",)]], taxonomy)
    assert model.node_proba(["another"]).tolist() == [[0.0, 1.0]]


def test_the_same_seed_the_same_model():
    first, second = (fit("two levels", "single", "both", characters="within-words")[0] for _ in range(2))
    texts = ["node0 node2 bread", "what else"]
    np.testing.assert_array_equal(first.node_proba(texts), second.node_proba(texts))


@pytest.mark.parametrize("classifier", ["svm", "logistic"])
@pytest.mark.parametrize("class_weights", ["none", "balanced"])
@pytest.mark.parametrize("task", ["single", "multi"])
def test_every_classifier(classifier, class_weights, task):
    model, *_ = fit(
        "uneven depth", task, "auto", classifier=classifier, class_weights=class_weights, C=10.0, valid=True
    )
    assert model.summary["best"]["hierarchical_f1"] > 0.95


def test_logistic_probabilities_are_those_of_scikit_learn():
    """With too few rows to calibrate, the scale is 1 and a flat logistic model is scikit-learn's own."""
    from sklearn.linear_model import LogisticRegression

    for names in ("ab", "abc"):
        taxonomy = Taxonomy.from_paths([(name,) for name in names])
        texts = [f"word{name} other{i}" for i in range(5) for name in names]
        labels = [[(name,)] for _ in range(5) for name in names]
        own = LinearSettings(arrangement="flat", classifier="logistic", characters="off")
        model = LinearModel.fit(texts, labels, taxonomy, head_settings=own)
        features = model.features(texts)
        theirs = LogisticRegression(C=1.0, max_iter=1000).fit(features, [row[0][0] for row in labels])
        np.testing.assert_allclose(model.node_proba(texts), theirs.predict_proba(features), atol=1e-4)


@pytest.mark.parametrize("arrangement", ["per-parent", "flat"])
def test_the_scale_has_the_smallest_log_loss_on_the_validation_rows(arrangement):
    """Labels of which three in ten are wrong, as real ones are: another scale, up or down, is worse."""
    random = np.random.default_rng(0)
    texts, labels = rows(KINDS["uneven depth"], "single", 60)
    ends = [KINDS["uneven depth"].path(int(t)) for t in KINDS["uneven depth"].terminals]
    labels = [label if random.random() < 0.7 else [ends[random.integers(len(ends))]] for label in labels]
    train, valid = slice(0, None, 2), slice(1, None, 2)
    model = LinearModel.fit(
        texts[train],
        labels[train],
        KINDS["uneven depth"],
        head_settings=LinearSettings(arrangement=arrangement),
        valid=(texts[valid], labels[valid]),
    )
    lines = model.scales.lines.copy()

    def loss(factor: float) -> float:
        model.scales.lines = lines * [factor, 1]
        exact = terminal_proba(model.taxonomy, model.node_proba(texts[valid]))
        column = {path: i for i, path in enumerate(ends)}
        return float(-np.mean([np.log(row[column[label[0]]]) for row, label in zip(exact, labels[valid], strict=True)]))

    assert loss(1.0) < min(loss(0.8), loss(1.25))
    assert loss(1.0) < min(loss(0.5), loss(2.0)) - 0.01


def test_several_paths_are_calibrated_too():
    """A label that half of the rows with a word have at random: its probability is about a half there."""
    random = np.random.default_rng(0)
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    texts = ["red stone", "blue stone"] * 200
    labels = [[("A",)] if "blue" in text or random.random() < 0.5 else [("B",), ("A",)] for text in texts]
    proba = LinearModel.fit(texts, labels, taxonomy, task="multi").node_proba(["red stone", "blue stone"])
    assert 0.4 < proba[0, taxonomy.index(("B",))] < 0.6
    assert proba[1, taxonomy.index(("B",))] < 0.05


def test_training_hears_and_tells():
    texts, labels = rows(KINDS["two levels"], "single")
    heard = []
    model = LinearModel.fit(texts, labels, KINDS["two levels"], valid=(texts, labels), listener=heard.append)
    assert [event["event"] for event in heard] == ["start", "validation", "end"]
    assert model.summary["rows"] == model.summary["valid_rows"] == len(texts)
    assert sum(model.summary["counts"]) == len(texts)
    assert model.settings.training == TrainingSettings()


def test_labels_outside_the_taxonomy_are_told():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("B",)])
    with pytest.raises(DataError, match=r"Row 1: the label 'C' is not in the taxonomy"):
        LinearModel.fit(["a", "b"], [[("B",)], [("C",)]], taxonomy)
    with pytest.raises(DataError, match=r"Row 0: the label 'A' ends at an inner node"):
        LinearModel.fit(["a", "b"], [[("A",)], [("B",)]], taxonomy)


def test_settings_that_cannot_be_used_are_told():
    texts, labels = rows(KINDS["two levels"], "multi")
    with pytest.raises(ConfigError, match="both is for one path"):
        LinearModel.fit(
            texts, labels, KINDS["two levels"], task="multi", head_settings=LinearSettings(arrangement="both")
        )
    nothing = LinearSettings(word_ngrams=0, characters="off")
    with pytest.raises(ConfigError, match="nothing to count"):
        LinearModel.fit(texts, labels, KINDS["two levels"], task="multi", head_settings=nothing)


def test_pytorch_is_not_imported():
    code = (
        "import sys; from textaxa.training import train_model; from textaxa.taxonomy import Taxonomy\n"
        "t = Taxonomy.from_paths([('A',), ('B',)])\n"
        "train_model(['a b', 'c d'], [[('A',)], [('B',)]], t, head='linear')\n"
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
