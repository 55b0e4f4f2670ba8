"""Tables in pieces, a tiny model, and what one process makes of them; shared by the tests of all engines."""

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from jobs.predicted_apps import linear_model, write_table

from textaxa.jobs.predict import predict


def tables(folder: Path, files: int = 3, rows: int = 90, group: int = 20) -> Path:
    """Write Parquet files of several row groups, with a column of a type of its own."""
    folder.mkdir()
    for number in range(files):
        source = write_table(folder.parent / "one.csv", rows)
        with source.open(newline="", encoding="utf-8") as stream:
            read = list(csv.DictReader(stream))
        cells = {
            "id": pa.array([number * rows + int(row["id"]) for row in read], pa.int32()),
            "text": [f"{row['text']} {number}" if row["text"].strip() else row["text"] for row in read],
            "note": [row["note"] or None for row in read],
            "day": pa.array([number] * rows, pa.date32()),
        }
        pq.write_table(pa.table(cells), folder / f"{number}.parquet", row_group_size=group)
    return folder


def read(folder: Path | str, **how) -> list[dict]:
    """Read a folder of Parquet files in the order of their names, as a stranger would."""
    return ds.dataset(str(folder), format="parquet", **how).to_table().to_pylist()


def alone(model: Path, folder: Path, out: Path) -> list[dict]:
    """Give the rows that one process writes for the same files."""
    found = []
    for file in sorted(folder.glob("*.parquet")):
        predict(model, file, out, overwrite=True)
        found += pq.read_table(out).to_pylist()
    return found


__all__ = ["alone", "linear_model", "read", "tables"]
