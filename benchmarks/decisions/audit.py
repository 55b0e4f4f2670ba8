"""Does `audit` find labels that were changed on purpose, and does it find them before flat confident learning does?

In the training rows of a data set 5 % of the labels are changed: half to another path of the same branch, half to a
path of another branch, each drawn by how frequent it is. Node probabilities are cross-fitted on the changed table, five
folds. On the very same probabilities rows are ranked by `textaxa.audit`, with and without the evidence of neighbouring
texts, and by cleanlab on the terminal classes. Labels that were wrong before count as right, so no ranking can reach 1.

The score of `textaxa.audit` was chosen on hwu64, amazon3 and naics2017 with the head `chained`, seed 0; open-apps, TREC
and newsgroups20 with the head `linear` were measured once it stood. One thing was changed after that: neighbours had
weighed 0.4 everywhere, which on TREC was worse than none (AP 0.795 against 0.809); their weight is now fitted to the
table's own labels. Finished folds lie in ``$TEXTAXA_RUNS/audit``.

    pip install cleanlab
    python benchmarks/decisions/audit.py                    # writes results/audit.md
    python benchmarks/decisions/audit.py --fit trec linear 0    # cross-fits one table ahead
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "accuracy"))

from _corpora import Split, load
from _machine import describe
from _runs import MAX_LENGTH, RESULTS, RUNS, _vectors, taxonomy_of

from textaxa.audit._cross_fit import cross_fitted_fold
from textaxa.audit._folds import fold_of_rows
from textaxa.audit._label_errors import suspects_of
from textaxa.audit._levels import FLOOR
from textaxa.audit._neighbours import Neighbours
from textaxa.audit._suspicion import neighbour_share
from textaxa.data import Examples
from textaxa.decoding import terminal_proba
from textaxa.heads import head_class
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings, build
from textaxa.taxonomy import Taxonomy

SHARE = 0.05
FIRST = 0.1
FOLDS = 5
SEEDS = (0, 1, 2)
RESAMPLES = 500
HEADS = {"linear": {"vectors": True}, "chained": {}}
LONG_TEXTS = {"newsgroups20": {"linear": {"vectors": True, "word_ngrams": 1, "arrangement": "per-parent"}}}
"""Single words and one arrangement, where pairs of words of whole letters take ten minutes a fold."""

MEASURED = (("open-apps", "linear"), ("trec", "linear"), ("newsgroups20", "linear"))
CHOSEN_ON = (("hwu64", "chained"), ("amazon3", "chained"), ("naics2017", "chained"))
INSIDE, ACROSS = 1, 2
PARTS = ("all", "inside", "across")


@dataclass(frozen=True)
class Planted:
    """A table with changed labels.

    Attributes
    ----------
    taxonomy
        The data set's taxonomy, N nodes.
    given
        The node of every row's label after the changes, (B,).
    kind
        0 = as it was, 1 = changed inside the branch, 2 = changed to another branch; (B,).
    examples
        The rows with the labels as given.
    vectors
        The text vectors of the default encoder, (B, D).
    """

    taxonomy: Taxonomy
    given: np.ndarray
    kind: np.ndarray
    examples: Examples
    vectors: np.ndarray


def planted(data: Split, seed: int) -> Planted:
    taxonomy = taxonomy_of(data)
    nodes = np.array([taxonomy.index(labels[0]) for labels in data.train[1]])
    given, kind = plant(taxonomy, nodes, seed)
    labels = [(taxonomy.path(int(node)),) for node in given]
    examples = Examples(data.train[0], labels, list(range(len(labels))))
    return Planted(taxonomy, given, kind, examples, _vectors(data, "train"))


def plant(taxonomy: Taxonomy, nodes: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the labels (B,) after the changes, and which rows were changed how (B,)."""
    rng = np.random.default_rng(seed)
    top = np.array([taxonomy.ancestors.row(node)[0] for node in range(len(taxonomy))])
    rows = np.bincount(nodes, minlength=len(taxonomy)).astype(float)
    wanted = round(SHARE * len(nodes))
    left = {INSIDE: wanted // 2, ACROSS: wanted - wanted // 2}
    given, kind = nodes.copy(), np.zeros(len(nodes), dtype=int)
    for row in rng.permutation(len(nodes)):
        same = top == top[nodes[row]]
        inside = rows * same
        inside[nodes[row]] = 0
        for one, weight in ((INSIDE, inside), (ACROSS, rows * ~same)):
            if left[one] and weight.sum():
                given[row] = rng.choice(len(rows), p=weight / weight.sum())
                kind[row] = one
                left[one] -= 1
                break
        if not any(left.values()):
            break
    return given, kind


def cross_fitted_proba(name: str, table: Planted, head: str, seed: int) -> np.ndarray:
    """Give node probabilities (B, N), fold by fold from disk where a fold was fitted before."""
    chosen = LONG_TEXTS.get(name, {}).get(head, HEADS[head])
    settings = ModelSettings(
        "single",
        head,
        build(head_class(head).Settings, chosen, where="the benchmark"),
        EncoderSettings(frozen=True, max_length=MAX_LENGTH),
        TrainingSettings(seed=seed),
    )
    position = {text: row for row, text in enumerate(table.examples.texts)}
    folds = fold_of_rows(table.examples, FOLDS, seed=seed)
    proba = np.zeros((len(folds), len(table.taxonomy)), dtype=np.float32)
    told = json.dumps([name, head, chosen, seed, SHARE, FOLDS, MAX_LENGTH, table.given.tolist()])
    mark = hashlib.sha256(told.encode()).hexdigest()[:12]
    for fold in range(FOLDS):
        file = RUNS / "audit" / f"{name}-{head}-{seed}-{fold}-{mark}.npy"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            found = cross_fitted_fold(
                table.examples,
                table.taxonomy,
                settings,
                folds == fold,
                vectors=lambda _, texts: table.vectors[[position[text] for text in texts]],
            )
            partial = file.with_suffix(".partial.npy")
            np.save(partial, found)
            partial.rename(file)
            print(file.name, flush=True)
        proba[folds == fold] = np.load(file)
    return proba


def rankings(table: Planted, proba: np.ndarray) -> dict[str, np.ndarray]:
    """Give the suspicion of every row (B,) by every method."""
    from cleanlab.rank import get_label_quality_scores

    taxonomy = table.taxonomy
    flat = terminal_proba(taxonomy, proba).astype(np.float64)
    flat /= flat.sum(axis=1, keepdims=True)
    position = np.full(len(taxonomy), -1)
    position[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
    labels = position[table.given]
    true_nodes = [[int(node)] for node in table.given]
    found = {
        "textaxa": suspects_of(taxonomy, true_nodes, proba, vectors=table.vectors).score,
        "textaxa, no neighbours": suspects_of(taxonomy, true_nodes, proba).score,
    }
    for method in ("self_confidence", "normalized_margin"):
        found[f"cleanlab, {method}"] = -get_label_quality_scores(labels, flat, method=method)
    found["flat self-confidence, neighbours mixed in"] = -_with_neighbours(flat, labels, table.vectors)
    adjusted = get_label_quality_scores(labels, flat, method="normalized_margin", adjust_pred_probs=True)
    return found | {"cleanlab, adjusted margin": -adjusted}


def _with_neighbours(flat: np.ndarray, labels: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Give the probability of the given terminals after the neighbours had their say, without levels; (B,)."""
    rows = np.arange(len(labels))
    shares = Neighbours(vectors).shares(labels, slice(0, len(labels)), flat.shape[1])
    weight = neighbour_share(np.log(flat + FLOOR), labels, shares)
    return ((1 - weight) * flat + weight * shares)[rows, labels]


class Ranking:
    """Average precision of one ranking, for any weights of the rows; rows of equal suspicion count as one step."""

    def __init__(self, suspicion: np.ndarray, wrong: np.ndarray) -> None:
        self.order = np.argsort(-suspicion, kind="stable")
        ranked = suspicion[self.order]
        self.last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
        self.wrong = wrong[self.order].astype(float)

    def average_precision(self, weights: np.ndarray) -> float:
        ranked = weights[self.order]
        found = np.cumsum(ranked * self.wrong)[self.last]
        seen = np.cumsum(ranked)[self.last]
        return float((np.diff(found, prepend=0.0) * found / np.maximum(seen, 1e-12)).sum() / found[-1])


def average_precision(suspicion: np.ndarray, wrong: np.ndarray) -> float:
    return Ranking(suspicion, wrong).average_precision(np.ones(len(wrong)))


def measures(suspicion: np.ndarray, kind: np.ndarray) -> dict[str, float]:
    """Give average precision overall and by kind (the other kind's rows left out), and what the first rows hold."""
    first = np.argsort(-suspicion, kind="stable")[: round(FIRST * len(kind))]
    found = {"all": average_precision(suspicion, kind > 0)}
    for name, one in (("inside", INSIDE), ("across", ACROSS)):
        rows = (kind == 0) | (kind == one)
        found[name] = average_precision(suspicion[rows], kind[rows] == one)
    return found | {"first": float((kind[first] > 0).sum() / (kind > 0).sum())}


def over_resamples(ranked: dict[str, np.ndarray], kind: np.ndarray, seed: int) -> dict[str, dict[str, np.ndarray]]:
    """Give average precision of every method and part on the same resamples of the rows, (RESAMPLES,) each."""
    rng = np.random.default_rng(seed)
    n = len(kind)
    weights = [np.bincount(rng.integers(0, n, n), minlength=n).astype(float) for _ in range(RESAMPLES)]
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, suspicion in ranked.items():
        ranking = Ranking(suspicion, kind > 0)
        found[name] = {"all": np.array([ranking.average_precision(w) for w in weights])}
        for part, other in (("inside", ACROSS), ("across", INSIDE)):
            found[name][part] = np.array([ranking.average_precision(w * (kind != other)) for w in weights])
    return found


def table_of(name: str, head: str, seeds: Sequence[int]) -> list[str]:
    """Give the rows of the results for one data set."""
    found: dict[str, list[dict[str, float]]] = {}
    draws: dict[str, list[dict[str, np.ndarray]]] = {}
    data = load(name)
    for seed in seeds:
        table = planted(data, seed)
        ranked = rankings(table, cross_fitted_proba(name, table, head, seed))
        for method, values in over_resamples(ranked, table.kind, seed).items():
            draws.setdefault(method, []).append(values)
            found.setdefault(method, []).append(measures(ranked[method], table.kind))
    flat = max((m for m in found if m.startswith("cleanlab")), key=lambda m: _mean(found[m], "all"))
    lines = []
    for method, values in found.items():
        gap = "" if method.startswith("cleanlab") else _gap(draws[method], draws[flat])
        parts = " | ".join(f"{_mean(values, part):.3f} ({_interval(draws[method], part)})" for part in PARTS)
        first = f"{100 * _mean(values, 'first'):.0f} % ({100 * min(v['first'] for v in values):.0f} %)"
        lines.append(f"| {name} | {method} | {parts} | {gap} | {first} |")
    return lines


def _mean(values: list[dict[str, float]], part: str) -> float:
    return float(np.mean([one[part] for one in values]))


def _interval(draws: list[dict[str, np.ndarray]], part: str) -> str:
    """Write the 95 % interval over rows of the mean over seeds."""
    low, high = np.percentile(np.mean([one[part] for one in draws], axis=0), [2.5, 97.5])
    return f"{low:.3f} to {high:.3f}"


def _gap(ours: list[dict[str, np.ndarray]], theirs: list[dict[str, np.ndarray]]) -> str:
    """Write the mean difference over seeds with its 95 % interval over rows."""
    difference = np.mean([a["all"] - b["all"] for a, b in zip(ours, theirs, strict=True)], axis=0)
    low, high = np.percentile(difference, [2.5, 97.5])
    return f"{difference.mean():+.3f} ({low:+.3f} to {high:+.3f})"


HEAD = (
    "| data | ranking | AP | AP, inside the branch | AP, across branches "
    "| AP over the best of cleanlab (95 % interval) "
    f"| changed labels in the first {100 * FIRST:.0f} % of rows: mean (worst seed) |\n"
    "| --- | --- | --: | --: | --: | --: | --: |"
)


HOW = """5 % of the labels of the training rows are changed, half inside the branch and half across. AP is average
precision, the mean over seeds with the 95 % interval over rows; by kind, without the rows of the other kind. All
rankings read the same cross-fitted probabilities (five folds); `textaxa` and `neighbours mixed in` also read the text
vectors of the default encoder. Labels that were wrong before count as right. On newsgroups20 single words are counted
and the arrangement is per-parent; else everything is as by default.

The score was chosen on the sets of the second table. One thing was changed after the first table had been seen once:
neighbours had weighed 0.4 everywhere, which on TREC was worse than none (AP 0.795 against 0.809; cleanlab had 0.798).
Their weight is now fitted to the table's own labels by log loss, which gives 0.3 on hwu64 and 0.4 on amazon3."""


def main() -> None:
    lines = [
        "# Changed labels that an audit finds",
        "",
        f"Written by `benchmarks/decisions/audit.py`. {describe()}",
        "",
    ]
    lines += [HOW, ""]
    for title, sets, seeds in (
        (f"Measured: head `linear` with text vectors, {len(SEEDS)} seeds", MEASURED, SEEDS),
        ("The sets on which the score was chosen: head `chained`, frozen encoder, one seed", CHOSEN_ON, SEEDS[:1]),
    ):
        rows = [row for name, head in sets for row in table_of(name, head, seeds)]
        lines += [f"## {title}", "", HEAD, *rows, ""]
    (RESULTS / "audit.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    if "--fit" in sys.argv:
        _, _, chosen, chosen_head, number = sys.argv
        cross_fitted_proba(chosen, planted(load(chosen), int(number)), chosen_head, int(number))
    else:
        main()
