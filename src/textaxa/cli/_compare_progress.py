"""Progress of a comparison on stderr: a table that fills in where a person looks on, plain lines where a file does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.live import Live

from textaxa.cli._progress import PERCENT, score_text, time_text
from textaxa.jobs._listener import Event, Listener

if TYPE_CHECKING:
    from rich.console import Group

SCORES = {"path_accuracy": "Path accuracy", "hierarchical_f1": "Hier. F1"}


@contextmanager
def comparison_progress() -> Iterator[Listener]:
    """Give a listener for `textaxa.jobs.compare.run_plan`."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    board = Board()
    with Live(board, console=Console(stderr=True), refresh_per_second=4, transient=True):
        yield board


@dataclass
class _Row:
    """What is known of one model so far."""

    status: str = "waiting"
    scores: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


class Board:
    """One row a model: what it does, its mean scores so far, its training time."""

    def __init__(self) -> None:
        self.rows: dict[str, _Row] = {}
        self.seeds = 1
        self.epochs = 0
        self.title = "Reading"

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event["event"]:
            case "data":
                self.title = data_text(event)
            case "plan":
                self.rows = {name: _Row() for name in event["models"]}
                self.seeds = len(event["seeds"])
            case "comparing":
                self.title = "Computing intervals and tests"
            case "run":
                self._run(event)
            case _:
                self._training(event)

    def _run(self, event: Event) -> None:
        row = self.rows[event["model"]]
        match event["status"]:
            case "started":
                row.status = f"{self._seed(event)}preparing"
            case "failed":
                row.status = f"failed: {event['reason']}"
            case _:
                row.scores.append({name: event[name] for name in SCORES})
                row.seconds.append(event["train_seconds"])
                done = len(row.scores)
                row.status = "done" if done == self.seeds else f"{done} of {self.seeds} seeds done"

    def _training(self, event: Event) -> None:
        row = self.rows[event["model"]]
        match event["event"]:
            case "start":
                self.epochs = event["epochs"]
            case "step":
                epoch = min(self.epochs, int(event["epoch"]) + 1)
                left = f"{time_text(event['seconds_left'])} left"
                row.status = f"{self._seed(event)}epoch {epoch} of {self.epochs}, {left}"
            case "scoring":
                row.status = f"{self._seed(event)}scoring"

    def _seed(self, event: Event) -> str:
        return f"seed {event['seed']}: " if self.seeds > 1 else ""

    def __rich__(self) -> "Group":
        from rich import box
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("Model", overflow="fold")
        table.add_column("Status", overflow="fold")
        for name in SCORES.values():
            table.add_column(name, justify="right")
        table.add_column("Training", justify="right")
        for name, row in self.rows.items():
            scores = [_mean_percent([one[score] for one in row.scores]) for score in SCORES]
            seconds = f"{sum(row.seconds) / len(row.seconds):,.1f} s" if row.seconds else ""
            table.add_row(Text(name), Text(row.status), *scores, seconds)
        return Group(Text(self.title), table)


class _Lines:
    """One line an event that matters, for logs."""

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "data":
                typer.echo(data_text(event), err=True)
            case "plan":
                runs = len(event["models"]) * len(event["seeds"])
                typer.echo(f"{runs} runs: {', '.join(event['models'])}", err=True)
                for name, reason in event["left_out"].items():
                    typer.echo(f"left out: {name} ({reason})", err=True)
            case "run":
                self._run(event)

    def _run(self, event: Event) -> None:
        about = f"{event['model']}, seed {event['seed']}"
        match event["status"]:
            case "started":
                pass
            case "failed":
                typer.echo(f"{about}: failed: {event['reason']}", err=True)
            case status:
                how = "finished before" if status == "kept" else f"trained in {event['train_seconds']:,.1f} s"
                cut = ", stopped by the time budget" if event["stopped_by_time"] else ""
                typer.echo(f"{about}: {how}{cut}, {score_text(event)}", err=True)


def data_text(event: Event) -> str:
    """Give the sizes of a comparison's rows in words.

    >>> data_text({"rows": 800, "valid_rows": 100, "test_rows": 100, "nodes": 30, "levels": 2})
    '800 rows to train on, 100 to choose the epoch by, 100 to compare on; 30 nodes on 2 levels'
    """
    return (
        f"{event['rows']:,} rows to train on, {event['valid_rows']:,} to choose the epoch by, "
        f"{event['test_rows']:,} to compare on; {event['nodes']:,} nodes on {event['levels']} levels"
    )


def _mean_percent(values: list[float]) -> str:
    return f"{PERCENT * sum(values) / len(values):.1f} %" if values else ""
