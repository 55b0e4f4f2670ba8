"""`textaxa select`, from table to table and to the files of labelling tools, and back into training."""

import csv
import io
import json

import numpy as np
import pytest
from tiny_encoder import make_tiny_encoder
from training.apps import rows
from typer.testing import CliRunner

from textaxa import select
from textaxa.cli import app
from textaxa.data import Columns, read_examples
from textaxa.errors import ConfigError, DataError
from textaxa.linear import LinearModel
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, LABELS = rows(60)
TAXONOMY = Taxonomy.from_paths(path for paths in LABELS for path in paths)
UNSURE = "football puzzle match game"
NEW = [f"{text} again" for text in TEXTS[:40]] + [UNSURE, "bank video", TEXTS[0] + " AGAIN", " "]


@pytest.fixture(scope="module")
def model():
    return LinearModel.fit(TEXTS, LABELS, TAXONOMY)


@pytest.fixture(scope="module")
def several():
    return LinearModel.fit(TEXTS, [(*paths, ("Extra",)) if i % 3 else paths for i, paths in enumerate(LABELS)],
                           Taxonomy.from_paths([*TAXONOMY.nodes, ("Extra",)]), task="multi")  # fmt: skip


def table(texts=NEW):
    return [{"text": text, "shop": f"s{i}"} for i, text in enumerate(texts)]


def chosen(tmp_path, *arguments, name="next.csv", **options):
    result = select(*arguments, tmp_path / name, overwrite=True, **options)
    return result, list(csv.DictReader(io.StringIO((tmp_path / name).read_text(encoding="utf-8"))))


def test_rows_keep_their_columns_and_get_rank_reason_and_suggestion(model, tmp_path):
    result, found = chosen(tmp_path, table(), model=model, n=8)
    assert list(found[0]) == ["text", "shop", "rank", "chosen", "reason", "suggestion", "probability"]
    assert [row["rank"] for row in found] == [str(rank) for rank in range(1, 9)]
    assert all(row["shop"] == f"s{NEW.index(row['text'])}" for row in found)
    assert (result.chosen, result.rows, result.blank, result.duplicates, result.random) == (8, 44, 1, 1, 0)
    for row in found:
        [best] = model.predict([row["text"]])[0]
        assert row["suggestion"] == " > ".join(best.path)
        assert float(row["probability"]) == pytest.approx(best.probability, abs=1e-5)


def test_texts_about_which_the_model_is_unsure_come_first_and_the_reason_says_between_what(model, tmp_path):
    _, found = chosen(tmp_path, table(), model=model, n=4)
    [row] = [row for row in found if row["text"] == UNSURE]
    assert row["chosen"] == "unsure"
    assert row["reason"].startswith("unsure at level ")
    assert "Games > Sports" in row["reason"] or "Games > Puzzle" in row["reason"]


def test_texts_that_the_model_knows_are_left(model, tmp_path):
    texts = [*TEXTS[:20], UNSURE, "video bank game"]
    _, found = chosen(tmp_path, table(texts), model=model, n=2)
    margins = {
        text: np.diff(np.sort([p.path_probability for p in model.predict([text], top=2)[0]]))[0] for text in texts
    }
    assert {row["text"] for row in found} <= set(sorted(margins, key=margins.get)[:8])


def test_of_many_clear_texts_the_mixed_ones_are_found_and_of_both_kinds(model, tmp_path):
    clear = [f"{TEXTS[i % len(TEXTS)]} number {i}" for i in range(180)]
    mixed = [f"{words} {i}" for i in range(10) for words in ("football bank club money", "photo puzzle edit game")]
    _, found = chosen(tmp_path, table([*clear, *mixed]), model=model, n=20)
    hits = [row["text"].split()[0] for row in found if row["text"] in mixed]
    assert len(hits) >= 12  # of random rows: 2
    assert min(hits.count("football"), hits.count("photo")) >= 4


def test_the_same_seed_and_rows_choose_the_same_whatever_the_blocks(model, tmp_path, monkeypatch):
    options = {"model": model, "n": 6, "random_share": 0.5}
    first = chosen(tmp_path, table(), seed=3, **options)[1]
    monkeypatch.setattr("textaxa.jobs.select.BLOCK", 7)
    blocked = chosen(tmp_path, table(), seed=3, **options)[1]
    assert [row["text"] for row in first] == [row["text"] for row in blocked]
    assert [row["text"] for row in first] != [row["text"] for row in chosen(tmp_path, table(), seed=4, **options)[1]]


