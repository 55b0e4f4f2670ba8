"""Frames in and out: the same kind and index, the answers of the predict job, no copies of what was there."""

import csv

import numpy as np
import pytest
from jobs.predicted_apps import linear_model, write_table

from textaxa import HierarchicalTextClassifier, Taxonomy, load_model, predict, predict_frame, read_examples
from textaxa.data import Columns, iterate_rows
from textaxa.decisions import Choice
from textaxa.errors import ConfigError, DataError
from textaxa.frames import kind_of

ROWS = [
    {"id": 7, "text": "football club match", "path": "Old > One"},
    {"id": 8, "text": " ", "path": None},
    {"id": 9, "text": "photo edit filter", "path": "Old > Two"},
    {"id": 9, "text": "football club match", "path": "Old > One"},
]
ANSWERS = ["Games > Sports", None, "Media > Photo > Edit", "Games > Sports"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(linear_model(tmp_path_factory.mktemp("single") / "model"))


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return load_model(linear_model(tmp_path_factory.mktemp("several") / "model", task="multi"))


def pandas_frame(rows):
    return pytest.importorskip("pandas", reason="pandas is not installed").DataFrame(rows)


def polars_frame(rows):
    return pytest.importorskip("polars", reason="polars is not installed").DataFrame(rows)


def arrow_table(rows):
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed").Table.from_pylist(rows)


def dataset(rows):
    return pytest.importorskip("datasets", reason="datasets is not installed").Dataset.from_list(rows)


MAKERS = [pandas_frame, polars_frame, arrow_table, dataset, list]


def plain(frame) -> list[dict]:
    """Give any frame as mappings, NaN and NA as None."""
    with iterate_rows(frame) as rows:
        return [row for _, row in rows]


@pytest.mark.parametrize("make", MAKERS)
def test_a_frame_comes_back_as_its_kind_with_the_answers_beside_its_columns(model, make):
    frame = make(ROWS)
    found = predict_frame(model, frame)
    assert type(found) is type(frame)
    rows = plain(found)
    assert list(rows[0]) == ["id", "text", "input_path", "path", "probability", "depth", "stopped"]
    assert [row["path"] for row in rows] == ANSWERS
    assert [row["input_path"] for row in rows] == [row["path"] for row in ROWS]
    assert [row["id"] for row in rows] == [7, 8, 9, 9]
    assert rows[1]["stopped"] == "no text"
    assert rows[1]["depth"] is None
    assert rows[2]["depth"] == 3
    assert rows[0] | {"id": 9} == rows[3]
    assert [row["path"] for row in plain(frame)] == [row["path"] for row in ROWS], "the caller's frame was changed"


@pytest.mark.parametrize("make", MAKERS)
def test_several_paths_are_lists(several, make):
    rows = plain(predict_frame(several, make(ROWS[:2])))
    assert list(rows[0]["paths"])
    assert len(rows[0]["paths"]) == len(rows[0]["probabilities"])
    assert all(" > " in path or path in ("Games", "Money") for path in rows[0]["paths"])
    assert list(rows[1]["paths"]) == []


@pytest.mark.parametrize("make", MAKERS)
def test_where_no_row_has_a_text_the_columns_still_have_their_types(model, make):
    rows = plain(predict_frame(model, make([{"text": ""}, {"text": " "}])))
    assert [row["path"] for row in rows] == [None, None]
    assert [row["stopped"] for row in rows] == ["no text", "no text"]


def test_typed_columns_of_answers_that_are_missing(model):
    found = predict_frame(model, arrow_table([{"text": ""}]))
    assert [str(found.schema.field(name).type) for name in ("path", "probability", "depth")] == [
        "string",
        "double",
        "int64",
    ]


def test_the_answers_are_those_of_the_predict_job(model, tmp_path):
    table = write_table(tmp_path / "in.csv", rows=200)
    predict(model, table, tmp_path / "out.csv", choice=Choice(top=2))
    with table.open(encoding="utf-8", newline="") as file:
        frame = pandas_frame(list(csv.DictReader(file)))
    found = predict_frame(model, frame, choice=Choice(top=2))
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert list(found.columns) == list(written[0])
    for name in ("path", "path_2", "stopped"):
        assert found[name].fillna("").tolist() == [row[name] for row in written]
    probable = [float(row["probability"] or "nan") for row in written]
    assert np.array_equal(found["probability"].to_numpy(), probable, equal_nan=True)


def test_pandas_keeps_its_index_and_shares_its_columns(model):
    frame = pandas_frame(ROWS).set_index(np.array([30, 10, 20, 10]))
    found = predict_frame(model, frame)
    assert found.index.tolist() == [30, 10, 20, 10]
    assert np.shares_memory(found["id"].to_numpy(), frame["id"].to_numpy())
    found.loc[30, "id"] = 0
    assert frame["id"].tolist() == [7, 8, 9, 9]


def test_arrow_and_polars_share_their_columns(model):
    table = arrow_table(ROWS)
    found = predict_frame(model, table)
    assert found["id"].chunk(0).buffers()[1].address == table["id"].chunk(0).buffers()[1].address
    frame = polars_frame(ROWS)
    shared = predict_frame(model, frame)
    address = [one.to_arrow()["id"].chunk(0).buffers()[1].address for one in (frame, shared)]
    assert address[0] == address[1]


def test_only_the_text_columns_are_read(model):
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError("another column was read")

    frame = pandas_frame([{"text": "football", "other": Untouchable()}])
    assert predict_frame(model, frame)["path"].tolist() == ["Games > Sports"]


def test_a_dataset_that_was_shuffled_keeps_its_order(model):
    shuffled = dataset(ROWS).select([2, 0])
    found = predict_frame(model, shuffled)
    assert found["id"] == [9, 7] or list(found["id"]) == [9, 7]
    assert list(found["path"]) == [ANSWERS[2], ANSWERS[0]]


def test_every_split_of_a_dictionary_is_answered(model):
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    splits = datasets.DatasetDict({"one": dataset(ROWS[:1]), "two": dataset(ROWS[2:])})
    found = predict_frame(model, splits)
    assert type(found) is datasets.DatasetDict
    assert list(found["two"]["path"]) == ANSWERS[2:]


def test_duckdb_goes_in_and_its_answer_can_be_queried(model):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed")
    connection = duckdb.connect()
    connection.register("texts", arrow_table(ROWS))
    found = predict_frame(model, connection.sql("select id, text from texts where id < 9 order by id"))
    assert found["path"].to_pylist() == ANSWERS[:2]
    connection.register("answers", found)
    assert connection.sql("select count(*) from answers where path like 'Games%'").fetchall() == [(1,)]
    with iterate_rows(connection.sql("select id from texts")) as rows:
        assert sorted(row["id"] for _, row in rows) == [7, 8, 9, 9]


def test_a_template_and_a_separator(model):
    frame = pandas_frame([{"title": "football", "about": "club"}])
    found = predict_frame(model, frame, template="{title} {about}", separator="/")
    assert found["path"].tolist() == ["Games/Sports"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([{"txt": "a"}], r"no column 'text'.*Did you mean 'txt'"),
        ("football", "not a frame"),
        ({"text": ["a"]}, "not a frame"),
        (np.array(["a"]), "not a frame"),
        ([{"text": 3.5}, {"text": b"x"}], "bytes"),
    ],
)
def test_what_is_no_frame_is_refused(model, frame, message):
    with pytest.raises(DataError, match=message):
        predict_frame(model, frame)


