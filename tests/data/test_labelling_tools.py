"""Exports of Label Studio and Argilla as training rows, and the files for their import."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import pytest

from textaxa.data import Columns, check_examples, iterate_rows, read_examples
from textaxa.data._argilla_records import argilla_record, argilla_settings
from textaxa.data._label_studio_tasks import label_studio_config, label_studio_task
from textaxa.data._votes import Vote, outcome
from textaxa.errors import DataError
from textaxa.taxonomy import NodeRecord, Taxonomy

PATH, PATHS = Columns(path="path"), Columns(paths=("paths",))
BOARD, SPORTS, TOOLS = ["Games", "Board"], ["Games", "Sports"], ["Tools"]
HOSTILE = 'tab\tbell\a & "co" <x>'


def interface(text):
    return ET.fromstring(text)  # noqa: S314 - our own


def annotation(*paths, by=1, when="2026-01-01T00:00:00Z", **more):
    result = [{"from_name": "taxonomy", "to_name": "text", "type": "taxonomy", "value": {"taxonomy": list(paths)}}]
    return {"completed_by": by, "updated_at": when, "was_cancelled": False, "result": result, **more}


def task(text, *annotations, **more):
    return {"id": 7, "data": {"text": text, **more}, "annotations": list(annotations), "predictions": []}


def export(put, *objects, name="export.json"):
    return str(put(name, json.dumps(objects)))


def labels(source, columns=PATH, **options):
    return read_examples(source, columns, **options).labels


def test_an_export_is_known_by_itself_and_every_task_is_a_row(put):
    file = export(put, task("Chess", annotation(BOARD), shop="de"), task("Go"))
    with iterate_rows(file) as rows:
        assert (rows.format, rows.total, rows.columns[:2]) == ("label-studio", 2, ("text", "shop"))
        first, second = (row for _, row in rows)
    assert first == {"text": "Chess", "shop": "de", "path": BOARD, "paths": [BOARD], "labelling": "labelled"}
    assert (second["path"], second["paths"], second["labelling"]) == (None, None, "not labelled")


def test_only_labelled_rows_are_trained_on_and_the_others_are_counted(put):
    skipped = annotation(by=2, was_cancelled=True)
    disputed = task("z", annotation(BOARD, by=1), annotation(TOOLS, by=2))
    found = read_examples(export(put, task("x", annotation(BOARD)), task("y", skipped), disputed, task("w")), PATH)
    assert (found.texts, found.labels, found.rows, found.unit) == (["x"], [(("Games", "Board"),)], [1], "row")
    assert found.left_out == {"skipped": 1, "annotators disagree": 1, "not labelled": 1}


def test_the_check_tells_what_is_left_out_and_does_not_complain_of_it(put):
    report = check_examples(export(put, task("x", annotation(BOARD)), task("y", annotation(TOOLS)), task("z")), PATH)
    assert dict(report.facts)["left out"] == "1 not labelled"
    assert "no-label" not in {finding.kind for finding in report.findings}


def test_drafts_and_predictions_are_no_labels(put):
    only_guess = task("x") | {"predictions": [{"result": annotation(TOOLS)["result"]}], "drafts": [annotation(TOOLS)]}
    with pytest.raises(DataError, match=r"no row with a label \(1 not labelled\)"):
        read_examples(export(put, only_guess), PATH)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ([annotation(BOARD, by=1), annotation(TOOLS, by=2), annotation(TOOLS, by=3)], ("Tools",)),
        ([annotation(BOARD, by=1), annotation(TOOLS, by=2, ground_truth=True)], ("Tools",)),
        ([annotation(BOARD, by=1, when="2026-02-02"), annotation(TOOLS, by=1, when="2026-01-01")], ("Games", "Board")),
        (
            [annotation(BOARD, by={"id": 1}), annotation(BOARD, by={"id": 2}), annotation(TOOLS, by=3)],
            ("Games", "Board"),
        ),
        ([annotation(["Games"], BOARD)], ("Games", "Board")),
        ([annotation(BOARD), annotation(TOOLS, by=2, was_cancelled=True)], ("Games", "Board")),
    ],
    ids=["majority", "ground truth", "last of one person", "people as objects", "parent ticked too", "skipped vote"],
)
def test_rules_for_several_answers(put, annotations, expected):
    assert labels(export(put, task("x", *annotations))) == [(expected,)]


def test_votes_without_a_name_are_of_different_people():
    votes = [Vote(None, ("A",)), Vote(None, ("A",)), Vote("ann", ("B",))]
    assert outcome(votes) == (("A",), "labelled")
    assert outcome([]) == ((), "not labelled")
    both = [Vote("a", ("A", "B")), Vote("b", ("B", "A")), Vote("c", ("A",))]
    assert set(outcome(both)[0]) == {"A", "B"}


def test_several_paths(put):
    file = export(put, task("x", annotation(BOARD, TOOLS)))
    assert labels(file, PATHS) == [(("Games", "Board"), ("Tools",))]
    with pytest.raises(DataError, match=r"row 1: column 'path' holds 2 paths where one belongs.*--paths"):
        labels(file)


def test_flat_choices_are_paths_with_separators(put):
    choices = annotation() | {"result": [{"from_name": "c", "value": {"choices": ["Games > Board"]}}]}
    assert labels(export(put, task("x", choices))) == [(("Games", "Board"),)]


def test_json_min_and_csv_have_a_row_for_every_annotation(put):
    cell = [{"taxonomy": [BOARD]}]
    rows = [
        {"id": 1, "text": "x", "taxonomy": cell, "annotator": 1, "annotation_id": 5, "updated_at": "1"},
        {"id": 1, "text": "x", "taxonomy": cell, "annotator": 2, "annotation_id": 6, "updated_at": "1"},
        {"id": 1, "text": "x", "taxonomy": [{"taxonomy": [TOOLS]}], "annotator": 3, "annotation_id": 7},
        {"id": 2, "text": "y", "taxonomy": [{"taxonomy": [TOOLS]}], "annotator": 1, "annotation_id": 8},
    ]
    expected = [(("Games", "Board"),), (("Tools",),)]
    assert labels(export(put, *rows)) == expected
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | {"taxonomy": json.dumps(row["taxonomy"])} for row in rows)
    assert labels(str(put("export.csv", text.getvalue())), format="label-studio") == expected


def test_the_interface_and_its_results_come_back_whatever_the_names_hold(put):
    taxonomy = Taxonomy.from_paths([("Games", HOSTILE), ("Games", "AC/DC"), ('json:"x"',), (" edge ",)])
    root = interface(label_studio_config(taxonomy, task="multi"))
    control = root.find("Taxonomy")
    assert (control.get("leafsOnly"), control.get("pathSeparator"), control.get("maxUsages")) == ("true", " > ", None)

    def paths(element, above=()):
        for choice in element.findall("Choice"):
            here = [*above, choice.get("alias") or choice.get("value")]
            yield from paths(choice, here) if len(choice) else [here]

    stored = list(paths(control))
    assert len(stored) == 4
    back = labels(export(put, task("x", annotation(*stored))), PATHS)[0]
    assert set(back) == {("Games", HOSTILE), ("Games", "AC/DC"), ('json:"x"',), ("edge",)}
    suggested = label_studio_task({"text": "x"}, [("Games", HOSTILE)])["predictions"][0]["result"]
    assert suggested[0]["value"]["taxonomy"][0] in stored


def test_the_interface_says_what_can_be_chosen():
    inner = Taxonomy.from_paths([("Games",), ("Games", "A > B"), ("Games", "x / y")])
    control = interface(label_studio_config(inner, shown="title")).find("Taxonomy")
    assert (control.get("leafsOnly"), control.get("maxUsages"), control.get("pathSeparator")) == ("false", "1", " » ")
    assert interface(label_studio_config(inner, shown="title")).find("Text").get("value") == "$title"


def test_a_node_with_two_parents_can_be_chosen_under_both():
    records = [NodeRecord("1", (), "A"), NodeRecord("2", (), "B"), NodeRecord("3", ("1", "2"), "c")]
    root = interface(label_studio_config(Taxonomy.from_records(records)))
    assert [choice.get("value") for choice in root.iter("Choice")] == ["A", "c", "B", "c"]


def test_too_many_choices_are_refused():
    records = [NodeRecord(f"{level}{side}", () if level == 0 else (f"{level - 1}a", f"{level - 1}b"), side)
               for level in range(20) for side in "ab"]  # fmt: skip
    with pytest.raises(DataError, match="more than 100,000 choices"):
        label_studio_config(Taxonomy.from_records(records))


def record(text, responses, *, status="completed", name="path", **more):
    return {"id": text, "fields": {"text": text}, "metadata": {"shop": "de"}, "suggestions": {}, "vectors": {}} | {
        "responses": {name: responses}, "status": status, "_server_id": None, **more
    }  # fmt: skip


def response(value, user="u1", **more):
    return {"value": value, "user_id": user, **more}


def test_argilla_records_are_rows(put):
    file = export(
        put,
        record("x", [response("Games > Board"), response("Games > Board", "u2"), response("Tools", "u3")]),
        record("y", [response("Tools")], status="pending"),
        record("z", [response("Tools"), response("Games > Board", "u2")]),
    )
    found = read_examples(file, PATH)
    assert (found.texts, found.labels) == (["x"], [(("Games", "Board"),)])
    assert found.left_out == {"not labelled": 1, "annotators disagree": 1}
    with iterate_rows(file) as rows:
        assert (rows.format, rows.columns[:2]) == ("argilla", ("shop", "text"))


def test_argilla_flat_records_tell_drafts_and_discarded_responses(put):
    def flat(text, values, states):
        users = [f"u{i}" for i in range(len(values))]
        told = {"paths.responses": values, "paths.responses.users": users, "paths.responses.status": states}
        return {"id": text, "status": "completed", "_server_id": None, "text": text, "paths.suggestion": None, **told}

    file = export(
        put,
        flat("x", [["Games > Board", "Tools"], ["Tools"]], ["submitted", "draft"]),
        flat("y", [["Tools"]], ["discarded"]),
        {"id": "w", "status": "pending", "_server_id": None, "text": "w", "paths.suggestion": ["Tools"]},
    )
    found = read_examples(file, PATHS)
    assert found.labels == [(("Games", "Board"), ("Tools",))]
    assert found.left_out == {"skipped": 1, "not labelled": 1}


def test_argilla_import_files():
    taxonomy = Taxonomy.from_paths([("Games", "Board"), ("Games",), ("Tools",)])
    settings = argilla_settings(taxonomy, task="multi", separator=" / ")
    question = settings["questions"][0]
    assert (question["name"], question["settings"]["type"]) == ("paths", "multi_label_selection")
    assert [one["value"] for one in question["settings"]["options"]] == ["Games", "Tools", "Games / Board"]
    made = argilla_record("1", "Chess", {"rank": 1, "tags": ["a"], "none": None}, [("Tools",)], probability=[0.5])
    assert made["metadata"] == {"rank": 1, "tags": '["a"]'}
    assert made["suggestions"] == {"path": {"value": "Tools", "score": 0.5, "agent": "textaxa"}}


def test_argilla_records_that_we_wrote_can_be_read(put):
    lines = [
        json.dumps(argilla_record(str(i), f"text {i}", {"rank": i}, [("Tools",)], probability=[0.5])) for i in (1, 2)
    ]
    with iterate_rows(str(put("next.jsonl", "\n".join(lines))), format="argilla") as rows:
        assert [row["labelling"] for _, row in rows] == ["not labelled"] * 2


@pytest.mark.parametrize(
    ("content", "format", "told"),
    [
        ('[{"text": "x"}]', None, "one JSON array"),
        ('[{"text": "x"}]', "label-studio", "no column of paths"),
        ("[1, 2", "label-studio", "not JSON"),
        ("[[", None, "one JSON array"),
        ("[]", "argilla", "empty"),
        ('[{"data": {"text": "x"}, "annotations": "no"}]', None, "row 1: task .*not a list of annotations"),
        ('[{"data": {"text": "x"}, "annotations": [{"result": 3}]}]', None, "not a list of results"),
        ('[{"data": {"text": "x"}, "annotations": []}, 5]', "label-studio", "row 2: a JSON int"),
        ('[{"data": {"text": "x"}, "annotations": []}, {"x": 1}]', "label-studio", "no 'data'"),
        ('[{"fields": {"text": "x"}, "responses": {}}, {"x": 1}]', "argilla", "row 2: the object has no 'fields'"),
        ("text,path\nx,A\n", "argilla", "exports JSON"),
        ('[{"data": {"text": "x"}}]', "labelstudio", "Did you mean 'label-studio'"),
    ],
)
def test_damaged_and_foreign_exports(put, content, format, told):
    with pytest.raises(DataError, match=told):
        read_examples(str(put("a.json", content)), PATH, format=format)


def test_results_of_two_controls_are_refused_with_the_cure(put):
    both = annotation(BOARD)
    both["result"].append(both["result"][0] | {"from_name": "topic"})
    with pytest.raises(DataError, match=r"task 7: results of 2 controls \(taxonomy, topic\).*Leave one <Taxonomy>"):
        read_examples(export(put, task("x", both)), PATH)
    questions = record("x", [response("A")]) | {"responses": {"a": [response("A")], "b": [response("B")]}}
    with pytest.raises(DataError, match=r"labels of 2 questions \(a, b\)"):
        read_examples(export(put, questions), PATH)


def test_columns_with_our_names_are_kept_under_another(put):
    with iterate_rows(export(put, task("x", annotation(TOOLS), path="old"))) as rows:
        assert next(iter(rows))[1]["input_path"] == "old"


@pytest.mark.parametrize(
    ("taxonomy", "told"),
    [
        (Taxonomy.from_paths([("A > B",), ("C",)]), "contains the separator"),
        (Taxonomy.from_paths([("A",)]), "at least 2 labels"),
        (Taxonomy.from_paths([("A" * 501,), ("C",)]), "501 characters"),
    ],
)
def test_what_argilla_cannot_take(taxonomy, told):
    with pytest.raises(DataError, match=told):
        argilla_settings(taxonomy)
