"""Options that several commands share, spelled and explained once.

An option that is not given is None, so that the configuration file, or what the model remembers, can speak instead.
"""

import csv
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from textaxa.errors import ConfigError

INPUT = "The table"
LABELS = "The labels"
MODEL = "The model"
RUN = "The run"

Text = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        help="Column of the text; several with commas, or by giving the option again.",
        metavar="COLUMN",
        rich_help_panel=INPUT,
    ),
]
Template = Annotated[
    str | None,
    typer.Option(help="How several text columns become one: '{title}. {description}'.", rich_help_panel=INPUT),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        help="Columns of the label, one a level from the top down, with commas; empty = stops above.",
        metavar="COLUMNS",
        rich_help_panel=LABELS,
    ),
]
Path = Annotated[
    str | None,
    typer.Option(
        "--path",
        help="Column of the whole path: a list, or a string with --separator.",
        metavar="COLUMN",
        rich_help_panel=LABELS,
    ),
]
Paths = Annotated[
    list[str] | None,
    typer.Option(
        "--paths",
        help="Column of several paths a row: a list, a string with --paths-separator; or several columns.",
        metavar="COLUMNS",
        rich_help_panel=LABELS,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(help="Between the names of a path. Default: ' > '.", metavar="TEXT", rich_help_panel=LABELS),
]
PathsSeparator = Annotated[
    str | None,
    typer.Option(help="Between several paths in one cell. Default: ';'.", metavar="TEXT", rich_help_panel=LABELS),
]
Id = Annotated[
    str | None, typer.Option("--id", help="Column that names each row.", metavar="COLUMN", rich_help_panel=INPUT)
]
Group = Annotated[
    str | None,
    typer.Option(help="Column whose equal values stay on one side of splits.", metavar="COLUMN", rich_help_panel=INPUT),
]
TaxonomyFile = Annotated[
    str | None,
    typer.Option(help="The taxonomy's file. Default: the table's paths.", metavar="FILE", rich_help_panel=MODEL),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        help="Hugging Face name or folder. Default: the packaged MiniLM (English).",
        metavar="NAME|DIR",
        rich_help_panel=MODEL,
    ),
]
MaxLength = Annotated[
    int | None, typer.Option(help="Longest piece of text, in tokens. Default: 256.", rich_help_panel=MODEL)
]
ValidShare = Annotated[
    float | None, typer.Option(help="Share held out where there is no --valid. Default: 0.1.", rich_help_panel=RUN)
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the rows. Default: 3; 30 with --frozen.", rich_help_panel=RUN)
]
BatchSize = Annotated[
    int | None, typer.Option(help="Texts a step. Default: 32; 256 with --frozen.", rich_help_panel=RUN)
]
ConfigFile = Annotated[
    str | None, typer.Option(help="Configuration file; flags win over it.", metavar="FILE", rich_help_panel=RUN)
]
_FORMAT_HELP = "csv, tsv, jsonl, parquet, label-studio, argilla or annif; told by the file if not given."
InputFormat = Annotated[
    str | None,
    typer.Option("--input-format", "--format", help=_FORMAT_HELP, metavar="FORMAT", rich_help_panel=INPUT),
]
InputFormatOnly = Annotated[  # for predict, whose --format is that of the output
    str | None,
    typer.Option("--input-format", help=_FORMAT_HELP, metavar="FORMAT", rich_help_panel=INPUT),
]
Encoding = Annotated[
    str | None, typer.Option(help="Character encoding of the table; UTF-8 if not given.", rich_help_panel=INPUT)
]
Delimiter = Annotated[
    str | None, typer.Option(help="Between the cells of a CSV, a comma if not given.", rich_help_panel=INPUT)
]
TimeBudget = Annotated[
    str | None,
    typer.Option(
        "--time-budget",
        help="Stop training after this time: 90s, 10m, 1.5h.",
        metavar="TIME",
        rich_help_panel="The run",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is already there.")]
Runtime = Annotated[
    str,
    typer.Option(
        help="What computes: torch; onnx or openvino, which need an export; auto takes one of these if there is one.",
        rich_help_panel=MODEL,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="For machines: JSON on stdout.")]


def column_names(given: Sequence[str] | None) -> list[str] | None:
    """Give the column names of an option: cut at commas, with quotes around a name that has one.

    >>> column_names(['category,subcategory'])
    ['category', 'subcategory']
    >>> column_names(['"name, full"', "notes"])
    ['name, full', 'notes']
    """
    if not given:
        return None
    return [name.strip() for row in csv.reader(given, skipinitialspace=True) for name in row if name.strip()]


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds_of(time: str | None) -> float | None:
    """Give a time in seconds.

    >>> seconds_of("10m"), seconds_of("1.5 h"), seconds_of("90"), seconds_of(None)
    (600.0, 5400.0, 90.0, None)
    """
    if time is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", time.lower())
    if found is None:
        raise ConfigError(f"The time {time!r} cannot be read. Write 90s, 10m or 1.5h.")
    return float(found[1]) * _SECONDS[found[2]]


def data_options(
    *,
    text: Sequence[str] | None = None,
    template: str | None = None,
    labels: Sequence[str] | None = None,
    path: str | None = None,
    paths: Sequence[str] | None = None,
    separator: str | None = None,
    paths_separator: str | None = None,
    id: str | None = None,
    group: str | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> dict[str, Any]:
    """Give the options about a table as the configuration's section ``data`` has them; None = not given."""
    chosen = [name for name, value in (("--labels", labels), ("--path", path), ("--paths", paths)) if value]
    if len(chosen) > 1:
        raise ConfigError(
            f"{' and '.join(chosen)} cannot be used together: a label stands in level columns (--labels), "
            "in one path column (--path), or several paths stand in a row (--paths)."
        )
    return {
        "text": column_names(text),
        "template": template,
        "labels": column_names(labels),
        "path": path,
        "paths": column_names(paths),
        "separator": separator,
        "paths_separator": paths_separator,
        "id": id,
        "group": group,
        "format": input_format,
        "encoding": encoding,
        "delimiter": delimiter,
    }
