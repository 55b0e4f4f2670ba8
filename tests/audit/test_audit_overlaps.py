"""Overlaps: who is taken for whom, how often, and what to do about it."""

import numpy as np
import pytest
from audit_cases import node_lists, node_proba

from textaxa.audit import overlaps
from textaxa.taxonomy import Taxonomy

PATHS = [("Work", "Notes"), ("Work", "Memos"), ("Work",), ("Home", "Street maps"), ("Home", "Streets, maps")]
TAXONOMY = Taxonomy.from_paths(PATHS)
COLUMN = {TAXONOMY.path(int(node)): i for i, node in enumerate(TAXONOMY.terminals)}


def _found(swaps: dict[tuple, int], rows: int = 20):
    """Give the overlaps where so many of the rows of a path are taken for another one."""
    given = [COLUMN[path] for path in PATHS for _ in range(rows)]
    best = list(given)
    for (a, b), count in swaps.items():
        start = PATHS.index(a) * rows
        best[start : start + count] = [COLUMN[b]] * count
    proba = np.full((len(given), len(PATHS)), 0.02)
    proba[np.arange(len(given)), best] = 0.92
    return overlaps(TAXONOMY, node_lists(TAXONOMY, np.array(given)), node_proba(TAXONOMY, proba))


@pytest.mark.parametrize(
    ("there", "back", "advice"), [(6, 7, "merge"), (10, 0, "absorb"), (3, 2, "describe"), (1, 0, None)]
)
def test_the_advice_follows_the_shares(there, back, advice):
    found = _found({(PATHS[0], PATHS[1]): there, (PATHS[1], PATHS[0]): back})
    if advice is None:
        assert found == ()
        return
    (one,) = found
    shares = {one.a: one.a_as_b, one.b: one.b_as_a}
    assert one.advice == advice
    assert shares == {PATHS[0]: there / 20, PATHS[1]: back / 20}
    assert f"{100 * there / 20:.0f} %" in one.sentence


def test_names_that_are_alike_need_less():
    (one,) = _found({(PATHS[3], PATHS[4]): 2})
    assert one.advice == "describe"
    assert one.label_similarity > 0.6
    assert "much alike" in one.sentence


def test_a_label_that_stops_above_another_one_is_told_as_such():
    (one,) = _found({(PATHS[0], PATHS[2]): 5})
    assert "when a label stops at 'Work'" in one.sentence


def test_few_rows_say_nothing():
    assert _found({(PATHS[0], PATHS[1]): 4, (PATHS[1], PATHS[0]): 4}, rows=4) == ()


def test_several_paths_a_row():
    taxonomy = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    proba = np.tile([0.9, 0.1, 0.1], (20, 1))
    proba[:10] = [0.1, 0.9, 0.9]
    found = overlaps(taxonomy, [[0, 2]] * 10 + [[0]] * 5 + [[1]] * 5, proba)
    assert [(one.a, one.b, one.a_as_b, one.b_as_a) for one in found] == [(("B",), ("A",), 1.0, 10 / 15)]
