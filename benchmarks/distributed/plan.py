"""What 20 million and 10 billion texts cost: arithmetic on measured rates, which it reads from the results beside it.

    python benchmarks/distributed/plan.py

Core hours = texts / (texts a second of one core x share that workers keep). A core's rate is that of `predict` on all
cores by their number (results/predict.jsonl), so what cores take from each other is in it; the share is that of two
workers of Ray beside one process on two cores (results/scoring.jsonl). Other processors have other rates: measure yours
with benchmarks/speed/predict.py, and call this again.
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"
JOBS = {"20 million": 20e6, "10 billion": 10e9}
MACHINE_CORES = 32
BYTES = {"open-apps": 110, "arxiv": 1_300}
"""Of a text in UTF-8, about; a row of answers adds some 40."""

ANSWER_BYTES = 40
OVERNIGHT_HOURS = 8


@dataclass(frozen=True)
class Way:
    """What computes, on which texts, and how many of them a core answers in a second."""

    name: str
    texts: str
    rate: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    measured = _last("predict.jsonl")
    share = _share(_last("scoring.jsonl"))
    text = _page(_ways(measured), share, measured["machine"])
    print(text)
    (RESULTS / "scaling_plan.md").write_text(text + "\n", encoding="utf-8")


def _last(name: str) -> dict[str, Any]:
    lines = (RESULTS / name).read_text(encoding="utf-8").splitlines()
    return dict(json.loads(lines[-1]))


def _share(scoring: dict[str, Any]) -> float:
    def middle(way: str) -> float:
        rates = sorted(run["running"] for run in scoring["ways"][way])
        return float(rates[len(rates) // 2])

    return min(1.0, middle("Ray, 2 workers") / middle("one process, all cores"))


def _ways(measured: dict[str, Any]) -> list[Way]:
    cores = measured["cores"]
    found = [
        Way(name, part["set"], part["ways"][name]["predict"] / cores)
        for part in measured["transformers"]
        for name in ("PyTorch", "ONNX Runtime int8", "OpenVINO bf16")
        if name in part["ways"]
    ]
    linear = next(part for part in measured["short"] if part["model"] == "linear")["processes"]
    return [*found, Way("linear", "short", linear[str(cores)]["predict"] / cores)]


def _page(ways: list[Way], share: float, machine: str) -> str:
    lines = [
        "# What scoring costs",
        "",
        f"Made by `python benchmarks/distributed/plan.py` from measured rates; workers keep {share:.0%} of one process."
        f" A machine is {MACHINE_CORES} cores of the processor below; that they scale as two do is an assumption.",
        "",
        f"| model | texts | texts/s a core | job | core hours | machines for a night of {OVERNIGHT_HOURS} hours "
        "| read, MB/s a machine |",
        "| --- | --- | --: | --- | --: | --: | --: |",
    ]
    for way in ways:
        for job, texts in JOBS.items():
            hours = texts / (way.rate * share) / 3600
            machines = max(1, -(-hours // (MACHINE_CORES * OVERNIGHT_HOURS)))
            flow = way.rate * share * MACHINE_CORES * BYTES.get(way.texts, 70) / 1e6
            lines.append(
                f"| {way.name} | {way.texts} | {way.rate:,.0f} | {job} | {hours:,.1f} | {machines:,.0f} | {flow:,.1f} |"
            )
    total = 10e9 * (BYTES["open-apps"] + ANSWER_BYTES) / 1e12
    return "\n".join(
        [
            *lines,
            "",
            f"10 billion short texts with their answers are about {total:.1f} TB before compression.",
            "",
            machine,
        ]
    )


if __name__ == "__main__":
    main()
