"""How many training rows lie below every node, from the counts that a model remembers."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.taxonomy import Taxonomy

if TYPE_CHECKING:
    from textaxa.server._served import Served


def texts_below(served: "Served") -> NDArray[np.int64] | None:
    """Give the training rows below every node, (N,); None where the model does not know them."""
    counts = served.summary.get("counts")
    if not isinstance(counts, list) or not all(isinstance(count, int) for count in counts):
        return None
    return rows_below(served.taxonomy, counts, task=served.task)


def rows_below(taxonomy: Taxonomy, counts: list[int], *, task: str) -> NDArray[np.int64] | None:
    """Give rows below every node from those that end at each terminal, (T,); with several paths they are that, (N,).

    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> rows_below(taxonomy, [3, 5, 2], task="single").tolist()  # terminals: Tools, Sports, Cards
    [7, 3, 5, 2]
    """
    if task == "multi":
        return np.asarray(counts, dtype=np.int64) if len(counts) == len(taxonomy) else None
    if len(counts) != len(taxonomy.terminals):
        return None
    place, above = take(taxonomy.ancestors, taxonomy.terminals)
    ends = np.asarray(counts, dtype=np.float64)
    return np.bincount(above, ends[place], minlength=len(taxonomy)).astype(np.int64)
