"""What a model is taught with: rows that fit its taxonomy and do not contradict each other, and how much each weighs.

Texts and their paths come in; rows without repeats, or one error with all faults, go out.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from textaxa.data._faults import Faults
from textaxa.data._keys import text_key
from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy, format_path

Labels = Sequence[Sequence[Path]]

REMEMBERED = 20
"""Rows of a node that are remembered. On validation rows of hwu64 and newsgroups20 fifty kept no more than 20 with the
same weight all in all, and cost more time."""

KNOWN = 0.1
"""How much a row of a node that training knew weighs, remembered or taught, where a taught row of a new node weighs 1.
Training saw the old nodes hundreds of times, and the penalty holds them where they are; with equal weights, the ten
texts of a new node lose (hidden leaves, validation rows: 75 instead of 84 % of their texts right on hwu64, 57 instead
of 71 % on amazon3; the other texts lose a point or two by it)."""

STAND_IN = 10.0
"""How much a vector weighs that stands in for all rows of a node, where there are none to remember."""

_ADD = "Correct the path, or let the node be added (--add-nodes; add_nodes=True)."


@dataclass(frozen=True)
class Rows:
    """Texts with their paths, each text once.

    Attributes
    ----------
    texts
        Never blank.
    labels
        The paths of each; one in a single-path task.
    """

    texts: list[str]
    labels: list[tuple[Path, ...]]

    def __len__(self) -> int:
        return len(self.texts)

    def taken(self, rows: Iterable[int]) -> "Rows":
        """Give some of them, in this order."""
        wanted = list(rows)
        return Rows([self.texts[i] for i in wanted], [self.labels[i] for i in wanted])


def checked_rows(
    texts: Sequence[str],
    labels: Labels,
    *,
    task: str,
    taxonomy: Taxonomy | None = None,
    source: str = "the rows",
    unit: str = "index",
    numbers: Sequence[int] | None = None,
) -> Rows:
    """Give rows to learn from; what stands there twice counts once.

    Parameters
    ----------
    texts, labels
        As for training.
    task
        ``single``: one path a text, and no text with two different ones. ``multi``: of one text all paths together.
    taxonomy
        Every path must be one of its terminals; None: any path.
    source, unit, numbers
        What messages call them; without numbers, positions from 0.

    Raises
    ------
    DataError
        With all faults: no rows, blank texts, no path or too many, unknown paths, texts that contradict each other.
    """
    if len(texts) != len(labels):
        raise DataError(f"There are {len(texts):,} texts and {len(labels):,} labels. Give one list of paths a text.")
    if not len(texts):
        raise DataError("There are no rows to learn from. Give at least one text with its path.")
    faults = Faults(source, unit, collect=True)
    found: dict[bytes, tuple[int, str, dict[Path, None]]] = {}
    for at, (text, paths) in enumerate(zip(texts, labels, strict=True)):
        row = at if numbers is None else numbers[at]
        own = dict.fromkeys(tuple(path) for path in paths)
        if not _usable(faults, row, text, own, task=task, taxonomy=taxonomy):
            continue
        first = found.setdefault(text_key(text), (row, text.strip(), own))
        if task == "multi":
            first[2].update(own)
        elif first[2].keys() != own.keys():
            _add_contradiction(faults, row, first, own)
    faults.raise_if_any()
    kept = list(found.values())
    return Rows([text for _, text, _ in kept], [tuple(paths) for _, _, paths in kept])


def _usable(
    faults: Faults, row: int, text: object, paths: dict[Path, None], *, task: str, taxonomy: Taxonomy | None
) -> bool:
    """Note what is wrong with one row on its own; tell whether nothing is."""
    before = faults.total
    if not isinstance(text, str) or not text.strip():
        faults.add(row, "blank-text", "the text is blank", cure="Remove rows without a text, or fill them in.")
    if not paths:
        faults.add(row, "no-label", "there is no path", cure="Give every text its path, or leave the row out.")
    elif task == "single" and len(paths) > 1:
        message = f"there are {len(paths)} paths, and the model gives one"
        faults.add(row, "several-paths", message, cure="Leave one path a text, or train with several (--paths).")
    for path in paths:
        if (why := _why_not(path, taxonomy, task)) is not None:
            faults.add(row, "unknown-label", why, cure=_ADD)
    return faults.total == before


def _why_not(path: Path, taxonomy: Taxonomy | None, task: str) -> str | None:
    if taxonomy is None:
        return None
    node = taxonomy.find(path)
    if node is None:
        return f"{format_path(path)!r} is not in the model's taxonomy"
    if task == "single" and not taxonomy.is_terminal[node]:
        return f"{format_path(path)!r} is an inner node at which no label may end"
    return None


def _add_contradiction(
    faults: Faults, row: int, first: tuple[int, str, dict[Path, None]], own: dict[Path, None]
) -> None:
    here, there = (", ".join(map(format_path, paths)) for paths in (own, first[2]))
    faults.add(
        row,
        "contradiction",
        f"the text has the path {here!r} here and {there!r} at {faults.unit} {first[0]}",
        cure="Leave one path for each text.",
    )


def sample_of(rows: Rows, taught: Rows, *, seed: int, most: int = REMEMBERED) -> Rows:
    """Draw rows to remember: at most ``most`` of every set of paths, none whose text is taught."""
    new = {text_key(text) for text in taught.texts}
    by_label: dict[tuple[Path, ...], list[int]] = defaultdict(list)
    for row in np.random.default_rng(seed).permutation(len(rows)):
        if len(by_label[rows.labels[row]]) < most and text_key(rows.texts[row]) not in new:
            by_label[rows.labels[row]].append(int(row))
    return rows.taken(sorted(row for some in by_label.values() for row in some))


def weights_of(new: Sequence[bool], others: int, *, each: float) -> np.ndarray:
    """Give the weight of every row, taught ones first, with a sum of 1; float32 (B,).

    Parameters
    ----------
    new
        Which of the taught rows have a path to a node that no training row has reached.
    others
        How many rows are learned along.
    each
        What one of those weighs.
    """
    found = np.append(np.where(new, 1.0, KNOWN), np.full(others, each))
    shares: np.ndarray = (found / found.sum()).astype(np.float32)
    return shares
