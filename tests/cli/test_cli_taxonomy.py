"""`textaxa taxonomy`: show, check, convert, diff, edit."""

import json

import pytest
from toy_apps import app_rows, write_csv

from textaxa import Taxonomy, read_taxonomy, write_taxonomy


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "taxonomy.txt"
    file.write_text("Games\n\tSports\n\t\tFootball\n\tCards\nTools\n")
    return file


def test_show_draws_the_tree(run, file):
    done = run("taxonomy", "show", file)
    assert done.exit_code == 0
    for name in ("Games", "Sports", "Football", "Cards", "Tools"):
        assert name in done.stdout
    assert "5 nodes on 3 levels" in done.stdout


def test_show_stops_at_a_depth(run, file):
    done = run("taxonomy", "show", file, "--depth", 1)
    assert "Sports" not in done.stdout
    assert "(2 below)" in done.stdout


def test_show_leaves_out_what_nobody_would_read(run, file, tmp_path, monkeypatch):
    monkeypatch.setattr("textaxa.cli._taxonomy._MOST_SHOWN", 4)
    done = run("taxonomy", "show", file)
    assert "Football" not in done.stdout
    assert "5 nodes on 3 levels (the first 2 shown; --depth shows others)" in done.stdout
    assert "Football" in run("taxonomy", "show", file, "--depth", 3).stdout
    flat = tmp_path / "flat.txt"
    flat.write_text("".join(f"Category {number}\n" for number in range(9)))
    done = run("taxonomy", "show", flat)
    assert "Category 3" in done.stdout
    assert "Category 4" not in done.stdout
    assert "… 5 more" in done.stdout


def test_a_folder_of_arrays(run, file, tmp_path):
    read_taxonomy(file).to_arrays(tmp_path / "model" / "taxonomy.arrays")
    for place in (tmp_path / "model", tmp_path / "model" / "taxonomy.arrays"):
        assert "Football" in run("taxonomy", "show", place).stdout
        assert run("taxonomy", "check", place).exit_code == 0
        assert "no differences" in run("taxonomy", "diff", place, file).stdout
        assert run("taxonomy", "convert", place, tmp_path / f"{place.name}.txt").exit_code == 0
        assert (tmp_path / f"{place.name}.txt").read_text() == file.read_text()
    done = run("taxonomy", "show", tmp_path)
    assert done.exit_code == 2
    assert "neither a model's nor a taxonomy's" in done.stderr


def test_a_names_markup_is_shown_as_it_is(run, tmp_path):
    file = tmp_path / "taxonomy.txt"
    file.write_text("[red]Games[/red]\nTools [beta]\n")
    done = run("taxonomy", "show", file)
    assert "[red]Games[/red]" in done.stdout
    assert "Tools [beta]" in done.stdout


def test_show_reads_a_models_folder(run, model):
    done = run("taxonomy", "show", model)
    assert done.exit_code == 0
    assert "Football" not in done.stdout
    assert "Sports" in done.stdout


def test_show_as_json_is_what_from_dict_reads(run, file):
    from textaxa import Taxonomy

    assert Taxonomy.from_dict(json.loads(run("taxonomy", "show", file, "--json").stdout)) == read_taxonomy(file)


@pytest.mark.parametrize("suffix", ["csv", "yaml", "json"])
def test_convert_and_back_keeps_the_taxonomy(run, file, tmp_path, suffix):
    target, back = tmp_path / f"other.{suffix}", tmp_path / "back.txt"
    assert run("taxonomy", "convert", file, target).exit_code == 0
    assert run("taxonomy", "convert", target, back).exit_code == 0
    assert back.read_text() == file.read_text()


def test_convert_refuses_what_is_there(run, file, tmp_path):
    target = tmp_path / "other.yaml"
    target.write_text("mine")
    done = run("taxonomy", "convert", file, target)
    assert done.exit_code == 2
    assert target.read_text() == "mine"
    assert run("taxonomy", "convert", file, target, "--overwrite").exit_code == 0


