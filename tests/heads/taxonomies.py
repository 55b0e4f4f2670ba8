"""Small taxonomies of every kind that the heads must handle."""

from textaxa.taxonomy import NodeRecord, Taxonomy


def _dag() -> Taxonomy:
    return Taxonomy.from_records(
        [
            NodeRecord("g", (), "Games"),
            NodeRecord("e", (), "Education"),
            NodeRecord("q", ("g", "e"), "Quiz"),
            NodeRecord("s", ("g",), "Sports"),
            NodeRecord("f", ("s",), "Football"),
            NodeRecord("m", ("e",), "Maths"),
            NodeRecord("k", ("m", "q"), "Arithmetic quiz"),
        ]
    ).with_terminals([("Games",), ("Games", "Quiz")])


KINDS = {
    "two levels": Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "x"), ("B", "z")]),
    "deep": Taxonomy.from_paths([("A", "b", "c", "d", "e"), ("A", "b", "c", "d", "f"), ("A", "g", "h", "i", "j")]),
    "uneven depth": Taxonomy.from_paths([("A",), ("B", "x"), ("B", "y", "z"), ("B", "y", "w")]),
    "labels at inner nodes": Taxonomy.from_paths([("A",), ("A", "x"), ("A", "y"), ("B",), ("B", "x"), ("B", "x", "u")]),
    "one child": Taxonomy.from_paths([("A", "only"), ("B", "only", "only")]),
    "one class": Taxonomy.from_paths([("A", "x")]),
    "one node": Taxonomy.from_paths([("A",)]),
    "dag": _dag(),
}
