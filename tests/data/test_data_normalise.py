import datetime

import numpy as np
import pytest

from textaxa.data import normalise_labels, normalise_texts
from textaxa.errors import DataError

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

NESTED = [(("Games", "Chess"),), (("News",),)]

SINGLE = {
    "tuples": [("Games", "Chess"), ("News",)],
    "lists": [["Games", "Chess"], ["News"]],
    "padded": [("Games", "Chess"), ("News", None)],
    "nested": NESTED,
    "nested lists": [[["Games", "Chess"]], [["News"]]],
    "2-D array": np.array([["Games", "Chess"], ["News", None]], dtype=object),
    "2-D array of str": np.array([["Games", "Chess"], ["News", ""]]),
    "array of tuples": np.array([("Games", "Chess"), ("News",)], dtype=object),
    "pandas frame": pandas.DataFrame({"a": ["Games", "News"], "b": ["Chess", float("nan")]}),
    "pandas frame of NA": pandas.DataFrame({"a": ["Games", "News"], "b": ["Chess", pandas.NA]}, dtype="string"),
    "pandas categories": pandas.DataFrame({"a": ["Games", "News"], "b": ["Chess", None]}, dtype="category"),
    "pandas, odd index": pandas.DataFrame({"a": ["Games", "News"], "b": ["Chess", ""]}, index=[9, 9]),
    "polars frame": polars.DataFrame({"a": ["Games", "News"], "b": ["Chess", None]}),
    "series of tuples": pandas.Series([("Games", "Chess"), ("News",)]),
    "frame of one column of lists": polars.DataFrame({"path": [["Games", "Chess"], ["News"]]}),
    "arrow": pytest.importorskip("pyarrow").array([["Games", "Chess"], ["News"]]),
}


@pytest.mark.parametrize("form", SINGLE)
def test_one_path_a_row_in_every_form(form: str) -> None:
    assert normalise_labels(SINGLE[form]) == (NESTED, "single")


@pytest.mark.parametrize(
    "labels",
    [
        ["Games > Chess", "News"],
        [["Games > Chess"], ["News"]],
        np.array(["Games > Chess", "News"]),
        pandas.Series(["Games > Chess", "News"], dtype="category"),
        pandas.DataFrame({"path": ["Games > Chess", "News"]}),
        polars.Series(["Games > Chess", "News"]),
        SINGLE["pandas frame"],
        SINGLE["nested"],
    ],
)
def test_text_is_split_where_a_separator_is_given(labels: object) -> None:
    assert normalise_labels(labels, separator=" > ") == (NESTED, "single")


def test_names_without_a_separator_are_paths_of_one_level() -> None:
    expected = ([(("A",),), (("B/C",),)], "single")
    for labels in (
        ["A", "B/C"],
        ("A", "B/C"),
        np.array([["A"], ["B/C"]]),
        pandas.Series(["A", "B/C"]),
        iter(["A", "B/C"]),
    ):
        assert normalise_labels(labels) == expected


def test_numbers_become_names() -> None:
    assert normalise_labels([1, 2]) == normalise_labels(np.array([1, 2])) == ([(("1",),), (("2",),)], "single")
    frame = pandas.DataFrame({"a": [11, 12], "b": [1101, None]})
    assert normalise_labels(frame)[0] == [(("11", "1101"),), (("12",),)]


def test_several_paths_are_decided_over_all_rows() -> None:
    labels = [[("Games", "Chess")], [("News",)], [("News",), ("Games", "Chess"), ("News",)]]
    found, task = normalise_labels(labels)
    assert task == "multi"
    assert found == [(("Games", "Chess"),), (("News",),), (("News",), ("Games", "Chess"))]
    assert normalise_labels(labels[:2])[1] == "single"
    assert normalise_labels(labels[:2], task="multi")[1] == "multi"
    strings = [["Games > Chess"], ["News", "Games > Chess"]]
    assert normalise_labels(strings, separator=" > ") == (
        [(("Games", "Chess"),), (("News",), ("Games", "Chess"))],
        "multi",
    )


