"""Made-up rows, answers and probabilities for reports; names are hostile where that is asked for."""

import numpy as np

from textaxa.decoding import decode_multi, top_paths
from textaxa.evaluation import evaluate_paths
from textaxa.report import Material
from textaxa.taxonomy import Taxonomy

HOSTILE = "<img src=x onerror=alert(1)>"
BREAKOUT = "</script><script>alert(2)</script>\u2028<!-- & \"quoted\" 'so' "

PATHS = [("Games", "Sports"), ("Games", "Cards"), ("Tools",), ("Media", "Photo"), ("Media", "Video")]
UNEVEN = [*PATHS, ("Games",), ("Media", "Video", "Editors"), ("Media", "Video", "Players")]
HOSTILE_PATHS = [(HOSTILE, "a"), (HOSTILE, BREAKOUT), ("ألعاب", "رياضة"), ("ألعاب", "游戏")]


def node_proba(taxonomy, of_terminals):
    """Sum P(the label ends at a terminal), shape (n, T), up to all nodes."""
    found = np.zeros((len(of_terminals), len(taxonomy)))
    for column, node in enumerate(taxonomy.terminals.tolist()):
        for above in taxonomy.ancestors.row(node).tolist():
            found[:, above] += of_terminals[:, column]
    return np.minimum(found, 1.0).astype(np.float32)


def material(paths=UNEVEN, n=200, *, seed=0, task="single", skill=2.0, texts=None, **more):
    """Give rows whose probabilities are of some use: the true terminal's logit is raised."""
    generator = np.random.default_rng(seed)
    taxonomy = Taxonomy.from_paths(paths)
    size = len(taxonomy.terminals)
    place = generator.integers(0, size, n)
    logits = generator.normal(size=(n, size))
    logits[np.arange(n), place] += skill
    of_terminals = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    proba = node_proba(taxonomy, of_terminals)
    ends = taxonomy.terminals[place].tolist()
    if task == "multi":
        proba = np.sqrt(proba)
        true = [sorted({end, int(generator.choice(taxonomy.terminals))}) for end in ends]
        predicted = [[one.node for one in row] for row in decode_multi(taxonomy, proba)]
    else:
        true = [[end] for end in ends]
        predicted = [[row[0].node] for row in top_paths(taxonomy, proba)]
    labels = [tuple(taxonomy.path(end) for end in row) for row in true]
    answers = [tuple(taxonomy.path(end) for end in row) for row in predicted]
    counts = generator.integers(0, 60, size if task == "single" else len(taxonomy)).tolist()
    return Material(
        taxonomy=taxonomy,
        task=task,
        texts=texts or [f"text {i} of {taxonomy.names[end]}" for i, end in enumerate(ends)],
        rows=list(range(2, n + 2)),
        true=true,
        predicted=predicted,
        node_proba=proba,
        evaluation=evaluate_paths(taxonomy, labels, answers, node_proba=proba, n_resamples=20),
        name="textaxa linear",
        source="test.csv",
        unit="line",
        **{"counts": counts, **more},
    )


def words_of(text, path, against, level):
    """Explain by the letters: every second word argues for the answer."""
    found, start = [], 0
    for i, word in enumerate(text.split(" ")):
        found.append((start, start + len(word), float(len(word)) * (-1) ** i))
        start += len(word) + 1
    return found