def test_random_rows_are_marked_and_spread_evenly(model, tmp_path):
    result, found = chosen(tmp_path, table(), model=model, n=10, random_share=0.5)
    assert result.random == 5
    assert [row["chosen"] for row in found] == ["unsure", "random"] * 5
    assert len({row["text"] for row in found}) == 10
    assert chosen(tmp_path, table(), model=model, n=4, random_share=1.0)[0].random == 4


def test_without_a_model_texts_unlike_each_other_are_chosen(tmp_path):
    kinds = ["football club", "bank money", "photo editor", "puzzle for two"]
    hits = []
    for seed in range(10):
        _, found = chosen(tmp_path, table([f"{kinds[i % 4]} {kinds[i % 4]} {i}" for i in range(60)]), n=4, seed=seed)
        hits.append(len({row["text"].split()[0] for row in found}))
    assert np.mean(hits) > 3.6  # of random rows: 2.7
    assert list(found[0]) == ["text", "shop", "rank", "chosen", "reason"]
    assert {row["chosen"] for row in found} == {"diverse"}


def test_texts_without_a_word_can_be_chosen_too(tmp_path):
    assert chosen(tmp_path, table(["!!!", "???", "..."]), n=2)[0].chosen == 2


def test_several_paths(several, tmp_path):
    _, found = chosen(tmp_path, table(), model=several, n=5)
    assert all(row["reason"].startswith("unsure whether it is ") for row in found)
    assert any("; " in row["suggestion"] and "; " in row["probability"] for row in found)


def test_neural_models_choose_by_the_vectors_of_their_encoder(tmp_path):
    encoder = EncoderSettings(encoder=str(make_tiny_encoder(tmp_path / "encoder")), frozen=True, max_length=16)
    made = train_model(
        TEXTS, LABELS, TAXONOMY, encoder=encoder, training=TrainingSettings(epochs=1, device="cpu", batch_size=64)
    )
    result, found = chosen(tmp_path, table(), model=made, n=5)
    assert result.chosen == len(found) == 5


def test_labelled_texts_are_passed_over(model, tmp_path):
    result, found = chosen(tmp_path, table(), model=model, n=99, labelled=[{"text": UNSURE.upper()}])
    assert UNSURE not in {row["text"] for row in found}
    assert result.chosen == 41


def answered(tmp_path, answer):
    """Answer every task of next.json as an annotator would; give the export's name."""
    tasks = json.loads((tmp_path / "next.json").read_text(encoding="utf-8"))
    for task in tasks:
        result = [{"from_name": "taxonomy", "type": "taxonomy", "value": {"taxonomy": answer(task)}}]
        task["annotations"] = [{"completed_by": 1, "was_cancelled": False, "result": result}]
    (tmp_path / "export.json").write_text(json.dumps(tasks), encoding="utf-8")
    return str(tmp_path / "export.json")


def test_label_studio_there_and_back(model, tmp_path):
    result = select(table(), tmp_path / "next.json", model=model, n=6, format="label-studio")
    assert [file.rsplit(".", 2)[-2:] for file in result.files][1] == ["config", "xml"]
    assert 'value="$text"' in (tmp_path / "next.config.xml").read_text(encoding="utf-8")
    export = answered(tmp_path, lambda task: task["predictions"][0]["result"][0]["value"]["taxonomy"])
    found = read_examples(export, Columns(path="path"), taxonomy=model.taxonomy)
    assert found.labels == [(row[0].path,) for row in model.predict(found.texts)]
    # What is labelled in the export is not chosen again.
    assert chosen(tmp_path, table(), model=model, n=99, labelled=export)[0].chosen == 36
    with pytest.raises(DataError, match=r"no text to choose.*6 labelled"):
        select(export, model=model)


def test_a_text_of_several_columns_has_a_key_of_its_own(model, tmp_path):
    rows_of_two = [{"title": "Chess", "text": "play"}, {"title": "Bank", "text": "money"}]
    select(rows_of_two, tmp_path / "next.json", model=model, template="{title}: {text}", format="label-studio", n=2)
    data = [task["data"] for task in json.loads((tmp_path / "next.json").read_text(encoding="utf-8"))]
    assert sorted(row["shown_text"] for row in data) == ["Bank: money", "Chess: play"]
    assert 'value="$shown_text"' in (tmp_path / "next.config.xml").read_text(encoding="utf-8")


