import io

import pytest
from rich.console import Console

from textaxa.evaluation import evaluate_paths, render, to_markdown
from textaxa.taxonomy import Taxonomy


@pytest.fixture
def evaluations():
    taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks")])
    true = [("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Games", "Sports")] * 10
    half = [("Games", "Sports")] * 40
    proba = [[1.0, 1.0, 1.0, 1.0, 1.0]] * 40
    return {
        "chained": evaluate_paths(taxonomy, true, true, node_proba=proba),
        "majority [red]x[/red] | (all)": evaluate_paths(taxonomy, true, half, intervals=False),
    }


@pytest.fixture
def mixed():
    taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks")])
    true = [("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Games", "Sports")] * 10
    return {"half": evaluate_paths(taxonomy, true, [("Games", "Sports")] * 40)}


def shown(evaluations, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(render(evaluations))
    return console.file.getvalue()


def test_the_terminal_shows_one_row_a_system_for_every_level_and_overall(evaluations):
    text = shown(evaluations, 120)
    rows = [line for line in text.splitlines() if "majority [red]x[/red] | (all)" in line]
    assert len(rows) == 4
    assert rows[0].split()[-2:] == ["75.0", "50.0"]
    assert rows[3].split()[-5:] == ["50.0", "62.5", "–", "30.5", "0.75"]
    assert "Level 1 (n = 40)" in text
    assert "hF1-AUC" in text


def test_intervals_stand_beside_their_values_where_there_is_room_and_below_where_not(mixed):
    lines = shown(mixed, 80).splitlines()
    low, high = (f"{100 * end:.1f}" for end in mixed["half"].intervals["levels.2.accuracy"])
    assert lines[next(i for i, line in enumerate(lines) if "half" in line)].split()[-2:] == ["50.0", f"{low}–{high}"]
    low, high = (f"{end:.2f}" for end in mixed["half"].intervals["mistake_severity"])
    last = max(i for i, line in enumerate(lines) if "half" in line)
    assert lines[last].split()[-1] == "0.75"
    assert lines[last + 1].split()[-1] == f"{low}–{high}"


def test_calibration_errors_are_shown_of_systems_with_probabilities(evaluations):
    (row,) = [line for line in shown(evaluations, 120).splitlines() if line.split()[:1] == ["ECE"]]
    assert row.split() == ["ECE", "chained", "25.0", "50.0"]
    assert "| ECE      | chained" in to_markdown(evaluations)
    without = {"majority": evaluations["majority [red]x[/red] | (all)"]}
    assert "| ECE" not in to_markdown(without)


def test_an_interval_without_width_is_not_shown(evaluations):
    assert evaluations["chained"].intervals["path_accuracy"] == (1, 1)
    assert "100.0–100.0" not in shown(evaluations, 120)
    assert "100.0–100.0" not in to_markdown(evaluations)


def test_the_share_of_coherent_outputs_is_shown_where_it_is_not_whole(evaluations):
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    broken = {"broken": evaluate_paths(taxonomy, [("A",)], [("C",)], intervals=False)}
    assert "Coherent" in shown(broken, 120)
    assert "Coherent" not in shown(evaluations, 120)


def test_markdown_has_a_cell_for_every_column(evaluations):
    tables = [block for block in to_markdown(evaluations).split("\n\n") if block.startswith("|")]
    assert len(tables) == 2
    for table in tables:
        bars = [line.replace(r"\|", "").count("|") for line in table.splitlines()]
        assert len(set(bars)) == 1
        assert len({len(line) for line in table.splitlines()}) == 1


def test_systems_with_other_levels_share_a_table():
    shallow = Taxonomy.from_paths([("A",), ("B", "C")])
    one = evaluate_paths(shallow, [("A",)], [("A",)], intervals=False)
    two = evaluate_paths(shallow, [("B", "C")], [("B", "C")], intervals=False)
    assert "| accuracy | one    | 100.0           | –               |" in to_markdown({"one": one, "two": two})
