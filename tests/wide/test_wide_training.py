"""Training of a wide head: the gradient against PyTorch's, what is learnt against the dense head, what is refused."""

import csv
import re
from importlib.resources import files

import numpy as np
import pytest
import torch
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from wide.wide_cases import WIDTH, random_head

from textaxa.errors import ConfigError, DataError
from textaxa.heads import build_head
from textaxa.heads.conditional import ConditionalSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import Rows, WideHead, WideTraining, fit_wide
from textaxa.wide._training import group_gradient

UNEVEN = Taxonomy.from_paths(
    [("Games", "Sports"), ("Games", "Cards"), ("Games",), ("Tools", "Clocks", "Alarm"), ("Tools", "Clocks"), ("Art",)]
)
THREE_LEVELS = Taxonomy.from_paths([(f"a{i}", f"b{j}", f"c{k}") for i in range(4) for j in range(4) for k in range(4)])


def dense_head(taxonomy, width):
    settings = ConditionalSettings(dropout=0.0)
    return build_head("conditional", taxonomy, width, task="single", settings=settings, counts=None)


def columns(taxonomy, options):
    """Say which logit of the dense head of a tree stands for each option: nodes in order, then the ends."""
    inner = [int(t) for t in taxonomy.terminals if not taxonomy.is_leaf[t]]
    return [
        node if options.option[node] == i else len(taxonomy) + inner.index(node)
        for i, node in enumerate(options.node.tolist())
    ]


def planted(taxonomy, n, seed, noise=1.0, width=24):
    """Texts whose features are the sum of a vector for every node on the path, and noise."""
    vectors = np.random.default_rng(99).standard_normal((len(taxonomy), width))
    random = np.random.default_rng(seed)
    labels = random.choice(taxonomy.terminals, n)
    rows = np.stack([vectors[taxonomy.ancestors.row(int(t))].sum(0) for t in labels])
    return (rows + noise * random.standard_normal(rows.shape)).astype(np.float32), labels


def test_gradient_and_loss_are_those_of_autograd_on_the_dense_head():
    head, dense = random_head(UNEVEN, 3), dense_head(UNEVEN, WIDTH)
    order = columns(UNEVEN, head.options)
    with torch.no_grad():
        dense.classifier.weight[order] = torch.from_numpy(head.rows.values)
        dense.classifier.bias[order] = torch.from_numpy(head.rows.bias)
    features, labels = planted(UNEVEN, 17, 0, width=WIDTH)
    targets = torch.from_numpy(np.searchsorted(UNEVEN.terminals, labels))
    wanted = dense.loss(dense(torch.from_numpy(features)), targets)
    wanted.backward()
    of_rows, of_bias, loss = np.zeros((len(order), WIDTH)), np.zeros(len(order)), 0.0
    paths, start = head.options.paths(UNEVEN, labels), head.options.start
    for group in range(head.options.n_groups):
        own = slice(start[group], start[group + 1])
        text, step = np.nonzero((paths >= own.start) & (paths < own.stop))
        if len(text):
            chosen = paths[text, step] - own.start
            new, rows, bias = group_gradient(head.rows.values[own], head.rows.bias[own], features[text], chosen)
            loss += new / len(labels)
            of_rows[own], of_bias[own] = rows * len(text) / len(labels), bias * len(text) / len(labels)
    assert loss == pytest.approx(wanted.item(), rel=1e-5)
    np.testing.assert_allclose(of_rows, dense.classifier.weight.grad.numpy()[order], atol=1e-6)
    np.testing.assert_allclose(of_bias, dense.classifier.bias.grad.numpy()[order], atol=1e-6)


