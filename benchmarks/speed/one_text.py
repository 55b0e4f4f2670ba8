"""One text at a time in process: the whole model beside its bare encoder on ready token ids, and its memory.

    python benchmarks/speed/one_text.py                   # open-apps and arxiv, about two minutes on two cores
    python benchmarks/speed/one_text.py open-apps --texts 20 --dry

The first adds to results/one_text.jsonl and writes results/one_text.md. For every text the ways take turns, each with
its bare encoder right before it: p50 and p99 over texts. What the model adds is tokenising, the head, and what lies
between. Memory is that of a process which reads the 8-bit export alone and answers 1,000 texts one by one; PyTorch
cannot be imported there. Weights of heads are random: the time does not depend on them.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from _engines import INT8, TORCH, exported, exports_here, untrained

RESULTS = Path(__file__).parents[1] / "results"
FIRST = 20
"""Texts of the first calls, which are not timed."""

ANSWERS = """
import json, sys
sys.modules.update(dict.fromkeys(["torch", "transformers", "sklearn"]))
from pathlib import Path
from textaxa import load_model
model = load_model(sys.argv[1], runtime="onnx")
texts = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
for text in texts:
    model.predict([text])
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({name: int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}))
"""


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)  # read by PyTorch and by textaxa.runtime when they start
    for name in options.sets:
        found = measure(name, options)
        print(json.dumps(found), flush=True)
        if not options.dry:
            with (RESULTS / "one_text.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(found) + "\n")
            write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=["open-apps", "arxiv"], help="of benchmarks/_corpora.py")
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--answers", type=int, default=1000, help="texts that are answered where memory is measured")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Time every way on single texts of one data set, and measure the memory of the 8-bit export."""
    from _corpora import load
    from _machine import describe

    split = load(name)
    rng = random.Random(0)  # noqa: S311
    texts = rng.sample(split.test[0], min(options.texts + FIRST, len(split.test[0])))
    with tempfile.TemporaryDirectory() as scratch:
        model = untrained(split.paths)
        ways = {TORCH: _with_torch(model)}
        for way in exports_here():
            ways[way] = _without_torch(exported(model, way, Path(scratch)))
        tokens = [sum(map(len, pieces)) for pieces in model.encoder.tokenise(texts)]
        print(f"{name}: {len(texts)} texts, one by one, {', '.join(ways)}", flush=True)
        times = _in_turn(ways, texts)
        memory = _memory(model, Path(scratch), rng.choices(split.test[0], k=options.answers))
    rows = {way: _figures(bare, whole) for way, (bare, whole) in times.items()}
    about = {"texts": len(texts) - FIRST, "tokens": statistics.mean(tokens), "threads": options.threads}
    return {"set": name, **about, "ways": rows, "megabytes": memory, "machine": describe()}


Way = tuple[Callable[[str], Any], Callable[[Any], object], Callable[[str], object]]
"""What makes a text ready for the bare encoder, the bare encoder, and the whole model."""


def _without_torch(model: Any) -> Way:
    from textaxa.runtime._tokens import padded

    def ready(text: str) -> Any:
        return padded(model.tokenise([text]), model.layout.padding)[0]

    return ready, model._encoder, lambda text: model.node_proba([text])


def _with_torch(model: Any) -> Way:
    import torch

    encoder = model.encoder

    def ready(text: str) -> Any:
        return encoder.collate(encoder.tokenise([text]))

    @torch.inference_mode()
    def bare(tokens: Any) -> object:
        return encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)

    return ready, bare, lambda text: model.node_proba([text])


def _in_turn(ways: dict[str, Way], texts: list[str]) -> dict[str, tuple[list[float], list[float]]]:
    """Give the seconds of every way: of its bare encoder, and of the whole model, text by text."""
    times: dict[str, tuple[list[float], list[float]]] = {way: ([], []) for way in ways}
    for number, text in enumerate(texts):
        for way, (ready, bare, whole) in ways.items():
            taken = []
            for call, given in ((bare, ready(text)), (whole, text)):
                call(given)  # another engine was at work just now: its threads sleep, and caches are cold
                began = time.perf_counter()
                call(given)
                taken.append(time.perf_counter() - began)
            if number >= FIRST:
                times[way][0].append(taken[0])
                times[way][1].append(taken[1])
    return times


def _figures(bare: list[float], whole: list[float]) -> dict[str, float]:
    figures = {}
    for name, seconds in (("bare", bare), ("whole", whole)):
        figures[f"{name}_p50"] = 1000 * statistics.median(seconds)
        figures[f"{name}_p99"] = 1000 * statistics.quantiles(seconds, n=100)[98]
    return {**figures, "ratio": figures["whole_p50"] / figures["bare_p50"]}


def _memory(model: Any, scratch: Path, texts: list[str]) -> dict[str, float]:
    """Give the resident megabytes, at the end and at most, of a process that only answers with the 8-bit export."""
    from textaxa.persistence import save_model

    folder = save_model(model, scratch / "model", onnx=scratch / INT8)
    (scratch / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    command = [sys.executable, "-c", ANSWERS, str(folder), str(scratch / "texts.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {"at the end": found["VmRSS"], "at most": found["VmHWM"]}


def write_table() -> None:
    """Write the last measurement of every set as Markdown."""
    lines = (RESULTS / "one_text.jsonl").read_text(encoding="utf-8").splitlines()
    last = {(one["set"], one["threads"]): one for one in map(json.loads, lines)}
    text = [
        "# One text at a time",
        "",
        "Made by `python benchmarks/speed/one_text.py`. Milliseconds; *encoder*: on ready token ids.",
    ]
    for one in last.values():
        memory = one["megabytes"]
        text += ["", f"## {one['set']}, {one['threads']} threads", "", one["machine"], ""]
        text += [
            f"{one['texts']} texts of {one['tokens']:.0f} tokens on average. A process with the 8-bit export alone "
            f"keeps {memory['at the end']:.0f} MB, at most {memory['at most']:.0f} MB.",
            "",
            "| | encoder p50 | p99 | model p50 | p99 | model / encoder |",
            "| --- | --: | --: | --: | --: | --: |",
        ]
        for way, row in one["ways"].items():
            columns = ("bare_p50", "bare_p99", "whole_p50", "whole_p99", "ratio")
            text.append(f"| {way} | " + " | ".join(f"{row[column]:.2f}" for column in columns) + " |")
    (RESULTS / "one_text.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
