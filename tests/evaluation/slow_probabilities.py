"""Calibration, coverage, per-node scores and confusions once more: plain Python, one text, one threshold at a time."""

from itertools import permutations
from math import log

import numpy as np
from slow_metrics import ancestors, mean, node_set


def ends(taxonomy, nodes):
    """The nodes of a set with no other one of it below them."""
    return {n for n in nodes if not any(n != m and n in ancestors(taxonomy, m) for m in nodes if not _strange(m))}


def _strange(node):
    return isinstance(node, tuple)


def terminal_probabilities(taxonomy, row):
    """What is left of a terminal's probability when the terminals below it have had theirs, deepest first."""
    exact = {}
    for t in sorted(map(int, taxonomy.terminals), key=lambda t: -taxonomy.depth[t]):
        below = [s for s in exact if s != t and t in ancestors(taxonomy, s)]
        exact[t] = max(0.0, min(1.0, float(row[t])) - sum(exact[s] for s in below))
    return dict(sorted(exact.items()))


def best_path(taxonomy, row):
    """Nodes of the most probable terminal's canonical path, top first."""
    exact = terminal_probabilities(taxonomy, row)
    node = max(exact, key=lambda t: (exact[t], -t))
    path = []
    while node >= 0:
        path.insert(0, node)
        node = int(taxonomy.parent[node])
    return path


def slow_level_answers(taxonomy, row, level, task):
    """The node whose probability is judged at a level, or None."""
    if task == "single":
        path = best_path(taxonomy, row)
        return path[level - 1] if len(path) >= level else None
    return max(map(int, taxonomy.level(level)), key=lambda n: (row[n], -n))


