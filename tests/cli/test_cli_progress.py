"""Progress: a bar on a terminal, lines in a file, nothing that is not asked for."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from textaxa.cli import _progress
from textaxa.cli._progress import _RowsBar, _TrainingBar, time_text

EVENTS = [
    {"event": "data", "rows": 1200, "valid_rows": 100, "nodes": 74, "levels": 2, "source": "apps.csv"},
    {"event": "start", "step": 0, "steps": 20, "epochs": 2},
    {"event": "step", "step": 10, "steps": 20, "epoch": 1.0, "loss": 1.5, "seconds_left": 75.0},
    {"event": "validation", "step": 10, "epoch": 1.0, "path_accuracy": 0.5, "hierarchical_f1": 0.625},
    {"event": "step", "step": 20, "steps": 20, "epoch": 2.0, "loss": 0.5, "seconds_left": 0.0},
    {"event": "end", "step": 20, "seconds": 150.0},
    {"event": "saved", "out": "model"},
]


def test_the_bar_shows_loss_scores_and_time_left():
    progress = Progress(console=Console(file=io.StringIO()))
    bar = _TrainingBar(progress)
    for event in EVENTS[:4]:
        bar(event)
    (task,) = progress.tasks
    assert (task.description, task.completed, task.total) == ("training", 10, 20)
    assert task.fields == {"loss": "loss 1.500", "score": "path 50.0 %, hF1 62.5 %", "left": "1:15 left"}
    for event in EVENTS[4:]:
        bar(event)
    assert (task.description, task.completed, task.fields["left"]) == ("scoring", 20, "")


def test_the_row_bar_shows_the_share_where_there_is_one():
    progress = Progress(console=Console(file=io.StringIO()))
    bar = _RowsBar(progress, "predicting")
    bar({"event": "rows", "rows": 2048, "share": None})
    (task,) = progress.tasks
    assert (task.total, task.fields["rows"], task.fields["left"]) == (None, 2048, "")
    bar({"event": "rows", "rows": 4096, "share": 0.5})
    assert (task.total, task.completed, task.fields["rows"]) == (1.0, 0.5, 4096)


def test_a_file_gets_a_line_an_epoch(capsys):
    with _progress.training_progress() as listener:
        for event in EVENTS:
            listener(event)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "1,200 rows, 100 held out; 74 nodes on 2 levels",
        "epoch 1: loss 1.500, path accuracy 50.0 %, hierarchical F1 62.5 %; 1:15 left",
    ]


def test_what_was_chosen_and_noted_is_told_once():
    out = io.StringIO()
    bar = _TrainingBar(Progress(console=Console(file=out, width=80)))
    bar({"event": "recipe", "preset": "fast", "text": "The time budget fits [fast]."})
    bar({"event": "note", "text": "Computed in every step."})
    assert out.getvalue().splitlines() == ["The time budget fits [fast].", "Computed in every step."]


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3600, "1:00:00"), (36061, "10:01:01")])
def test_times(seconds, text):
    assert time_text(seconds) == text