def test_several_paths_are_refused_where_one_belongs() -> None:
    with pytest.raises(DataError, match="index 1: 2 paths where one belongs"):
        normalise_labels([[("A",)], [("A",), ("B",)]], task="single")


def test_all_bad_rows_are_told_together() -> None:
    with pytest.raises(DataError) as caught:
        normalise_labels([("A", "B"), "A", [("A",)], (), None, ("A", ("B",)), ("", "")])
    message = str(caught.value)
    assert "labels has 6 faults" in message
    for piece in (
        "index 1: one text where the first rows have a path: 'A'",
        "index 2: several paths where the first rows have a path",
        "index 3: there is no label: ()",
        "index 4: there is no label: None",
        "index 5: paths and texts side by side",
        "index 6: there is no label",
    ):
        assert piece in message


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, r"missing \(None\)"),
        ([], "no labels: 0 rows"),
        (np.array([]), "0 rows"),
        (pandas.DataFrame({"a": []}), "0 rows"),
        ("A", "are one text"),
        ({"a": "b"}, "no rows in order"),
        ({"A", "B"}, "no rows in order"),
        (3, "no rows in order"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.array("A"), "0 dimensions"),
        (np.array([[0, 1], [1, 0]]), "matrix of 0 and 1"),
        (np.array([[True, False]]), "matrix of 0 and 1"),
        ([{"a": 1}], "index 0: .*dict"),
        ([b"A"], "index 0: .*bytes"),
        ([datetime.date(2020, 1, 1)], "index 0: .*date"),
        ([("", "B")], "index 0: .*empty name at level 1"),
        (["A > B"], r"index 0: the name 'A > B'.*separator=' > '"),
        ([("A > B", "C")], "contains the separator"),
    ],
)
def test_what_is_no_label_is_refused(labels: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        normalise_labels(labels)


def test_an_empty_name_in_a_path_of_text_is_refused() -> None:
    with pytest.raises(DataError, match=r"index 1: .*empty name at level 2"):
        normalise_labels(["A / B", "A /"], separator=" / ")


def test_a_sparse_matrix_is_refused() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(DataError, match=r"sparse matrix|no rows in order"):
        normalise_labels(sparse.csr_matrix((2, 2)))


@pytest.mark.parametrize(
    "texts",
    [
        ["a", " b "],
        ("a", "b"),
        iter(["a", "b"]),
        np.array(["a", "b"]),
        np.array([["a"], ["b"]], dtype=object),
        pandas.Series(["a", "b"], index=[5, 5]),
        pandas.DataFrame({"text": ["a", "b"]}),
        polars.Series(["a", "b"]),
        polars.DataFrame({"text": ["a", "b"]}),
        pytest.importorskip("pyarrow").chunked_array([["a"], ["b"]]),
        pytest.importorskip("datasets").Dataset.from_dict({"text": ["a", "b"]})["text"],
    ],
)
def test_texts_in_every_form(texts: object) -> None:
    found = normalise_texts(texts)
    assert found == ["a", "b"]
    assert all(type(text) is str for text in found)


def test_bad_texts_are_named_row_by_row() -> None:
    with pytest.raises(DataError) as caught:
        normalise_texts(["a", None, float("nan"), " \t", 3, b"x", pandas.NA, ["a"]])
    message = str(caught.value)
    assert "texts has 7 faults" in message
    for index in range(1, 8):
        assert f"index {index}:" in message
    with pytest.raises(DataError, match="index 0: float64"):
        normalise_texts(np.zeros(1))
    with pytest.raises(DataError, match="index 1: the text has half of a surrogate pair"):
        normalise_texts(["é 😀", "x\ud83d"])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ("one text", "are one text"),
        (None, "missing"),
        ([], "0 rows"),
        (np.zeros((2, 2)) + 5, "2 columns"),
        (pandas.DataFrame({"a": ["x"], "b": ["y"]}), "2 columns"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(texts: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        normalise_texts(texts)
