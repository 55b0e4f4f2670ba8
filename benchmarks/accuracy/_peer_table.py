"""The table of the peers, from the lines of their results."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from _peers import PEERS

COLUMNS = {
    "path": "path_accuracy",
    "level 1": "levels.1.accuracy",
    "micro-F1": "nodes.micro_f1",
    "macro-F1": "nodes.macro_f1",
    "hF1": "hierarchical.f1",
}


def read(path: Path) -> list[dict[str, Any]]:
    """Give the lines of a results file, which may not be there."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def table(lines: Sequence[dict[str, Any]], names: Sequence[str]) -> list[str]:
    """Give the table in Markdown: means over seeds. The latest line of a run counts."""
    runs: dict[tuple[str, str], dict[tuple[int, ...], dict[str, Any]]] = defaultdict(dict)
    for line in lines:
        runs[line["data"], line["peer"]][line["seed"], *line["rows"]] = line
    heads = ["data", "peer", "seeds", *COLUMNS, "severity", "fit s", "texts/s", "remarks"]
    found = ["| " + " | ".join(heads) + " |", "| --- | --- |" + " --: |" * (len(heads) - 3) + " --- |"]
    for name in names:
        for peer in PEERS:
            mine = list(runs.get((name, peer.name), {}).values())
            if mine:
                found.append("| " + " | ".join([name, peer.name, *_cells(mine)]) + " |")
    return found


def _cells(runs: Sequence[dict[str, Any]]) -> list[str]:
    done = [run for run in runs if run["status"] == "done"]
    other = sorted(
        {run["reason"] for run in runs if run["status"] != "done"} | {run["note"] for run in done if "note" in run}
    )
    if not done:
        return ["0", *("" for _ in COLUMNS), "", "", "", "; ".join(other)]
    values = {key: np.array([run["metrics"][key] for run in done]) for key in [*COLUMNS.values(), "mistake_severity"]}
    speed = np.median([run["rows"][2] / max(run["predict_seconds"], 1e-3) for run in done])
    return [
        str(len(done)),
        *(_mean(100 * values[key]) for key in COLUMNS.values()),
        f"{values['mistake_severity'].mean():.3f}",
        f"{np.median([run['fit_seconds'] for run in done]):,.1f}",
        f"{speed:,.0f}",
        "; ".join(other),
    ]


def _mean(found: np.ndarray) -> str:
    return f"{found.mean():.1f}" + (f" ± {found.std(ddof=1):.1f}" if len(found) > 1 else "")


def write(source: Path, names: Sequence[str]) -> None:
    """Write the table, and what the peers are, beside the results: peers.md."""
    lines = read(source)
    machines = sorted({line["machine"] for line in lines if "machine" in line})
    text = ["# Peers", "", "How well do the systems that people use today do on our data sets?", ""]
    text += ["Written by `benchmarks/accuracy/run_peers.py --report`.", "", *machines, ""]
    text += ["Metrics in %, as `textaxa evaluate` defines them; ± is the standard deviation over seeds. Severity in"]
    text += ["levels. Fit: the kept setting alone, without the search on validation rows. Texts/s: predicting.", ""]
    text += [*table(lines, names), "", "| peer | what it is |", "| --- | --- |"]
    text += [f"| {peer.name} | {peer.about} |" for peer in PEERS]
    source.with_suffix(".md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))
