"""Scoring on the workers of Ray Data and Spark, beside one process on as many cores.

    python benchmarks/distributed/scoring.py
    python benchmarks/distributed/scoring.py --dry      # a minute, writes nothing

Parquet files with texts of all lengths that the data set has, none twice; its fine-tuned model, exported. Each way is a
process of its own, in turn, medians over rounds. *While running* is texts a second from the first piece that is done to
the last; *as a whole* begins when the process does, so it has the start of Ray or Spark and the loading of models.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "serve"))

from _serving import RESULTS, describe, options, served_model, texts_of

WAYS = {
    "one process, one thread": ("predict", 1),
    "Ray, 1 worker": ("ray", 1),
    "Spark, 1 worker": ("spark", 1),
    "one process, all cores": ("predict", 2),
    "Ray, 2 workers": ("ray", 2),
    "Spark, 2 workers": ("spark", 2),
}
BESIDE = {1: "one process, one thread", 2: "one process, all cores"}

SCRIPT = """
import json, sys, time
engine, workers, model, folder, out, block = sys.argv[1:]
marks = []
def hear(event):
    if event["event"] == "rows":
        marks.append((time.monotonic(), event["rows"]))
if engine == "predict":
    from textaxa.jobs.predict import predict
    rows = predict(model, folder + "/all.parquet", out + ".parquet", text="text", listener=hear).rows
else:
    from textaxa.distributed import predict_parts
    rows = predict_parts(model, folder + "/parts", out, text="text", engine=engine, workers=int(workers),
                         block_rows=int(block), listener=hear).rows
(start, first), (end, last) = marks[0], marks[-1]
print(json.dumps({"rows": rows, "rate": (last - first) / (end - start)}))
"""


def main() -> None:
    given = options(__doc__, texts=(int, 20_000, 6_000), rounds=(int, 3, 1))
    model = served_model(given.set, given.precision).resolve()
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = _tables(Path(scratch), texts_of(given.set, given.texts))
        for number in range(given.rounds):
            for way, (engine, cores) in WAYS.items():
                out = Path(scratch) / f"out-{number}-{engine}-{cores}"
                found[way].append(_run((engine, cores), model, folder, out, given.texts))
                print(way, json.dumps(found[way][-1]), flush=True)
    record = {"set": given.set, "precision": given.precision, "texts": given.texts, "ways": found}
    print(_table(record))
    if not given.dry:
        record["machine"] = f"{describe()} {_versions()}"
        with (RESULTS / "scoring.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        (RESULTS / "scoring.md").write_text(f"{_table(record)}\n\n{record['machine']}\n", encoding="utf-8")


def _block(texts: int) -> int:
    return texts // 20


def _tables(place: Path, texts: list[str]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"id": range(len(texts)), "text": texts})
    pq.write_table(table, place / "all.parquet", row_group_size=_block(len(texts)))
    (place / "parts").mkdir()
    half = len(texts) // 2
    for name, part in (("a", table.slice(0, half)), ("b", table.slice(half))):
        pq.write_table(part, place / "parts" / f"{name}.parquet", row_group_size=_block(len(texts)))
    return place


def _run(way: tuple[str, int], model: Path, folder: Path, out: Path, texts: int) -> dict[str, float]:
    """Run one way in a process of its own; workers have one core each, so only ``predict`` may use more threads."""
    (engine, cores), block = way, _block(texts)
    environment = dict(os.environ)
    environment.pop("OMP_NUM_THREADS", None)
    if engine == "predict":
        environment["OMP_NUM_THREADS"] = str(cores)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, engine, str(cores), str(model), str(folder), str(out), str(block)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    told = json.loads(done.stdout.splitlines()[-1])
    if told["rows"] != texts:
        sys.exit(f"{engine} with {cores} wrote {told['rows']} rows of {texts}")
    return {"running": told["rate"], "whole": texts / (time.monotonic() - started)}


def _table(record: dict[str, Any]) -> str:
    medians = {
        way: {name: statistics.median(run[name] for run in runs) for name in ("running", "whole")}
        for way, runs in record["ways"].items()
    }
    lines = [
        "# Scoring by workers",
        "",
        f"{record['texts']:,} texts of {record['set']}, its fine-tuned model (export {record['precision']}); texts a "
        "second, medians over rounds. Ratios are to one process on as many cores; the aim while running is 0.9. The "
        "clock of that column begins with the first of twenty pieces that is done; with two workers the other has then "
        "nearly done its own, which flatters two workers by up to a twentieth.",
        "",
        "| way | while running | ratio | as a whole | ratio |",
        "| --- | --: | --: | --: | --: |",
    ]
    for way, (_, cores) in WAYS.items():
        one, beside = medians[way], medians[BESIDE[cores]]
        lines.append(
            f"| {way} | {one['running']:,.0f} | {one['running'] / beside['running']:.2f} "
            f"| {one['whole']:,.0f} | {one['whole'] / beside['whole']:.2f} |"
        )
    return "\n".join(lines)


def _versions() -> str:
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("ray", "pyspark")) + "."


if __name__ == "__main__":
    main()
