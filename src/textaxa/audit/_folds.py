"""Folds for cross-fitting: every row is held out once, and a text is never in training when a twin of it is held out.

In come examples; out goes the fold of every row. The answer depends on the rows and the seed, not on their order.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from textaxa.data import Examples
from textaxa.data._keys import seeded, text_key
from textaxa.errors import ConfigError
from textaxa.taxonomy import Path


def fold_of_rows(examples: Examples, n_folds: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Give the fold in which each row is held out, ``int64 (B,)``, values 0 to ``n_folds - 1``.

    The rows of every label are spread evenly. Rows of one group, and rows whose texts differ only in case and spaces,
    are held out together. A label with fewer rows than folds is missing from some folds; a label of one row is never in
    training when it is held out.

    Parameters
    ----------
    examples
        Texts with labels; ``groups`` are kept together.
    n_folds
        2 or more.
    seed
        Another seed gives other folds.

    Raises
    ------
    ConfigError
        Fewer than two folds.

    Examples
    --------
    >>> texts = ["chess", "Chess ", "go", "photo", "video"]
    >>> labels = [(("Games",),)] * 3 + [(("Media",),)] * 2
    >>> folds = fold_of_rows(Examples(texts, labels, list(range(5))), 2)
    >>> bool(folds[0] == folds[1]), bool(folds[0] != folds[2]), bool(folds[3] != folds[4])
    (True, True, True)
    """
    if n_folds < 2:
        raise ConfigError(f"Cross-fitting needs at least 2 folds, not {n_folds}. 5 are usual.")
    label_rows = Counter(examples.labels)
    fold = np.empty(len(examples), dtype=np.int64)
    held: dict[tuple[Path, ...], list[int]] = {label: [0] * n_folds for label in label_rows}
    sizes = [0] * n_folds
    for rows in _units(examples, seed):
        label = min((examples.labels[row] for row in rows), key=lambda one: (label_rows[one], one))
        chosen = min(range(n_folds), key=lambda k: (held[label][k], sizes[k]))
        for row in rows:
            fold[row] = chosen
            held[examples.labels[row]][chosen] += 1
        sizes[chosen] += len(rows)
    return fold


def _units(examples: Examples, seed: int) -> list[list[int]]:
    """Give the rows that stay together, the largest units first: they are the hardest to place."""
    keys = [text_key(text) for text in examples.texts]
    owner = list(range(len(keys)))
    first: dict[object, int] = {}
    for row, key in enumerate(keys):
        _join(owner, row, first.setdefault(key, row))
        if examples.groups is not None and examples.groups[row]:
            _join(owner, row, first.setdefault(examples.groups[row], row))
    units: dict[int, list[int]] = {}
    for row in range(len(keys)):
        units.setdefault(_find(owner, row), []).append(row)
    return sorted(units.values(), key=lambda rows: (-len(rows), min(seeded(keys[row], seed) for row in rows)))


def _find(owner: list[int], row: int) -> int:
    while owner[row] != row:
        owner[row] = owner[owner[row]]
        row = owner[row]
    return row


def _join(owner: list[int], one: int, other: int) -> None:
    owner[_find(owner, one)] = _find(owner, other)
