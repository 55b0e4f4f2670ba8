"""What `wide.py` measured, as a page: a table for each part."""

import json
from pathlib import Path
from typing import Any

import numpy as np

INTRODUCTION = """Written by `benchmarks/speed/wide.py`. {machine} One thread.

Planted features of 384 numbers: every node has a random vector, a text is the sum of those on its path and noise.
Of *clear* texts nearly all can be told, of *hard* ones few. The machine was shared with other work: milliseconds are
medians on the clock, and in brackets of processor time."""
PREDICTION = """Weights are the planted vectors, not learnt. *Best possible*: exact search finds the true leaf. *As
exact*: of 256 texts, exact search over float32 rows gives the same path. *Sure*: the search knows that it is exact. 15
batches of 256 texts, and 200 texts alone. *Blank*: the hard texts with a hundredth of the weights, the worst case: all
siblings are about equally probable, so the beam is full to the end, and what it misses is hardly less probable."""
MEMORY = """Resident memory of a fresh process; the rows are mapped from their file, and all were read once. The
taxonomy brings names and lookups."""
TRAINING = """Stored float16 features in memory (part of the peak), rows of zeros at the start. *Right*: share of 4,096
held-out texts whose path is found; no epoch is chosen. Below each head, search with it, as above."""
REAL = """Path accuracy on test rows, %, mean and deviation of five seeds; both choose the epoch on validation rows.
128 components of TF-IDF, at most 6,000 rows a part. Dense: the head `conditional` with Adam in PyTorch."""


def table(file: Path) -> str:
    """Give the page, from the last measurement of every part and size."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    last = {(line["part"], line.get("leaves"), line.get("data")): line for line in lines}
    parts = {part: [line for key, line in last.items() if key[0] == part] for part in PARTS}
    page = ["# The wide head", "", INTRODUCTION.format(machine=lines[-1]["machine"])]
    for part, make in TABLES.items():
        page += ["", *make(sorted(parts[part], key=lambda line: line.get("leaves", 0)))]
    return "\n".join(page) + "\n"


def table_predict(lines: list[dict[str, Any]]) -> list[str]:
    rows = ["## Prediction, beam 10", "", PREDICTION, ""]
    rows += [
        "| leaves | levels | rows | texts | best possible | stored as | in batches, ms | alone, ms | as exact | sure |",
        "| --: | --: | --: | --- | --: | --- | --- | --- | --: | --: |",
    ]
    for line in lines:
        for kind in ("clear", "hard", "blank"):
            for stored in (name for name in ("float32", "int8", "float16") if name in line.get(kind, {})):
                found = line[kind][stored]
                batch, alone = (
                    f"{found[n]['clock']:.3f} ({found[n]['processor']:.3f})" for n in ("batch_ms", "alone_ms")
                )
                rows.append(
                    f"| {line['leaves']:,} | {line['levels']} | {line['rows_mb']:,.0f} MB | {kind} | "
                    f"{100 * line[kind]['best_possible']:.1f} % | {stored} | {batch} | {alone} | "
                    f"{100 * found['agrees']:.1f} % | {100 * found['sure']:.1f} % |"
                )
    return rows


def table_memory(lines: list[dict[str, Any]]) -> list[str]:
    rows = [
        "## Memory",
        "",
        MEMORY,
        "",
        "| leaves | rows | Python | + taxonomy | + head and search | of the rows | read in |",
    ]
    rows += ["| --: | --: | --: | --: | --: | --: | --: |"]
    for line in lines:
        end = line["with_head"]["VmRSS"]
        rows.append(
            f"| {line['leaves']:,} | {line['rows_mb']:,.0f} MB | {line['start_mb']} MB "
            f"| {line['with_taxonomy']['VmRSS']} MB | {end:,} MB | {end / line['rows_mb']:.2f} "
            f"| {line['load_seconds']:.1f} s |"
        )
    return rows


def table_train(lines: list[dict[str, Any]]) -> list[str]:
    rows = ["## Training", "", TRAINING, ""]
    rows += ["| leaves | texts | epoch | seconds | processor | loss | right | peak memory |", "|" + " --: |" * 8]
    for line in lines:
        for i, epoch in enumerate(line["epochs"], start=1):
            rows.append(
                f"| {line['leaves']:,} | {line['texts']:,} | {i} | {epoch['seconds']:.0f} "
                f"| {epoch['processor_seconds']:.0f} | "
                f"{epoch['loss']:.2f} | {100 * epoch['right']:.1f} % | {line['after']['VmHWM'] / 1000:.1f} GB |"
            )
        if "agrees" in line:  # a run that did not time its search
            agrees, sure = (f"{100 * line[name]:.1f} %" for name in ("agrees", "sure"))
            rows.append(f"| | | search, float32 | | | as exact {agrees} | sure {sure} | |")
        for stored, found in line.get("search", {}).items():
            batch, alone = (f"{found[n]['clock']:.3f} ({found[n]['processor']:.3f})" for n in ("batch_ms", "alone_ms"))
            rows.append(
                f"| | | search, {stored} | in batches {batch} ms | alone {alone} ms "
                f"| as exact {100 * found['agrees']:.1f} % | sure {100 * found['sure']:.1f} % | |"
            )
    return rows


def table_real(lines: list[dict[str, Any]]) -> list[str]:
    rows = [
        "## Beside the dense head",
        "",
        REAL,
        "",
        "| data | texts | majority | wide | dense |",
        "| --- | --: | --: | --: | --: |",
    ]
    for line in lines:
        wide, other = (
            f"{100 * np.mean(line['right'][n]):.1f} ± {100 * np.std(line['right'][n], ddof=1):.1f}"
            for n in ("wide", "dense")
        )
        rows.append(f"| {line['data']} | {line['rows'][0]:,} | {100 * line['majority']:.1f} | {wide} | {other} |")
    return rows


TABLES = {"predict": table_predict, "memory": table_memory, "train": table_train, "real": table_real}
PARTS = tuple(TABLES)