def test_check_tells_all_faults_and_ends_with_1(run, tmp_path):
    file = tmp_path / "codes.csv"
    file.write_text("code,parent,name\n1,,A\n2,9,B\n3,4,C\n4,3,D\n")
    done = run("taxonomy", "check", file)
    assert done.exit_code == 1
    report = json.loads(run("taxonomy", "check", file, "--json").stdout)
    assert {finding["kind"] for finding in report["findings"] if finding["severity"] == "error"} == {"cycle", "orphan"}
    assert "error:" in done.stdout


def test_check_without_errors_ends_with_0_and_finds_nodes_without_texts(run, file, tmp_path):
    assert run("taxonomy", "check", file).exit_code == 0
    table = write_csv(tmp_path / "rows.csv", [{"text": "", "where": "Games > Cards"}, {"text": "b", "where": "Tools"}])
    done = run("taxonomy", "check", file, "--data", table, "--path", "where", "--json")
    assert done.exit_code == 0
    (finding,) = [one for one in json.loads(done.stdout)["findings"] if one["kind"] == "no-texts"]
    assert "Games > Sports" in " ".join(finding["examples"])
    unnamed = run("taxonomy", "check", file, "--data", table)
    assert (unnamed.exit_code, "No label columns" in unnamed.stderr) == (2, True)


def test_diff_names_what_changed(run, file, tmp_path):
    other = tmp_path / "new.txt"
    other.write_text("Games\n\tSport\n\t\tFootball\n\tCards\n\tChess\nTools\n")
    done = run("taxonomy", "diff", file, other)
    assert done.exit_code == 0
    assert "renamed" in done.stdout
    assert "Games > Chess" in done.stdout
    changes = json.loads(run("taxonomy", "diff", file, other, "--json").stdout)
    assert changes["renamed"][0]["new"] == ["Games", "Sport"]
    assert run("taxonomy", "diff", file, file).stderr == ""


def test_the_paths_of_a_table_are_a_taxonomy_too(run, tmp_path):
    rows = [{"category": row["category"], "subcategory": row["subcategory"]} for row in app_rows(10)]
    done = run("taxonomy", "show", write_csv(tmp_path / "labels.csv", rows))
    assert done.exit_code == 0
    assert "Sports" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["show", "none.csv"], "none.csv"),
        (["show", "taxonomy.txt", "--format", "yml"], "Did you mean 'yaml'"),
        (["convert", "taxonomy.txt", "other.xyz"], "suffix"),
        (["diff", "taxonomy.txt", "none.csv"], "none.csv"),
    ],
)
def test_mistakes_are_one_paragraph(run, file, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    done = run("taxonomy", *args)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_edit_writes_the_changed_taxonomy(run, tmp_path):
    file, edits, out = tmp_path / "old.csv", tmp_path / "edits.json", tmp_path / "new.yaml"
    write_taxonomy(Taxonomy.from_paths([("Games", "Sports"), ("Tools",)]), file, format="paths")
    edits.write_text('[{"edit": "rename", "path": ["Games"], "name": "[b]Play"}, {"edit": "add", "path": ["Travel"]}]')
    done = run("taxonomy", "edit", file, "--edits", edits, "--out", out)
    assert done.stdout.splitlines() == ["added: Travel", "renamed: Games -> [b]Play"]
    assert "4 nodes written" in done.stderr
    assert list(read_taxonomy(out).nodes) == [("[b]Play",), ("Tools",), ("Travel",), ("[b]Play", "Sports")]
    again = run("taxonomy", "edit", file, "--edits", edits, "-o", out)
    assert again.exit_code == 2
    assert "exists" in again.stderr
    edits.write_text('[{"edit": "remove", "path": ["Gamse"]}]')
    refused = run("taxonomy", "edit", file, "--edits", edits, "-o", tmp_path / "other.csv")
    assert refused.exit_code == 2
    assert "Did you mean 'Games'" in " ".join(refused.stderr.split())
