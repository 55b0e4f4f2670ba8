from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textaxa.data import Examples, split_examples
from textaxa.errors import ConfigError, DataError

NAMES = ["A", "B", "C", "D"]


def _examples(labels: list[tuple], texts: list[str] | None = None, groups: list[str] | None = None) -> Examples:
    texts = texts or [f"text {i}" for i in range(len(labels))]
    return Examples(texts, labels, list(range(len(labels))), groups)


def _single(names: list[str]) -> list[tuple]:
    return [((name,),) for name in names]


@given(
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=60), share=st.floats(0.05, 0.5), seed=st.integers(0, 5)
)
def test_every_path_with_two_rows_is_on_both_sides(names: list[str], share: float, seed: int) -> None:
    counts = Counter(names)
    examples = _examples(_single(names))
    if max(counts.values()) == 1:
        with pytest.raises(DataError, match="every path has one row"):
            split_examples(examples, share, seed=seed)
        return
    train, held_out = split_examples(examples, share, seed=seed)
    assert sorted(train + held_out) == list(range(len(names)))
    trained = Counter(names[i] for i in train)
    for name, count in counts.items():
        held = count - trained[name]
        assert trained[name] >= 1
        if count >= 2:
            assert held >= 1
            assert abs(held - share * count) <= max(1, 0.5)
        else:
            assert held == 0


rows = st.lists(
    st.tuples(
        st.sampled_from(["x", "X ", "y", "z", "w", "v", "u", "t"]),
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
        st.sampled_from(["", "g1", "g2", "g3"]),
    ),
    min_size=2,
    max_size=30,
)


@given(rows=rows, share=st.floats(0.1, 0.5), seed=st.integers(0, 3), data=st.data())
def test_groups_and_twins_stay_together_and_order_does_not_matter(
    rows: list[tuple[str, list[str], str]], share: float, seed: int, data: st.DataObject
) -> None:
    def split(order: list[int]) -> set[int] | None:
        examples = _examples(
            [tuple((name,) for name in rows[i][1]) for i in order],
            [rows[i][0] for i in order],
            [rows[i][2] for i in order],
        )
        try:
            train, held_out = split_examples(examples, share, seed=seed)
        except DataError:
            return None
        assert sorted(train + held_out) == list(range(len(order)))
        return {order[i] for i in held_out}

    held = split(list(range(len(rows))))
    assert split(data.draw(st.permutations(range(len(rows))))) == held
    if held is None:
        return
    for of in (lambda row: row[0].strip().casefold(), lambda row: row[2]):
        inside = {of(rows[i]) for i in held} - {""}
        outside = {of(row) for i, row in enumerate(rows) if i not in held} - {""}
        assert not inside & outside
    trained = {name for i, row in enumerate(rows) if i not in held for name in row[1]}
    assert trained == {name for row in rows for name in row[1]}


def test_the_share_is_kept_on_a_large_table() -> None:
    examples = _examples(_single([NAMES[i * i % 4] for i in range(5_000)]))
    _, held_out = split_examples(examples, 0.1, seed=0)
    assert len(held_out) == 500


def test_the_share_is_about_kept_with_groups() -> None:
    names = [NAMES[i % 4] for i in range(4_000)]
    groups = [f"owner {i % 97}" for i in range(4_000)]
    train, held_out = split_examples(_examples(_single(names), groups=groups), 0.2, seed=0)
    assert 0.15 < len(held_out) / 4_000 < 0.25
    assert not {groups[i] for i in train} & {groups[i] for i in held_out}


def test_one_huge_group_is_not_held_out() -> None:
    names = ["A", "B"] * 50
    groups = ["all of them"] * 80 + [f"g{i}" for i in range(20)]
    _, held_out = split_examples(_examples(_single(names), groups=groups), 0.1, seed=0)
    assert min(held_out) >= 80
    assert {names[i] for i in held_out} == {"A", "B"}


def test_several_paths_are_balanced_one_by_one() -> None:
    labels = [
        tuple((name,) for name in NAMES if (i // 2 ** NAMES.index(name)) % 3 == 0) or (("A",),) for i in range(300)
    ]
    _, held_out = split_examples(_examples(labels), 0.2, seed=0)
    total = Counter(path for paths in labels for path in paths)
    held = Counter(path for i in held_out for path in labels[i])
    for path, count in total.items():
        assert 0.1 < held[path] / count < 0.3


def test_seeds_give_different_splits_and_the_same_one_again() -> None:
    examples = _examples(_single(NAMES * 50))
    first = split_examples(examples, 0.1, seed=0)
    assert first == split_examples(examples, 0.1, seed=0)
    assert first != split_examples(examples, 0.1, seed=1)


def test_rows_without_labels_are_split_too() -> None:
    _, held_out = split_examples(_examples([()] * 100), 0.1, seed=0)
    assert len(held_out) == 10


def test_no_share_holds_out_nothing() -> None:
    assert split_examples(_examples(_single(["A"])), 0.0, seed=0) == ([0], [])


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0, float("nan")])
def test_shares_outside_the_bounds_are_refused(share: float) -> None:
    with pytest.raises(ConfigError, match="at least 0 and below 1"):
        split_examples(_examples(_single(["A", "A"])), share, seed=0)


def test_what_cannot_be_split_says_why() -> None:
    with pytest.raises(DataError, match="a single row"):
        split_examples(_examples(_single(["A"])), 0.1, seed=0)
    with pytest.raises(DataError, match="all rows belong together"):
        split_examples(_examples(_single(["A", "A"]), groups=["g", "g"]), 0.1, seed=0)
    with pytest.raises(DataError, match=r"every path has one row.*--valid-share 0"):
        split_examples(_examples(_single(["A", "B"])), 0.1, seed=0)