def test_columns_and_lazy_frames_are_refused(model):
    polars = pytest.importorskip("polars", reason="polars is not installed")
    for odd in (polars_frame(ROWS).lazy(), polars.Series(["a"]), pandas_frame(ROWS)["text"]):
        with pytest.raises(DataError, match="not a frame"):
            predict_frame(model, odd)
    with pytest.raises(ConfigError, match="top = 0"):
        predict_frame(model, ROWS, choice=Choice(top=0))


@pytest.mark.parametrize("make", MAKERS)
def test_an_empty_frame_gets_the_columns(model, make):
    if make is list:
        pytest.skip("an empty list has no columns")
    frame = make(ROWS)
    empty = frame.select([]) if make is dataset else frame[:0] if make is not arrow_table else frame.slice(0, 0)
    assert kind_of(predict_frame(model, empty))[1].columns(predict_frame(model, empty))[-4:] == (
        "path",
        "probability",
        "depth",
        "stopped",
    )


# --- training on frames ---------------------------------------------------------------------------------------------

TRAINING = [
    {"name": text, "top": top, "below": below, "split": i % 3}
    for i, (text, top, below) in enumerate(
        [("football club", "Games", "Sports"), ("photo filter", "Media", "Photo"), ("bank note", "Money", "")] * 6
    )
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_classifier_trains_on_a_frame_and_remembers_its_columns(make):
    classifier = HierarchicalTextClassifier(head="linear").fit_frame(
        make(TRAINING), text="name", labels=("top", "below")
    )
    assert classifier.classes_ == [("Games",), ("Media",), ("Money",), ("Games", "Sports"), ("Media", "Photo")]
    rows = plain(predict_frame(classifier, make([{"name": "football"}, {"name": "bank"}])))
    assert [row["path"] for row in rows] == ["Games > Sports", "Money"]


def test_class_labels_are_their_names_and_splits_are_kept_apart():
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    labels = datasets.ClassLabel(names=["Games > Sports", "Money"])
    features = datasets.Features({"text": datasets.Value("string"), "label": labels})

    def split(words):
        return datasets.Dataset.from_dict({"text": words * 8, "label": [0, 1] * 8}, features=features)

    splits = datasets.DatasetDict(
        {
            "train": split(["football", "bank"]),
            "validation": split(["football club", "bank note"]),
            "test": datasets.Dataset.from_dict({"text": ["never"] * 3, "label": [0, 1, 0]}, features=features),
        }
    )
    classifier = HierarchicalTextClassifier(head="linear").fit_frame(splits, path="label")
    assert classifier.predict(["football", "bank"]) == [("Games", "Sports"), ("Money",)]
    assert classifier.model_.summary["rows"] == 16
    assert classifier.model_.summary["valid_rows"] == 16
    with pytest.raises(ConfigError, match="no split 'train'"):
        HierarchicalTextClassifier(head="linear").fit_frame(
            datasets.DatasetDict({"test": splits["test"]}), path="label"
        )


def test_faults_of_a_training_frame_name_their_rows():
    frame = pandas_frame([*TRAINING[:3], {"name": "", "top": "Games", "below": ""}])
    with pytest.raises(DataError, match="index 3"):
        HierarchicalTextClassifier(head="linear").fit_frame(frame, text="name", labels=("top", "below"))
    taxonomy = Taxonomy.from_paths([("Games",), ("Money",)])
    with pytest.raises(DataError, match="Media"):
        HierarchicalTextClassifier(head="linear", taxonomy=taxonomy).fit_frame(frame[:3], text="name", labels=("top",))
    with pytest.raises(ConfigError, match="No label columns"):
        HierarchicalTextClassifier(head="linear").fit_frame(frame, text="name")


def test_any_stream_of_arrow_is_a_table():
    class Stream:
        def __init__(self, table):
            self.table = table

        def __arrow_c_stream__(self, requested_schema=None):
            return self.table.__arrow_c_stream__(requested_schema)

    found = read_examples(Stream(arrow_table(TRAINING)), Columns(text=("name",), labels=("top", "below")))
    assert len(found) == 18
    assert found.labels[2] == (("Money",),)
