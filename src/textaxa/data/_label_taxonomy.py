"""The taxonomy that a model of these labels is trained over: made of the labels, or given and held against them."""

from collections.abc import Iterable, Sequence

from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy

_TOLD = 10
"""So many unknown labels are named."""


def taxonomy_of_labels(labels: Iterable[Sequence[Path]], given: Taxonomy | None = None) -> Taxonomy:
    """Give the taxonomy in which every path of these labels is a possible answer.

    Parameters
    ----------
    labels
        The paths of each text, of all rows that are trained on or validated with.
    given
        A taxonomy; left out, one is made of the labels, sorted by name, so that the order of rows does not matter.

    Raises
    ------
    DataError
        A label is not in the given taxonomy.

    Examples
    --------
    >>> list(taxonomy_of_labels([[("Tools",)], [("Games", "Sports")], [("Games",)]]).nodes)
    [('Games',), ('Tools',), ('Games', 'Sports')]
    """
    paths = dict.fromkeys(path for one in labels for path in one)
    if given is None:
        return Taxonomy.from_paths(paths, sort=True)
    unknown = [path for path in paths if path not in given]
    if unknown:
        shown = ", ".join(repr(" > ".join(path)) for path in unknown[:_TOLD])
        raise DataError(
            f"{len(unknown)} labels are not in the taxonomy: {shown}{' …' if len(unknown) > _TOLD else ''}. "
            "Add these nodes to the taxonomy, or correct the labels."
        )
    return given.with_terminals(paths)