def test_argilla_there_and_back(several, tmp_path):
    select(table(), tmp_path / "next.jsonl", model=several, n=4, format="argilla")
    records = [json.loads(line) for line in (tmp_path / "next.jsonl").read_text(encoding="utf-8").splitlines()]
    settings = json.loads((tmp_path / "next.settings.json").read_text(encoding="utf-8"))
    options = {one["value"] for one in settings["questions"][0]["settings"]["options"]}
    for record in records:
        suggested = record["suggestions"]["paths"]
        assert set(suggested["value"]) <= options
        assert len(suggested["score"]) == len(suggested["value"])
        record |= {"responses": {"paths": [{"value": suggested["value"], "user_id": "u"}]}, "status": "completed"}
    (tmp_path / "export.json").write_text(json.dumps(records), encoding="utf-8")
    found = read_examples(str(tmp_path / "export.json"), Columns(paths=("paths",)), taxonomy=several.taxonomy)
    assert [set(row) for row in found.labels] == [{p.path for p in row} for row in several.predict(found.texts)]


def test_without_a_model_a_labelling_tool_needs_a_taxonomy(tmp_path):
    with pytest.raises(ConfigError, match="choose from a taxonomy, and none is known"):
        select(table(), tmp_path / "next.json", format="label-studio")
    select(table(), tmp_path / "next.json", taxonomy=TAXONOMY, format="label-studio", n=2)
    assert "predictions" not in json.loads((tmp_path / "next.json").read_text(encoding="utf-8"))[0]


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"n": 0}, ConfigError, "at least 1"),
        ({"random_share": 1.5}, ConfigError, r"in \[0, 1\]"),
        ({"task": "both"}, ConfigError, "single, multi"),
        ({"format": "labelstudio"}, DataError, "Did you mean 'label-studio'"),
        ({"text": "body"}, DataError, "no column 'body'"),
    ],
)
def test_mistakes(options, error, told):
    with pytest.raises(error, match=told):
        select(table(), **options)


def test_nothing_to_choose_and_outputs_that_are_there(tmp_path):
    with pytest.raises(DataError, match=r"no text to choose: of its 2 rows are 2 without a text"):
        select([{"text": " "}, {"text": ""}], tmp_path / "a.csv")
    (tmp_path / "a.config.xml").write_text("mine")
    with pytest.raises(ConfigError, match=r"a.config.xml' is already there"):
        select(table(), tmp_path / "a.json", taxonomy=TAXONOMY, format="label-studio")
    with pytest.raises(ConfigError, match="are two, so they need a name"):
        select(table(), taxonomy=TAXONOMY, format="argilla")


def run(*arguments, input=None):
    return CliRunner().invoke(app, [str(one) for one in arguments], input=input)


def test_the_command_line(model, tmp_path):
    from textaxa import save_model

    save_model(model, tmp_path / "m")
    new = tmp_path / "new.csv"
    new.write_text("text,rank\n" + "".join(f"{text},x\n" for text in NEW[:-1]), encoding="utf-8")
    done = run("select", new, "--model", tmp_path / "m", "-n", 5, "--random-share", 0.4, "-o", tmp_path / "next.csv")
    assert done.exit_code == 0, done.stderr
    assert "5 of 43 rows (passed over: 1 of a text seen before), 2 of them at random" in done.stderr
    assert "'rank' is kept as 'input_rank'" in done.stderr
    piped = run("select", "-", "-n", 3, input=new.read_text(encoding="utf-8"))
    assert (piped.exit_code, piped.stderr) == (
        0,
        "The input's column 'rank' is kept as 'input_rank': 'rank' is the result now.\n",
    )
    assert len(list(csv.DictReader(io.StringIO(piped.stdout)))) == 3
    again = run("select", new, "-o", tmp_path / "next.csv")
    assert (again.exit_code, "already there" in again.stderr) == (2, True)


def test_an_export_trains_a_model(model, tmp_path):
    select(table(), tmp_path / "next.json", model=model, n=20, format="label-studio")
    export = answered(tmp_path, lambda task: task["predictions"][0]["result"][0]["value"]["taxonomy"])
    out = tmp_path / "m"
    done = run("train", export, "--text", "text", "--path", "path", "--head", "linear", "--out", out, "--quiet")
    assert done.exit_code == 0, done.stderr
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))
