"""Time of one long hostile text, by its length: does any text cost more than in proportion?

    python benchmarks/speed/hostile_text.py
    python benchmarks/speed/hostile_text.py --only linear --dry

Each kind of text is one line of 10 KB, 100 KB, 1 MB and 10 MB of UTF-8; each engine answers it alone, in a process of
its own, on one thread. The table has milliseconds a megabyte, and how that grows from the shortest text that takes
long enough to be measured to the longest.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "tests")]

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
ROWS = 200
"""Training rows of the models; what a text costs hardly depends on them."""

LONG_ENOUGH_SECONDS = 0.02
"""Times below are of the call and its noise, not of the text."""

ENOUGH_SECONDS = 0.3
"""A text is answered again, up to four times, until this has passed; the shortest time counts."""

MOST_SECONDS = 12
"""A text that would take longer, by the shorter ones of its kind, is left out."""

FAIR_GROWTH = 2.0
"""Times a megabyte may differ so much by caches and noise."""


def texts() -> dict[str, str]:
    """Give what is repeated, by the name of the kind."""
    from hostile.strange_texts import LANGUAGES, STRANGE

    kinds = ("zero-width", "bidirectional", "emoji", "half of a pair", "homoglyphs", "combining", "controls")
    kinds += ("special tokens", "markup", "private use")
    return {
        "words on one line": "Play football with friends and win the match of the season. ",
        "one word without end": "football",
        "one letter": "a",
        "one letter and blanks": "a ",
        "digits": "0123456789",
        "signs": "!?-_.,;()[]#*",
        "blanks, and one word": " \t\u00a0",
        "46 languages": " ".join(LANGUAGES) + " ",
        **{kind: STRANGE[kind] for kind in kinds},
    }


def of_size(unit: str, size: int) -> str:
    """Repeat a text to so many bytes of UTF-8; half pairs become what a table's reader makes of them."""
    unit = unit.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    characters = max(1, size * len(unit) // len(unit.encode()))
    return "football " + "".join(islice(cycle(unit), characters))


def engines() -> dict[str, Callable[[Path], Any]]:
    """Give what makes the model of each engine, in a folder for what it leaves."""
    return {
        "linear": lambda _: _trained(head="linear"),
        "static vectors": lambda _: _trained(head="chained", encoder="static", epochs=1, frozen=True),
        "PyTorch": lambda _: _frozen(),
        "PyTorch, long_text = windows": lambda _: _frozen(long_text="windows"),
        "ONNX Runtime": lambda place: _exported(place, "onnx"),
        "OpenVINO": lambda place: _exported(place, "openvino"),
        "TextRCNN": lambda _: _trained(head="hiagm-la", encoder="textrcnn", epochs=1),
        "wide": lambda _: _trained(head="wide", epochs=1, frozen=True),
        "fast path": lambda _: _fast_path(),
    }


def _trained(**how: Any) -> Any:
    from textaxa import HierarchicalTextClassifier
    from textaxa.jobs.demo import app_taxonomy, read_apps

    train = read_apps()["train"]
    classifier = HierarchicalTextClassifier(taxonomy=app_taxonomy(), **how)
    return classifier.fit(train.texts[:ROWS], [paths[0] for paths in train.labels[:ROWS]]).model_


def _frozen(**how: Any) -> Any:
    return _trained(head="chained", epochs=1, frozen=True, **how)


def _exported(place: Path, runtime: str) -> Any:
    from textaxa import load_model
    from textaxa.jobs.export import export
    from textaxa.persistence import save_model

    folder = save_model(_frozen(), place / "model")
    export(folder)
    return load_model(folder, runtime=runtime)


def _fast_path() -> Any:
    from textaxa.fast_path import FastPathModel

    return FastPathModel(_trained(head="linear"), _frozen(), 0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="engines whose name has this; what was measured of others is kept")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="bytes of UTF-8")
    parser.add_argument("--dry", action="store_true", help="10 KB and 100 KB, and write nothing")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = list(SIZES[:2]) if given.dry else given.sizes
    if given.engine:
        _measure(given.engine, sizes)
        return
    from _machine import describe

    file = RESULTS / "hostile_text.jsonl"
    kept = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    for engine in [given.only] if given.only in engines() else engines():
        if given.only is None or given.only in engine:
            found = _in_a_process(engine, sizes)
            kept = [one for one in kept if one["engine"] != engine] + found
            if not given.dry:
                file.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in kept), encoding="utf-8")
                (RESULTS / "hostile_text.md").write_text(_page(kept, describe()) + "\n", encoding="utf-8")


