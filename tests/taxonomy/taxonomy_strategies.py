"""Random taxonomies for property tests."""

from hypothesis import strategies as st

from textaxa.taxonomy import NodeRecord

NAMES = ["Games", "Sports", "Other", "Tools", "Ärzte", "音楽", "a b", "Other ", "x,y", '"q"', "> x", "1"]


def paths(names=tuple(NAMES), max_size=25, max_depth=5):
    """Lists of paths with many shared names and prefixes."""
    name = st.sampled_from(names)
    return st.lists(st.lists(name, min_size=1, max_size=max_depth).map(tuple), min_size=1, max_size=max_size)


@st.composite
def dag_records(draw, max_nodes=20):
    """Records of a DAG in any order; names are unique, so siblings never clash."""
    n = draw(st.integers(1, max_nodes))
    records = []
    for i in range(n):
        parents = draw(st.lists(st.integers(0, i - 1), max_size=3, unique=True)) if i else []
        terminal = draw(st.sampled_from([None, True, False]))
        records.append(
            NodeRecord(f"c{i}", tuple(f"c{p}" for p in parents), f"n{i}", draw(st.sampled_from(["", "d"])), terminal)
        )
    return draw(st.permutations(records))
