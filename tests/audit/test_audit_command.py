"""``textaxa audit`` from table to file: planted faults are found, odd tables end in a sentence."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn", reason="the audit trains; install the extra train")
pytest.importorskip("datasketch", reason="near-duplicates need the extra audit")

from textaxa.cli import app
from textaxa.config import Config
from textaxa.jobs.audit import audit

WORDS = {
    ("Games", "Cards"): "poker bridge deck shuffle trump",
    ("Games", "Sports"): "football club goal match league",
    ("Media", "Photo"): "camera filter picture portrait album",
    ("Media", "Video"): "film clip trailer subtitle scene",
    ("Money",): "bank loan savings account interest",
}


def _rows(n: int = 100) -> list[dict[str, str]]:
    rows = []
    for i in range(n):
        path, words = list(WORDS.items())[i % len(WORDS)]
        one, other = words.split()[i % 3], words.split()[3 + i % 2]
        text = f"{one} {other} für alle, Ausgabe {i}"
        rows.append({"text": text, "category": path[0], "subcategory": path[1] if len(path) > 1 else ""})
    return rows


def _planted() -> list[dict[str, str]]:
    rows = _rows()
    rows[20] |= {"category": "Money", "subcategory": ""}  # was Games > Cards
    rows[22] |= {"category": "Media", "subcategory": "Video"}  # was Media > Photo
    return rows


def _write(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["text", "category", "subcategory"])
        writer.writeheader()
        writer.writerows(rows)
    return file


def _run(*arguments):
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


LABELS = ("--labels", "category,subcategory")


def test_planted_faults_come_first_on_the_screen_and_in_the_file(tmp_path):
    table = _write(tmp_path / "apps.csv", _planted())
    done = _run(table, *LABELS, "-o", tmp_path / "errors.csv")
    assert done.exit_code == 0, done.stderr
    assert "Wrong branch" in done.stdout
    assert "Right branch, wrong leaf" in done.stdout
    assert "model 5 of 5" in done.stderr
    with (tmp_path / "errors.csv").open(encoding="utf-8", newline="") as stream:
        found = list(csv.DictReader(stream))
    first = {row["row"]: (row["given"], row["suggested"], row["kind"]) for row in found[:2]}
    # Lines of the file: the header is the first one.
    assert first == {
        "22": ("Money", "Games > Cards", "wrong branch"),
        "24": ("Media > Video", "Media > Photo", "wrong leaf"),
    }
    assert "für alle" in found[0]["text"]


def test_json_holds_everything(tmp_path):
    rows = [*_planted(), {"text": f"{_rows()[0]['text']}!", "category": "Media", "subcategory": "Photo"}]
    done = _run(_write(tmp_path / "apps.csv", rows), *LABELS, "--json", "--folds", "3")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found["rows"] == 101
    assert {22, 24} <= {error["row"] for error in found["errors"][:4]}
    assert "one of 3 models" in found["how"]
    assert any(102 in group["rows"] for group in found["near_duplicates"] if group["conflict"])
    assert found["near_duplicate_conflicts"] >= 1


def test_standard_output_holds_rows_alone(tmp_path):
    done = _run(_write(tmp_path / "apps.csv", _planted()), *LABELS, "-o", "-", "--quiet", "--folds", "3")
    assert done.exit_code == 0
    assert {row["row"] for row in list(csv.DictReader(done.stdout.splitlines()))[:2]} == {"22", "24"}


def test_a_model_is_trained_anew_unless_it_is_used_as_it_is(tmp_path):
    table = _write(tmp_path / "apps.csv", _planted())
    clean = _write(tmp_path / "clean.csv", _rows())
    train = ["train", str(clean), *LABELS, "--head", "linear", "--out", str(tmp_path / "model"), "--quiet"]
    assert CliRunner().invoke(app, train).exit_code == 0
    for flags, told in (((), "one of 5 models"), (("--as-is",), "the model as it is")):
        done = _run(table, "--model", tmp_path / "model", *flags, "--json")
        found = json.loads(done.stdout)
        assert told in found["how"]
        assert {error["row"] for error in found["errors"][:2]} == {22, 24}


def test_rows_outside_the_model_s_taxonomy_are_told(tmp_path):
    clean = _write(tmp_path / "clean.csv", _rows())
    train = ["train", str(clean), *LABELS, "--head", "linear", "--out", str(tmp_path / "model"), "--quiet"]
    assert CliRunner().invoke(app, train).exit_code == 0
    rows = [*_rows(20), {"text": "new", "category": "Games", "subcategory": "Sporst"}]
    done = _run(_write(tmp_path / "apps.csv", rows), "--model", tmp_path / "model")
    assert done.exit_code == 2
    assert "Sporst" in done.stderr
    assert "Sports" in done.stderr


def test_several_paths_a_row():
    rows = [
        {"text": row["text"], "paths": [[name for name in (row["category"], row["subcategory"]) if name]]}
        for row in _rows()
    ]
    rows[21]["paths"].append(["Money"])  # Games > Sports alone would be right
    result = audit(_config(rows), duplicates=False)
    assert (result.errors[0].row, result.errors[0].given, result.errors[0].change) == (21, ("Money",), "remove")
    assert result.duplicates is None


def _config(rows: list[dict]) -> Config:
    file = Path("rows.jsonl")
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return Config.from_dict({"data": {"table": str(file), "paths": ["paths"]}, "head": {"name": "linear"}})


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


ONE = {"text": "poker", "category": "Games", "subcategory": "Cards"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "no rows"),
        ([ONE] * 6, "nothing to tell apart"),
        ([ONE, {**ONE, "text": " ", "category": "Money"}], "blank"),
        ([ONE, {**ONE, "category": "Money"}], "all rows belong together"),
    ],
    ids=["empty", "one class", "blank", "one text"],
)
def test_tables_that_say_nothing_end_in_a_sentence(tmp_path, rows, told):
    done = _run(_write(tmp_path / "apps.csv", rows), *LABELS)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "errors.csv").exists()


@pytest.mark.parametrize("n", [5, 7, 12])
def test_few_rows_and_labels_of_one_row_do_no_harm(tmp_path, n):
    rows = [*_rows(n), _rows(n)[0], {"text": "solitary", "category": "Lonely", "subcategory": "One"}]
    done = _run(_write(tmp_path / "apps.csv", rows), *LABELS, "-o", tmp_path / "errors.jsonl")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "errors.jsonl").exists()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--as-is",), "--model FOLDER"),
        (("--head", "chained"), "--fine-tune"),
        (("--similarity", "7"), "must be in"),
        (("--path", "category"), "cannot be used together"),
    ],
)
def test_mistakes_end_in_a_sentence(tmp_path, flags, told):
    done = _run(_write(tmp_path / "apps.csv", _rows(10)), *LABELS, *flags)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())


def test_an_interruption_leaves_no_file(tmp_path, monkeypatch):
    import textaxa.jobs.audit

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(textaxa.jobs.audit, "cross_fitted", stop)
    done = _run(_write(tmp_path / "apps.csv", _rows(10)), *LABELS, "-o", tmp_path / "errors.csv")
    assert done.exit_code == 130
    assert sorted(file.name for file in tmp_path.iterdir()) == ["apps.csv"]


def test_a_still_encoder_reads_every_text_once_and_a_learning_one_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="networks need PyTorch")
    from tiny_encoder import make_tiny_encoder

    from textaxa.encoders import TransformerEncoder

    asked: list[int] = []
    encode = TransformerEncoder.encode

    def spy(self, texts):
        asked.append(len(texts))
        return encode(self, texts)

    monkeypatch.setattr(TransformerEncoder, "encode", spy)
    table = _write(tmp_path / "apps.csv", _rows(40))
    tiny = make_tiny_encoder(tmp_path / "tiny")
    flags = ("--head", "flat", "--encoder", tiny, "--set", "training.epochs=1", "--set", "encoder.max_length=32")
    done = _run(table, *LABELS, *flags, "--frozen", "--folds", "2", "--json")
    assert done.exit_code == 0, done.stderr
    assert "(flat)" in json.loads(done.stdout)["how"]
    assert asked == [40]
    done = _run(table, *LABELS, *flags)
    assert done.exit_code == 2
    assert "fine-tuned" in done.stderr
