"""Nodes as texts: what a text encoder is given to read of a node."""

from textaxa.taxonomy._taxonomy import Taxonomy

_BETWEEN_NAMES = " > "
"""Only read by the encoder, never parsed back, so a name may contain it."""


def label_texts(taxonomy: Taxonomy, *, words: int | None = None) -> list[str]:
    """Give the text of every node: its canonical path, and its description where it has one.

    The whole path, because a name alone ("Other") often says nothing.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    words
        Cut each text to this many words; left out, nothing is cut.

    Returns
    -------
    N texts, in node order.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports")], descriptions={("Games", "Sports"): "Football and more."})
    >>> label_texts(taxonomy)
    ['Games', 'Games > Sports: Football and more.']
    >>> label_texts(taxonomy, words=4)
    ['Games', 'Games > Sports: Football']
    """
    paths = (_BETWEEN_NAMES.join(path) for path in taxonomy.nodes)
    texts = [f"{path}: {said}" if said else path for path, said in zip(paths, taxonomy.descriptions, strict=True)]
    return texts if words is None else [" ".join(text.split()[:words]) for text in texts]