def slow_bins(pairs, bins, binning):
    """Lists of (probability, right) by bin."""
    if binning == "width":
        sorted_in = [min(int(p * bins + 1e-12), bins - 1) for p, _ in pairs]
    else:
        ordered = sorted(p for p, _ in pairs)
        edges = {ordered[k * len(ordered) // bins] for k in range(1, bins)}
        sorted_in = [sum(p >= edge for edge in edges) for p, _ in pairs]
    return [[pair for pair, at in zip(pairs, sorted_in, strict=True) if at == b] for b in sorted(set(sorted_in))]


def slow_ece(pairs, bins, binning="mass"):
    """The expected and the maximum calibration error."""
    groups = slow_bins(pairs, bins, binning)
    gaps = [abs(mean(r for _, r in group) - mean(p for p, _ in group)) for group in groups]
    return sum(gap * len(group) for gap, group in zip(gaps, groups, strict=True)) / len(pairs), max(gaps)


def slow_losses(taxonomy, row, nodes, task, least=1.2e-7):
    """Brier score and log loss of one text, or None."""
    if task == "multi":
        brier = sum((float(row[n]) - (n in nodes)) ** 2 for n in range(len(row)))
        clipped = [min(max(float(p), least), 1 - least) for p in row]
        exact = [min(max(float(p), 0.0), 1 - least) for p in row]
        return brier, -sum(log(clipped[n]) if n in nodes else log(1 - exact[n]) for n in range(len(row)))
    wanted = ends(taxonomy, nodes)
    if len(wanted) != 1 or not taxonomy.is_terminal[next(iter(wanted))]:
        return None
    exact = terminal_probabilities(taxonomy, row)
    (end,) = wanted
    return sum((p - (t == end)) ** 2 for t, p in exact.items()), -log(max(exact[end], least))


def slow_climb(taxonomy, row, threshold):
    """The climbing rule: the deepest node of the most probable path with at least the threshold, or None."""
    reached = [node for node in best_path(taxonomy, row) if row[node] >= threshold]
    return reached[-1] if reached else None


def slow_coverage(taxonomy, rows, true, threshold):
    """What the climbing rule answers at one threshold."""
    n, answers = len(rows), [slow_climb(taxonomy, row, threshold) for row in rows]
    paths = [best_path(taxonomy, row) for row in rows]
    depth = [0 if a is None else paths[i].index(a) + 1 for i, a in enumerate(answers)]
    right = [a in true[i] for i, a in enumerate(answers) if a is not None]
    full = [i for i in range(n) if depth[i] == len(paths[i])]
    levels = range(taxonomy.n_levels + 1)
    return {
        "coverage": len(right) / n,
        "accuracy": mean(right),
        "depth_share": [mean(d == level for d in depth) for level in levels[1:]],
        "missing_share": [
            mean(d > 0 and len(p) - d == missing for p, d in zip(paths, depth, strict=True)) for missing in levels[:-1]
        ],
        "full_share": len(full) / n,
        "full_accuracy": mean(answers[i] in true[i] for i in full),
        "levels": mean(d / len(p) for p, d in zip(paths, depth, strict=True)),
    }


def slow_many(taxonomy, rows, true, threshold):
    """What several-path tasks answer at one threshold."""
    answers = [{n for n in range(len(row)) if row[n] >= threshold} for row in rows]
    deepest = [max((int(taxonomy.depth[n]) for n in a), default=0) for a in answers]
    n_true = sum(map(len, true))
    found = sum(len(a & t) for a, t in zip(answers, true, strict=True))
    return {
        "coverage": mean(bool(a) for a in answers),
        "accuracy": 1 - mean(len(a - t) / len(a) if a else 0.0 for a, t in zip(answers, true, strict=True)),
        "depth_share": [mean(d == level for d in deepest) for level in range(1, taxonomy.n_levels + 1)],
        "full_share": mean(any(taxonomy.is_leaf[n] for n in a) for a in answers),
        "recall": found / n_true if n_true else 0.0,
    }


def slow_best_area(depths, rights):
    """The smallest area under risk over the share of levels, over all orders of answering and all levels at once."""
    n, best = len(depths), float("inf")
    jumps = [(r, d) if 0 < r < d else (d,) for d, r in zip(depths, rights, strict=True)]
    events = [(i, level) for i, levels in enumerate(jumps) for level in levels]
    for order in permutations(events):
        at, area, possible = [0] * n, 0.0, True
        for i, level in order:
            possible &= level > at[i]
            gain, at[i] = (level - at[i]) / depths[i] / n, level
            wrong = sum(at[j] > rights[j] for j in range(n))
            area += gain * wrong / sum(a > 0 for a in at)
        best = min(best, area) if possible else best
    return best


def slow_node_counts(taxonomy, true, predicted, node):
    """Support, predicted count and right ones of a node."""
    return (
        sum(node in t for t in true),
        sum(node in p for p in predicted),
        sum(node in t and node in p for t, p in zip(true, predicted, strict=True)),
    )


def slow_confusions(taxonomy, true_labels, predicted_labels):
    """By (kind, true, predicted): the texts, and the depth of the common ancestor in the first of them."""
    found = {}
    for text, (t, p) in enumerate(zip(true_labels, predicted_labels, strict=True)):
        true, predicted = node_set(taxonomy, t), node_set(taxonomy, p)
        missed = ends(taxonomy, true) - predicted
        wrong = {n for n in _ends_with_strange(taxonomy, p) if not _strange(n)} - true
        for a in sorted(missed):
            if not wrong:
                continue
            b = min(wrong, key=lambda w: (-_common_depth(taxonomy, a, w), w))
            common = _common(taxonomy, a, b)
            pair = tuple(_right_below(taxonomy, end, common) for end in (a, b))
            keys = [("siblings", *pair)] + ([("across branches", a, b)] if pair != (a, b) else [])
            for key in keys:
                texts, _ = found.setdefault(key, ([], _common_depth(taxonomy, a, b)))
                if text not in texts:
                    texts.append(text)
    return found


def _ends_with_strange(taxonomy, labels):
    """Ends of predicted labels, where an unknown path lies below its known beginning."""
    nodes, above = node_set(taxonomy, labels), set()
    for path in labels:
        for end in range(1, len(path)):
            if taxonomy.find(path[: end + 1]) is None:
                known = taxonomy.find(path[:end])
                above |= set() if known is None else ancestors(taxonomy, known)
    return ends(taxonomy, nodes) - above


def _common(taxonomy, a, b):
    shared = ancestors(taxonomy, a) & ancestors(taxonomy, b)
    return max(shared, key=lambda n: (taxonomy.depth[n], n)) if shared else -1


def _common_depth(taxonomy, a, b):
    common = _common(taxonomy, a, b)
    return int(taxonomy.depth[common]) if common >= 0 else 0


def _right_below(taxonomy, end, common):
    """The smallest node right below the common ancestor (-1: the root) on a way to the end."""
    parents = {n: taxonomy.parents.row(n).tolist() for n in ancestors(taxonomy, end)}
    return min(n for n, above in parents.items() if (common in above if common >= 0 else not above))


def all_thresholds(rows):
    return sorted({float(value) for row in rows for value in row}, reverse=True)


def random_coherent(taxonomy, n_texts, seed):
    """Probabilities of a single-path task, (n, N), and terminals drawn from them."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n_texts, len(taxonomy.terminals))) * 1.5
    exact = np.exp(logits)
    exact /= exact.sum(axis=1, keepdims=True)
    proba = np.zeros((n_texts, len(taxonomy)))
    for column, terminal in enumerate(taxonomy.terminals):
        proba[:, taxonomy.ancestors.row(int(terminal))] += exact[:, [column]]
    drawn = (exact.cumsum(axis=1) < generator.random((n_texts, 1))).sum(axis=1)
    return proba, taxonomy.terminals[np.minimum(drawn, len(taxonomy.terminals) - 1)]
