"""Random evaluation cases, and every metric once more: plain Python on sets, one text and one node at a time."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from textaxa.taxonomy import NodeRecord, Taxonomy

MULTI = st.sampled_from([False, True])


@st.composite
def random_taxonomies(draw, max_nodes=12):
    """Trees and DAGs of uneven depth."""
    n = draw(st.integers(1, max_nodes))
    dag = draw(st.booleans())
    records = []
    for i in range(n):
        parents = draw(st.lists(st.integers(0, i - 1), max_size=3 if dag else 1, unique=True)) if i else []
        records.append(NodeRecord(f"c{i}", tuple(f"c{p}" for p in parents), f"n{i}", "", True))
    return Taxonomy.from_records(records)


@st.composite
def cases(draw, max_texts=8, unknown=True, multi=MULTI):
    """A taxonomy, true and predicted labels (some predicted paths unknown to it), and node probabilities."""
    taxonomy = draw(random_taxonomies())
    several = draw(multi)
    known = [taxonomy.path(i) for i in range(len(taxonomy))]
    strange = [*((*path, "?") for path in known[:3]), *((*path, "?", "!") for path in known[:2]), ("?",), ("?", "n0")]
    size = {"min_size": 0, "max_size": 3} if several else {"min_size": 1, "max_size": 1}
    true_label = st.lists(st.sampled_from(known), **size).map(tuple)
    answer = st.sampled_from(known * 3 + strange) if unknown else st.sampled_from(known)
    predicted_label = st.lists(answer, min_size=0, max_size=size["max_size"]).map(tuple)
    rows = draw(st.lists(st.tuples(true_label, predicted_label), min_size=1, max_size=max_texts))
    seed = draw(st.integers(0, 2**32 - 1))
    return taxonomy, [t for t, _ in rows], [p for _, p in rows], node_probabilities(taxonomy, len(rows), seed)


def node_probabilities(taxonomy, n_texts, seed):
    """Few distinct values, so that thresholds meet several nodes; half of the rows coherent."""
    generator = np.random.default_rng(seed)
    proba = generator.integers(0, 6, size=(n_texts, len(taxonomy))) / 5
    for row in proba[::2]:
        for node in range(len(taxonomy)):
            parents = taxonomy.parents.row(node)
            if len(parents):
                row[node] = min(row[node], row[parents].min())
    return proba


def node_set(taxonomy, labels):
    """Nodes of labels with all ancestors: numbers, and whole paths where the taxonomy does not have them."""
    found = set()
    for path in labels:
        for end in range(1, len(path) + 1):
            node = taxonomy.find(path[:end])
            found |= {path[:end]} if node is None else ancestors(taxonomy, node)
    return found


def ancestors(taxonomy, node):
    found = {node}
    for parent in taxonomy.parents.row(node).tolist():
        found |= ancestors(taxonomy, parent)
    return found


def depth_of(taxonomy, node):
    if not isinstance(node, tuple):
        return int(taxonomy.depth[node])
    for end in range(len(node) - 1, 0, -1):
        known = taxonomy.find(node[:end])
        if known is not None:
            return int(taxonomy.depth[known]) + len(node) - end
    return len(node)


def f1(true, predicted):
    """F1 of two lists of sets over the items of all of them."""
    shared = sum(len(t & p) for t, p in zip(true, predicted, strict=True))
    total = sum(len(t) + len(p) for t, p in zip(true, predicted, strict=True))
    return 2 * shared / total if total else 0.0


def node_f1(true, predicted, node):
    return f1([t & {node} for t in true], [p & {node} for p in predicted])


def mean(values, empty=0.0):
    values = list(values)
    return sum(values) / len(values) if values else empty


def slow_severity(taxonomy, true, predicted):
    def ends(nodes):
        below = {n for n in nodes if any(n != m and n in closure(m) for m in nodes)}
        return nodes - below or {None}

    def closure(node):
        if node is None:
            return set()
        if not isinstance(node, tuple):
            return ancestors(taxonomy, node)
        return node_set(taxonomy, [node])

    def distance(a, b):
        common = max((depth_of(taxonomy, n) for n in closure(a) & closure(b)), default=0)
        return max(depth_of(taxonomy, n) if n is not None else 0 for n in (a, b)) - common

    return mean(min(distance(t, p) for p in ends(predicted)) for t in ends(true))


def slow_area(row, true):
    """Trapezoids under precision over recall, over every distinct threshold."""
    points = [(0.0, 1.0)]
    for threshold in sorted(set(row.tolist()), reverse=True):
        taken = {n for n in range(len(row)) if row[n] >= threshold}
        points.append((len(taken & true) / len(true), len(taken & true) / len(taken)))
    return sum((r - r0) * (p + p0) / 2 for (r0, p0), (r, p) in pairwise(points))


def slow_metrics(taxonomy, true_labels, predicted_labels, node_proba=None):
    """Every metric by its dotted name; levels that no true path reaches are left out."""
    true = [node_set(taxonomy, labels) for labels in true_labels]
    predicted = [node_set(taxonomy, labels) for labels in predicted_labels]
    supported = set().union(*true)
    everything = set(range(len(taxonomy)))
    shared = sum(len(t & p) for t, p in zip(true, predicted, strict=True))
    coherent = [not any(isinstance(n, tuple) for n in p) for p in predicted]
    if node_proba is not None:
        for i, row in enumerate(node_proba):
            for node in everything:
                coherent[i] = coherent[i] and all(row[node] <= row[p] + 1e-5 for p in taxonomy.parents.row(node))
    n_predicted, n_true = sum(map(len, predicted)), sum(map(len, true))
    found = {
        "path_accuracy": mean(t == p for t, p in zip(true, predicted, strict=True)),
        "nodes.micro_f1": f1(true, predicted),
        "nodes.macro_f1": mean(node_f1(true, predicted, n) for n in everything),
        "nodes.macro_f1_supported": mean(node_f1(true, predicted, n) for n in supported),
        "hierarchical.precision": shared / n_predicted if n_predicted else 0.0,
        "hierarchical.recall": shared / n_true if n_true else 0.0,
        "hierarchical.f1": f1(true, predicted),
        "mistake_severity": mean(slow_severity(taxonomy, t, p) for t, p in zip(true, predicted, strict=True)),
        "coherent_share": mean(coherent),
    }
    if node_proba is not None and supported:
        found["hierarchical.f1_auc"] = mean(slow_area(row, t) for row, t in zip(node_proba, true, strict=True) if t)
    for level in range(1, taxonomy.n_levels + 1):
        true_at = [{n for n in t if depth_of(taxonomy, n) == level} for t in true]
        predicted_at = [{n for n in p if depth_of(taxonomy, n) == level} for p in predicted]
        if any(true_at):
            nodes = {n for n in everything if taxonomy.depth[n] == level}
            rows = list(zip(true_at, predicted_at, strict=True))
            found[f"levels.{level}.accuracy"] = mean(t == p for t, p in rows if t)
            found[f"levels.{level}.micro_f1"] = f1(true_at, predicted_at)
            found[f"levels.{level}.macro_f1"] = mean(node_f1(true_at, predicted_at, n) for n in nodes & supported)
            found[f"levels.{level}.macro_f1_all"] = mean(node_f1(true_at, predicted_at, n) for n in nodes)
    return found
