"""Progress on stderr: a bar where a person looks on, plain lines where a file does."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from textaxa.jobs._listener import Event, Listener, nobody

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PERCENT = 100

BAR_WIDTH = 10
"""Short, so that loss, scores and time left fit beside it in 80 columns."""


@contextmanager
def training_progress() -> Iterator[Listener]:
    """Give a listener for training: loss, validation score and time left."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=BAR_WIDTH),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TextColumn("{task.fields[score]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _TrainingBar(progress)


@contextmanager
def rows_progress(description: str) -> Iterator[Listener]:
    """Give a listener for rows that stream by: how many, what share of the input, how fast."""
    if not sys.stderr.isatty():
        yield nobody
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _RowsBar(progress, description)


def score_text(event: Event, *, short: bool = False) -> str:
    """Give the validation scores of an event in words.

    >>> score_text({"path_accuracy": 0.612, "hierarchical_f1": 0.75})
    'path accuracy 61.2 %, hierarchical F1 75.0 %'
    """
    names = {"path_accuracy": ("path accuracy", "path"), "hierarchical_f1": ("hierarchical F1", "hF1")}
    return ", ".join(
        f"{labels[short]} {PERCENT * event[name]:.1f} %" for name, labels in names.items() if name in event
    )


def time_text(seconds: float) -> str:
    """Give a time in minutes and seconds.

    >>> time_text(75)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _TrainingBar:
    def __init__(self, progress: "Progress") -> None:
        self.progress = progress
        self.task: TaskID = progress.add_task("reading", total=None, loss="", score="", left="")

    def __call__(self, event: Event) -> None:
        show: dict[str, Any] = {}
        match event["event"]:
            case "data":
                show = {"description": "preparing"}
            case "note" | "recipe":
                self.progress.console.print(event["text"], highlight=False, markup=False)
            case "encoded":
                show = {"description": "encoding", "total": event["of"], "completed": event["rows"]}
            case "start":
                show = {"description": "training", "total": event["steps"], "completed": event["step"]}
            case "step":
                left = f"{time_text(event['seconds_left'])} left"
                show = {"completed": event["step"], "loss": f"loss {event['loss']:.3f}", "left": left}
            case "validation":
                show = {"score": score_text(event, short=True)}
            case "end":
                show = {"description": "scoring", "completed": event["step"], "left": ""}
        if show:
            self.progress.update(self.task, **show)


class _RowsBar:
    def __init__(self, progress: "Progress", description: str) -> None:
        self.progress = progress
        self.task = progress.add_task(description, total=None, rows=0, rate="", left="")

    def __call__(self, event: Event) -> None:
        share, rows = event["share"], event["rows"]
        elapsed = self.progress.tasks[0].elapsed or 0.0
        rate = f"{rows / elapsed:,.0f} rows/s" if elapsed else ""
        left = f"{time_text(elapsed * (1 - share) / share)} left" if share else ""
        total = {} if share is None else {"total": 1.0, "completed": share}
        self.progress.update(self.task, rows=rows, rate=rate, left=left, **total)


class _Lines:
    """One line an epoch, for logs."""

    def __init__(self) -> None:
        self.loss: float | None = None
        self.left = ""

    def __call__(self, event: Event) -> None:
        match event["event"]:
            case "data":
                held = f", {event['valid_rows']:,} held out" if event["valid_rows"] else ""
                typer.echo(
                    f"{event['rows']:,} rows{held}; {event['nodes']:,} nodes on {event['levels']} levels", err=True
                )
            case "note" | "recipe":
                typer.echo(event["text"], err=True)
            case "step":
                self.loss, self.left = event["loss"], f"; {time_text(event['seconds_left'])} left"
            case "validation":
                loss = "" if self.loss is None else f"loss {self.loss:.3f}, "
                typer.echo(f"epoch {event['epoch']:.0f}: {loss}{score_text(event)}{self.left}", err=True)
