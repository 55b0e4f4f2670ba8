"""Does `textaxa predict` need more memory for more rows? Peak memory on 10,000 and on 1,000,000 short texts.

The encoder is a tiny random BERT, so that a million rows take minutes: what is measured is the way of the rows, which
is the same for every encoder. Each size runs in a process of its own; peak memory is the highest resident set that the
kernel saw.

    python benchmarks/bench_predict_memory.py       # writes results/predict_memory.md
"""

import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from _machine import PEAK_MIB, describe

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
SIZES = (10_000, 1_000_000)
TEXT = "game play football club build match strategy puzzle music photo edit video bank money note app"
WORDS = TEXT.split()

PREDICT = f"""
import json, sys, time
from textaxa.jobs.predict import predict
began = time.monotonic()
result = predict(sys.argv[1], sys.argv[2], sys.argv[3], text="text")
print(json.dumps({{"rows": result.rows, "peak_mib": {PEAK_MIB}, "seconds": time.monotonic() - began}}))
"""


def make_model(folder: Path) -> Path:
    from tiny_encoder import make_tiny_encoder

    from textaxa import HierarchicalTextClassifier

    encoder = make_tiny_encoder(folder / "encoder", layers=1)
    texts = [" ".join(WORDS[(i + j) % len(WORDS)] for j in range(4)) for i in range(200)]
    labels = [(("Games", "Media", "Money", "Tools")[i % 4], f"minor {i % 12}") for i in range(200)]
    classifier = HierarchicalTextClassifier(encoder=str(encoder), max_length=32, epochs=1, frozen=True)
    return classifier.fit(texts, labels).save(folder / "model")


def make_table(file: Path, rows: int) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        for i in range(rows):
            writer.writerow([i, f"{WORDS[i % 16]} {WORDS[i // 16 % 16]} {WORDS[i // 256 % 16]} {i % 997}"])
    return file


def main() -> None:
    lines = ["# Memory of `textaxa predict`", "", f"Written by `benchmarks/bench_predict_memory.py`. {describe()}", ""]
    lines += ["| rows | peak memory, MiB | seconds | rows per second |", "| --: | --: | --: | --: |"]
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = make_model(folder)
        for rows in SIZES:
            table = make_table(folder / f"{rows}.csv", rows)
            command = [sys.executable, "-c", PREDICT, str(model), str(table), str(folder / f"out-{rows}.csv")]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            if found["rows"] != rows or sum(1 for _ in (folder / f"out-{rows}.csv").open()) != rows + 1:
                raise SystemExit(f"{rows} rows went in, {found['rows']} came out")
            peaks.append(found["peak_mib"])
            seconds = found["seconds"]
            lines.append(f"| {rows:,} | {found['peak_mib']:.0f} | {seconds:.0f} | {rows / seconds:,.0f} |")
            print(lines[-1], flush=True)
    lines += ["", f"A hundred times the rows need {peaks[1] / peaks[0]:.3f} times the memory."]
    print(lines[-1])
    (Path(__file__).parent / "results" / "predict_memory.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