def test_the_probabilities_are_those_of_the_dense_head_with_the_same_weights():
    head, dense = random_head(UNEVEN, 3), dense_head(UNEVEN, WIDTH).eval()
    order = columns(UNEVEN, head.options)
    features = np.random.default_rng(0).standard_normal((9, WIDTH)).astype(np.float32)
    with torch.no_grad():
        dense.classifier.weight[order] = torch.from_numpy(head.rows.values)
        dense.classifier.bias[order] = torch.from_numpy(head.rows.bias)
        exact = dense.choices._log_proba(dense(torch.from_numpy(features))).exp().numpy()
    found = head.search(features, k=len(UNEVEN.terminals), width=len(UNEVEN))
    for row, nodes, probabilities in zip(exact, found.nodes, found.probabilities, strict=True):
        np.testing.assert_allclose(row[np.searchsorted(UNEVEN.terminals, nodes)], probabilities, rtol=1e-4)


def dense_accuracy(taxonomy, train, test, *, epochs=20, rate=0.02):
    torch.manual_seed(0)
    head = dense_head(taxonomy, train[0].shape[1])
    optimizer = torch.optim.Adam(head.parameters(), lr=rate)
    features, targets = torch.from_numpy(train[0]), torch.from_numpy(np.searchsorted(taxonomy.terminals, train[1]))
    for _ in range(epochs):
        for batch in torch.randperm(len(features)).split(64):
            optimizer.zero_grad()
            head.loss(head(features[batch]), targets[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        found = head.choices._log_proba(head(torch.from_numpy(test[0]))).argmax(1).numpy()
    return float(np.mean(taxonomy.terminals[found] == test[1]))


def wide_accuracy(taxonomy, train, test, **settings):
    head = WideHead.zeros(taxonomy, train[0].shape[1])
    fit = fit_wide(head, *train, training=WideTraining(**settings))
    assert fit.losses[-1] < 0.6 * fit.losses[0]
    return float(np.mean(head.search(test[0]).nodes[:, 0] == test[1]))


def test_it_learns_as_well_as_the_dense_head():
    train, test = (planted(THREE_LEVELS, n, seed, noise=2.0) for n, seed in ((1500, 0), (1000, 1)))
    ours, dense = wide_accuracy(THREE_LEVELS, train, test), dense_accuracy(THREE_LEVELS, train, test)
    majority = np.bincount(test[1]).max() / len(test[1])
    assert ours > 10 * majority
    assert ours > dense - 0.03  # two standard errors of a difference on 1000 texts


def test_it_is_as_good_as_the_dense_head_on_real_texts():
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    paths = [(row["category"], row["subcategory"]) if row["subcategory"] else (row["category"],) for row in rows]
    taxonomy = Taxonomy.from_paths(paths)
    labels, is_test = np.array([taxonomy.index(path) for path in paths]), np.array([r["split"] == "test" for r in rows])
    counts = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform([row["text"] for row in rows])
    features = TruncatedSVD(64, random_state=0).fit_transform(counts)
    features = ((features - features.mean(0)) / features.std(0)).astype(np.float32)
    train, test = (features[~is_test], labels[~is_test]), (features[is_test], labels[is_test])
    ours = wide_accuracy(taxonomy, train, test, epochs=8)
    dense = dense_accuracy(taxonomy, train, test, epochs=8, rate=0.003)
    majority = np.bincount(test[1]).max() / len(test[1])
    assert ours > 3 * majority
    assert ours > dense - 0.05  # two standard errors of a difference on 671 texts


def test_the_scale_of_features_does_not_matter():
    train, test = (planted(THREE_LEVELS, n, seed) for n, seed in ((600, 0), (500, 1)))
    as_they_are = wide_accuracy(THREE_LEVELS, train, test)
    tiny = wide_accuracy(THREE_LEVELS, (train[0] * 1e-3, train[1]), (test[0] * 1e-3, test[1]))
    assert as_they_are > 0.5
    assert abs(as_they_are - tiny) < 0.05


def test_the_best_epoch_on_validation_texts_is_kept_and_training_stops():
    train, held = (planted(THREE_LEVELS, n, seed, noise=3.0) for n, seed in ((200, 0), (300, 1)))
    head, seen = WideHead.zeros(THREE_LEVELS, 24), []
    settings = WideTraining(epochs=60, patience=2)
    fit = fit_wide(head, *train, validation=held, training=settings, told=lambda *told: seen.append(told))
    assert len(fit.accuracies) == fit.epoch + 2 < 60
    assert fit.accuracies[fit.epoch - 1] == max(fit.accuracies)
    assert np.mean(head.search(held[0]).nodes[:, 0] == held[1]) == fit.accuracies[fit.epoch - 1]
    assert seen == [(i + 1, *both) for i, both in enumerate(zip(fit.losses, fit.accuracies, strict=True))]


def test_only_the_groups_on_the_paths_are_touched():
    head = WideHead.zeros(THREE_LEVELS, 24)
    features, _ = planted(THREE_LEVELS, 40, 0)
    two = THREE_LEVELS.terminals[:2]
    fit_wide(head, features, np.resize(two, 40), training=WideTraining(epochs=1))
    touched = np.flatnonzero(head.rows.values.any(axis=1))
    on_paths = head.options.group[head.options.paths(THREE_LEVELS, two)[:, :3].ravel()]
    np.testing.assert_array_equal(touched, np.flatnonzero(np.isin(head.options.group, on_paths)))


def test_the_seed_alone_decides():
    train = planted(THREE_LEVELS, 400, 0)
    rows = []
    for seed in (0, 0, 1):
        head = WideHead.zeros(THREE_LEVELS, 24)
        fit_wide(head, *train, training=WideTraining(epochs=2, seed=seed))
        rows.append(head.rows.values)
    np.testing.assert_array_equal(rows[0], rows[1])
    assert np.abs(rows[0] - rows[2]).max() > 0


def test_features_of_float16_from_a_file_will_do(tmp_path):
    features, labels = planted(THREE_LEVELS, 300, 0)
    np.save(tmp_path / "features.npy", features.astype(np.float16))
    head = WideHead.zeros(THREE_LEVELS, 24)
    fit_wide(head, np.load(tmp_path / "features.npy", mmap_mode="r"), labels)
    assert np.mean(head.search(features).nodes[:, 0] == labels) > 0.9


BAD = np.ones((3, WIDTH))
BAD_LABELS = [
    ([2, 2], "3 texts and 2 labels"),
    ([2, 2, 99], "from node 2 to 99"),
    ([2, 2, -1], "from node -1"),
    ([2.0, 2.0, 2.0], "float64"),
    ([1, 1, 1], "Tools.*with_terminals"),
]


@pytest.mark.parametrize(("labels", "told"), BAD_LABELS)
def test_labels_that_cannot_be_are_refused(labels, told):
    with pytest.raises(DataError, match=told):
        fit_wide(WideHead.zeros(UNEVEN, WIDTH), BAD, np.array(labels))


@pytest.mark.parametrize(
    "features", [np.ones((3, WIDTH + 1)), np.ones(3), np.ones((3, WIDTH), dtype=int), BAD * np.nan, np.ones((0, WIDTH))]
)
def test_features_that_cannot_be_are_refused(features):
    with pytest.raises(DataError):
        fit_wide(WideHead.zeros(UNEVEN, WIDTH), features, np.array([2] * len(features), dtype=int))


def test_rows_that_cannot_be_trained_are_refused():
    head = WideHead.zeros(UNEVEN, WIDTH)
    locked = head.rows.values.copy()
    locked.setflags(write=False)
    frozen = WideHead(UNEVEN, head.options, Rows(locked, head.rows.bias))
    for other in (head.astype("int8"), frozen):
        with pytest.raises(ConfigError, match=re.escape("train first")):
            fit_wide(other, BAD, np.array([2, 2, 2]))


def test_labels_end_at_inner_nodes_too():
    features, labels = planted(UNEVEN, 400, 0, noise=0.5, width=WIDTH)
    head = WideHead.zeros(UNEVEN, WIDTH)
    fit_wide(head, features, labels)
    found = head.search(features).nodes[:, 0]
    for node in UNEVEN.terminals[~UNEVEN.is_leaf[UNEVEN.terminals]]:
        assert np.mean(found[labels == node] == node) > 0.6
