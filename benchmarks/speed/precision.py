"""What other precisions cost in accuracy: fine-tuned models in PyTorch, ONNX Runtime fp32 and int8, OpenVINO bf16.

    python benchmarks/speed/precision.py            # sets of _models.py that are trained; goes on
    python benchmarks/speed/precision.py trec --dry --texts 64

Every test row is answered by every way. The points lost against PyTorch have a 95 % interval by a paired bootstrap over
rows. Answers are kept under ``$TEXTAXA_RUNS/precision``, so that an interrupted run goes on with the next way; the
scores go to results/precision.jsonl, one line a set, and results/precision.md.

``--rows valid`` takes validation rows: what is tried out (another scheme of 8 bits) must be chosen on these.
"""

import argparse
import hashlib
import json
import operator
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from _models import RUNS, SETS, fine_tuned, reduced

RESULTS = Path(__file__).parents[1] / "results"
TORCH, FP32, INT8, BF16 = "PyTorch fp32", "ONNX Runtime fp32", "ONNX Runtime int8", "OpenVINO bf16"
WAYS = {TORCH: "torch", FP32: "fp32", INT8: "int8", BF16: "bf16"}
METRICS = ("path_accuracy", "hierarchical.f1")

Labels = list[list[tuple[str, ...]]]


def main() -> None:
    options = _options()
    trained = [name for name in SETS if (RUNS / "finetuned" / name / "config.json").is_file()]
    for name in options.sets or trained or SETS:
        found = measure(name, options)
        print(json.dumps(found), flush=True)
        if not options.dry and options.rows == "test":
            with (RESULTS / "precision.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="of _models.py; not given: those that are trained, else all")
    parser.add_argument("--rows", choices=("test", "valid"), default="test")
    parser.add_argument("--texts", type=int, help="the first so many rows only")
    parser.add_argument("--dry", action="store_true", help="write no results")
    return parser.parse_args()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Give the scores of every way on one data set, and what each loses against PyTorch."""
    from _machine import describe

    from textaxa import load_model

    taxonomy = load_model(fine_tuned(name)).taxonomy
    data = reduced(name)
    texts, labels = data.test if options.rows == "test" else data.valid
    texts, true = texts[: options.texts], [list(paths) for paths in labels[: options.texts]]
    answers = {way: _answers(name, way, texts) for way in _ways_here()}
    ways = {way: _scores(taxonomy, true, found, answers[TORCH]) for way, found in answers.items()}
    return {"set": name, "rows": len(texts), "of": options.rows, "ways": ways, "machine": describe()}


def _ways_here() -> list[str]:
    from textaxa.runtime import computes_bf16

    return [way for way in WAYS if way != BF16 or computes_bf16()]


def _answers(name: str, way: str, texts: Sequence[str]) -> Labels:
    """Give the path that a way answers for every text, computed or as it was kept."""
    folder = fine_tuned(name)
    mark = hashlib.sha256((folder / "config.json").read_bytes() + "\0".join(texts).encode()).hexdigest()[:16]
    kept = RUNS / "precision" / f"{name}-{WAYS[way]}-{mark}.json"
    if kept.is_file():
        return [[tuple(path)] for path in json.loads(kept.read_text(encoding="utf-8"))]
    print(f"{name}: {way}, {len(texts)} texts", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        model = ready(folder, WAYS[way], Path(scratch))
        found = [predictions[0].path for predictions in model.predict(texts)]
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found), encoding="utf-8")
    return [[path] for path in found]


def ready(folder: Path, precision: str, scratch: Path) -> Any:
    """Give a model as it is computed: ``torch``, or an export in fp32, bf16 or int8 made in a scratch folder."""
    from textaxa import load_model
    from textaxa.exporting import as_bf16, as_int8, read_export, write_onnx

    model = load_model(folder)
    if precision == "torch":
        return model
    write_onnx(model, scratch)
    if precision == "int8":
        as_int8(scratch)
    elif precision == "bf16":
        as_bf16(scratch)
    return read_export(model, scratch, engine="openvino" if precision == "bf16" else "onnx")


def _scores(taxonomy: Any, true: Labels, found: Labels, exact: Labels) -> dict[str, Any]:
    """Give path accuracy and hierarchical F1, and the points lost against the exact answers, with intervals."""
    from textaxa import paired_test

    scores: dict[str, Any] = {"same": sum(map(operator.eq, found, exact)) / len(found)}
    for metric in METRICS:
        test = paired_test(taxonomy, true, exact, found, metric)
        scores[metric] = {
            "value": test.b,
            "lost": 100 * test.difference,
            "interval": [100 * bound for bound in test.interval],
        }
    return scores


def write_table() -> None:
    """Write the last measurement of every set as Markdown."""
    lines = (RESULTS / "precision.jsonl").read_text(encoding="utf-8").splitlines()
    last = {one["set"]: one for one in map(json.loads, lines)}
    text = [
        "# Accuracy in other precisions",
        "",
        "Made by `python benchmarks/speed/precision.py`. MiniLM fine-tuned by the default recipe, on test rows. Points",
        "lost against PyTorch in fp32, with a 95 % interval by a paired bootstrap over rows; *same*: equal answers.",
        "",
        next(iter(last.values()))["machine"],
        "",
        "| set | rows | way | path accuracy | points lost | hF1 | points lost | same |",
        "| --- | --: | --- | --: | --: | --: | --: | --: |",
    ]
    for one in last.values():
        for way, found in one["ways"].items():
            cells = [_cells(found[metric]) for metric in METRICS]
            text.append(
                f"| {one['set']} | {one['rows']:,} | {way} | {cells[0]} | {cells[1]} | {100 * found['same']:.1f} % |"
            )
    (RESULTS / "precision.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _cells(found: dict[str, Any]) -> str:
    lost, low, high = (round(points, 2) + 0.0 for points in (found["lost"], *found["interval"]))
    return f"{found['value']:.4f} | {lost:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
