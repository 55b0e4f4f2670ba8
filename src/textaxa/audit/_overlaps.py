"""Categories that overlap: taken for each other by models that have not seen the rows, or named alike.

In come true nodes, out-of-sample node probabilities and label texts; out go pairs of paths with numbers and advice.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import log, sqrt
from typing import Literal

from numpy.typing import ArrayLike

from textaxa.audit._label_errors import checked_nodes, given_and_found
from textaxa.taxonomy import Path, Taxonomy, format_path

Advice = Literal["merge", "absorb", "describe"]

MIN_ROWS = 5
"""A category with fewer rows is left out: of four rows one mistake is a quarter."""

MERGE = 0.25
"""From this share on, both ways, two categories are hardly told apart."""

ABSORB = 0.4
"""From this share on, one way only, a category is mostly taken for the other one."""

DESCRIBE = 0.1
"""From this share on, both ways taken together, a description would help."""

ALIKE = 0.6
"""Cosine of label texts from which on names alone explain a confusion."""

ALIKE_DESCRIBE = 0.04
"""The share that is enough where names are alike."""


@dataclass(frozen=True)
class Overlap:
    """Two categories that overlap.

    Attributes
    ----------
    a, b
        Their paths; ``a`` is the one with fewer rows.
    rows_a, rows_b
        How many rows were given each.
    a_as_b, b_as_a
        Share of the rows of the one that the models put into the other and not into their own, in [0, 1].
    label_similarity
        Cosine of the two label texts, in [0, 1].
    advice
        ``"merge"``: taken for each other both ways; ``"absorb"``: the smaller one goes up in the larger one;
        ``"describe"``: say what separates them.
    """

    a: Path
    b: Path
    rows_a: int
    rows_b: int
    a_as_b: float
    b_as_a: float
    label_similarity: float
    advice: Advice

    @property
    def sentence(self) -> str:
        """What was found and what to do, with the numbers."""
        a, b = format_path(self.a), format_path(self.b)
        found = (
            f"{_percent(self.a_as_b)} of the {self.rows_a:,} texts of {a!r} look like {b!r}, and "
            f"{_percent(self.b_as_a)} of the {self.rows_b:,} the other way round."
        )
        if above := _above(self.a, self.b):
            return f"{found} {_STOPS.format(above=repr(format_path(above)))}"
        alike = " Their label texts are much alike." if self.label_similarity >= ALIKE else ""
        return f"{found}{alike} {_TO_DO[self.advice].format(a=repr(a), b=repr(b))}"


_TO_DO: dict[Advice, str] = {
    "merge": "Merge the two, or write down what separates them and label their rows anew.",
    "absorb": "Write down what belongs into {a} alone and add rows of it, or merge it into {b}.",
    "describe": "Write a description for both that says what separates them.",
}
_STOPS = "Write down when a label stops at {above}, and when it goes on."


def overlaps(
    taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]], node_proba: ArrayLike, *, task: str | None = None
) -> tuple[Overlap, ...]:
    """Give the pairs of categories that overlap, those with the most texts in common first.

    Parameters
    ----------
    taxonomy, true_nodes, node_proba, task
        As `label_errors` takes them.

    Raises
    ------
    DataError
        As `label_errors`.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Notes",), ("Memos",), ("Maps",)])
    >>> proba = [[0.6, 0.4, 0.0], [0.4, 0.6, 0.0]] * 5 + [[0.0, 0.1, 0.9]] * 5
    >>> found = overlaps(taxonomy, [[0]] * 5 + [[1]] * 5 + [[2]] * 5, proba)
    >>> print(found[0].sentence)  # doctest: +ELLIPSIS
    40 % of the 5 texts of 'Notes' look like 'Memos', and 40 % of the 5 the other way round. Merge the two, ...
    """
    nodes = checked_nodes(taxonomy, true_nodes)
    rows: Counter[int] = Counter()
    swapped: Counter[tuple[int, int]] = Counter()
    for given, found in given_and_found(taxonomy, nodes, node_proba, task=task):
        rows.update(given)
        swapped.update((a, b) for a in given - found for b in found - given)
    pairs = {(min(pair), max(pair)) for pair in swapped}
    alike = _LabelTexts(taxonomy, {node for pair in pairs for node in pair})
    found_pairs = [
        _overlap(taxonomy, rows, swapped, pair, alike(*pair))
        for pair in sorted(pairs)
        if min(rows[node] for node in pair) >= MIN_ROWS
    ]
    kept = [one for one in found_pairs if one is not None]
    return tuple(sorted(kept, key=lambda one: -(one.a_as_b * one.rows_a + one.b_as_a * one.rows_b)))


def _overlap(
    taxonomy: Taxonomy, rows: Counter[int], swapped: Counter[tuple[int, int]], pair: tuple[int, int], alike: float
) -> Overlap | None:
    a, b = sorted(pair, key=lambda node: (rows[node], node))
    there, back = swapped[a, b] / rows[a], swapped[b, a] / rows[b]
    both = (swapped[a, b] + swapped[b, a]) / (rows[a] + rows[b])
    advice: Advice
    if min(there, back) >= MERGE:
        advice = "merge"
    elif there >= ABSORB:
        advice = "absorb"
    elif both >= DESCRIBE or (alike >= ALIKE and both >= ALIKE_DESCRIBE):
        advice = "describe"
    else:
        return None
    return Overlap(taxonomy.path(a), taxonomy.path(b), rows[a], rows[b], there, back, round(alike, 3), advice)


class _LabelTexts:
    """The cosine of two label texts: counts of three characters of name and description, rare ones weighing more.

    Names of parents are left out: siblings share them.
    """

    def __init__(self, taxonomy: Taxonomy, nodes: Collection[int]) -> None:
        grams = {node: Counter(_grams(taxonomy.names[node], taxonomy.descriptions[node])) for node in nodes}
        spread = Counter(gram for one in grams.values() for gram in one)
        rare = {gram: 1 + log((1 + len(grams)) / (1 + count)) for gram, count in spread.items()}
        self._weights = {node: _unit({gram: n * rare[gram] for gram, n in one.items()}) for node, one in grams.items()}

    def __call__(self, a: int, b: int) -> float:
        one, other = self._weights[a], self._weights[b]
        return sum(weight * other[gram] for gram, weight in one.items() if gram in other)


def _unit(weights: dict[str, float]) -> dict[str, float]:
    length = sqrt(sum(weight * weight for weight in weights.values()))
    return {gram: weight / length for gram, weight in weights.items()}


def _grams(name: str, description: str) -> list[str]:
    plain = f" {' '.join(f'{name} {description}'.casefold().split())} "
    return [plain[i : i + 3] for i in range(max(1, len(plain) - 2))]


def _above(a: Path, b: Path) -> Path:
    """Give the one of two paths that is a beginning of the other, or nothing."""
    short, long = sorted((a, b), key=len)
    return short if long[: len(short)] == short else ()


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
