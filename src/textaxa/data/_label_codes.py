"""Labels that are written as codes of a taxonomy's nodes, as paths.

Statistics offices label with ``52.11``, libraries with URIs. Comes in: the labels of a row, and the taxonomy. Goes out:
the same labels, of which those that are no path of the taxonomy but the code of one of its nodes became that path.
"""

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

from textaxa.taxonomy import Path

if TYPE_CHECKING:
    from textaxa.taxonomy import Taxonomy


class LabelCodes:
    """Turns codes into paths.

    Parameters
    ----------
    taxonomy
        None: labels are given back as they are.
    subjects
        Whether labels are subjects of a library, which have no path of their own: then a name that only one node has
        stands for that node, and what the taxonomy does not know is left out and counted, as Annif does.

    Attributes
    ----------
    unknown : int
        How many subjects were left out.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy, NodeRecord
    >>> records = [NodeRecord("A", (), "Farming"), NodeRecord("A.1", ("A",), "Crops")]
    >>> LabelCodes(Taxonomy.from_records(records))((("A.1",), ("Farming",)))
    (('Farming', 'Crops'), ('Farming',))
    """

    def __init__(self, taxonomy: "Taxonomy | None", *, subjects: bool = False) -> None:
        self._taxonomy, self._subjects = taxonomy, subjects
        self.unknown = 0

    def __call__(self, labels: tuple[Path, ...]) -> tuple[Path, ...]:
        """Give labels as paths, each once."""
        if self._taxonomy is None:
            return labels
        found = [self._path(path) for path in labels]
        if self._subjects:
            self.unknown += found.count(None)
            return tuple(dict.fromkeys(path for path in found if path is not None))
        return tuple(dict.fromkeys(path or label for path, label in zip(found, labels, strict=True)))

    def _path(self, label: Path) -> Path | None:
        taxonomy = self._taxonomy
        if taxonomy is None or taxonomy.find(label) is not None:
            return label
        node = self._nodes.get(label[0]) if len(label) == 1 else None
        return None if node is None else taxonomy.path(node)

    @cached_property
    def _nodes(self) -> dict[str, int]:
        """Nodes by code; of subjects also by name, where it is the name of one alone."""
        taxonomy = self._taxonomy
        if taxonomy is None:
            return {}
        codes = {code: node for node, code in enumerate(taxonomy.codes or ())}
        if not self._subjects:
            return codes
        often = Counter(taxonomy.names)
        return {name: node for node, name in enumerate(taxonomy.names) if often[name] == 1} | codes