def _in_a_process(engine: str, sizes: list[int]) -> list[dict[str, Any]]:
    one_thread = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, __file__, f"--engine={engine}", "--sizes", *map(str, sizes)]
    with subprocess.Popen(command, env={**os.environ, **one_thread}, stdout=subprocess.PIPE, text=True) as running:
        found = []
        for line in running.stdout or ():
            if line.startswith("{"):
                found.append(json.loads(line))
                print(line, end="", flush=True)
    if running.returncode:
        sys.exit(f"{engine} ended with status {running.returncode}")
    return found


def _measure(engine: str, sizes: list[int]) -> None:
    import tempfile

    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="textaxa-hostile-text-") as place:
        model = engines()[engine](Path(place))
        model.predict(["warm up"])
        for kind, unit in texts().items():
            rate = 0.0
            for size in sizes:
                if rate * size > MOST_SECONDS:
                    break
                text = of_size(unit, size)
                told = {"engine": engine, "text": kind, "bytes": len(text.encode()), "seconds": _seconds(model, text)}
                rate = told["seconds"] / told["bytes"]
                print(json.dumps(told, ensure_ascii=False), flush=True)


def _seconds(model: Any, text: str) -> float:
    times: list[float] = []
    while len(times) < 4 and sum(times) < ENOUGH_SECONDS:
        began = time.process_time()
        model.predict([text])
        times.append(time.process_time() - began)
    return min(times)


def growth(rows: list[dict[str, Any]]) -> float | None:
    """Give how many times as long a megabyte takes in the longest text as in the shortest that can be measured."""
    measured = [one["seconds"] / one["bytes"] for one in rows if one["seconds"] >= LONG_ENOUGH_SECONDS]
    return measured[-1] / measured[0] if len(measured) > 1 else None


def _page(found: list[dict[str, Any]], machine: str) -> str:
    parts = [
        "# One long hostile text",
        "",
        machine,
        "",
        "Made by `python benchmarks/speed/hostile_text.py`: one text alone, milliseconds of the processor for the "
        "whole text, on one thread. *Growth*: how many times as long a megabyte takes in the longest text as in the "
        f"shortest that takes {LONG_ENOUGH_SECONDS * 1000:.0f} ms; 1 is in proportion, less is better, and a dash says "
        "that no two lengths took long enough. A length that would take over "
        f"{MOST_SECONDS} s was not tried. Engines that read the first `max_length` tokens of a text cut it before they "
        "tokenise it.",
    ]
    for engine in dict.fromkeys(one["engine"] for one in found):
        parts += ["", f"## {engine}", "", *_table([one for one in found if one["engine"] == engine])]
    steep = [name for name, value in _growths(found).items() if value is not None and value > FAIR_GROWTH]
    worst = ", ".join(steep) if steep else "none"
    parts += ["", f"Texts that grow by more than {FAIR_GROWTH:g} times what is in proportion: {worst}."]
    parts += ["", "Engines that are not here were not measured yet: run it again with `--only ENGINE`."]
    return "\n".join(parts)


def _growths(found: list[dict[str, Any]]) -> dict[str, float | None]:
    names = dict.fromkeys((one["engine"], one["text"]) for one in found)
    return {
        f"{engine} on {text}": growth([one for one in found if (one["engine"], one["text"]) == (engine, text)])
        for engine, text in names
    }


def _table(found: list[dict[str, Any]]) -> list[str]:
    sizes = sorted({round(one["bytes"], -len(str(one["bytes"])) + 1) for one in found})
    names = " | ".join(f"{size / 1e6:g} MB" for size in sizes)
    lines = [f"| text | {names} | growth |", "| --- |" + " --: |" * (len(sizes) + 1)]
    for text in dict.fromkeys(one["text"] for one in found):
        rows = [one for one in found if one["text"] == text]
        grown = growth(rows)
        told = [f"{one['seconds'] * 1000:,.1f}" for one in rows] + ["–"] * (len(sizes) - len(rows))
        times = " | ".join(told)
        lines.append(f"| {text} | {times} | {'–' if grown is None else f'{grown:.2f}'} |")
    return lines


if __name__ == "__main__":
    main()
