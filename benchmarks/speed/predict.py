"""`textaxa predict` from CSV to CSV, beside what computes in it: the encoder alone, or the vectoriser alone.

    python benchmarks/speed/predict.py
    python benchmarks/speed/predict.py --small      # a minute, writes nothing

Three parts. *Transformers*: texts a second of the whole job beside those of the encoder alone on the same texts, in
turn, by PyTorch and by the exports that this machine computes. *Linear and static*: the same with 200,000 short texts,
in one process and in as many as there are cores; the vectoriser alone uses the same number. *Memory*: the peak on
100,000 and on 1,000,000 rows.

Short texts are halves of two texts of trec and hwu64, put together at random, each pair once: no text occurs twice, so
nothing is answered from memory. The model is loaded before the clock starts. Medians over rounds.
"""

import argparse
import csv
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from _machine import PEAK_MIB, describe

RESULTS = Path(__file__).parents[1] / "results"
SETS = ("open-apps", "arxiv")
SHORT_SETS = ("trec", "hwu64")
BLOCK = 2048

PEAK = f"""
import json, sys
from textaxa.jobs.predict import predict
result = predict(*sys.argv[1:4], text="text", processes=1)
print(json.dumps({{"rows": result.rows, "peak_mib": {PEAK_MIB}}}))
"""


def main() -> None:
    options = _options()
    os.environ["OMP_NUM_THREADS"] = str(options.cores)  # read when PyTorch and textaxa.runtime start
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if options.memory_alone:
            _replace_memory(_memory(place, options))
            return
        found: dict[str, Any] = {"cores": options.cores, "transformers": [], "short": [], "memory": []}
        for name in options.sets:
            found["transformers"].append(_transformers(name, place, options))
            _say(found["transformers"][-1])
        texts = short_texts(options.rows)
        for name, model in (("linear", _linear()), ("static", _static())):
            found["short"].append(_short(name, model, texts, place, options))
            _say(found["short"][-1])
        found["memory"] = _memory(place, options)
        _say(found["memory"])
    if not options.small:
        with (RESULTS / "predict.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(found | {"machine": describe()}) + "\n")
        write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=list(SETS), help="data sets of benchmarks/_corpora.py")
    parser.add_argument("--texts", nargs="*", type=int, default=[1536, 256], help="so many of each set")
    parser.add_argument("--rows", type=int, default=200_000, help="short texts")
    parser.add_argument("--memory-alone", action="store_true", help="measure memory, and keep the last of all else")
    parser.add_argument("--memory-rows", nargs=2, type=int, default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--small", action="store_true", help="little of everything, and write nothing")
    options = parser.parse_args()
    if options.small:
        options.texts, options.rows, options.memory_rows, options.rounds = [96, 24], 30_000, [5_000, 20_000], 2
    options.texts = dict(zip(options.sets, options.texts * len(options.sets), strict=False))
    return options


def _replace_memory(found: list[dict[str, Any]]) -> None:
    _say(found)
    file = RESULTS / "predict.jsonl"
    *before, last = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    file.write_text("".join(json.dumps(one) + "\n" for one in [*before, last | {"memory": found}]), encoding="utf-8")
    write_table()


def _say(found: Any) -> None:
    print(json.dumps(found), flush=True)


def write_csv(file: Path, texts: Iterable[str]) -> Path:
    """Write a table with the columns id and text."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows(enumerate(texts))
    return file


def short_texts(n: int) -> list[str]:
    """Give ``n`` short texts, all of them different: halves of two questions or requests."""
    from _corpora import load

    rng = random.Random(0)  # noqa: S311
    known = [text.split() for name in SHORT_SETS for text in load(name).train[0]]
    found: dict[str, None] = {}
    while len(found) < n:
        one, other = rng.sample(known, 2)
        found[" ".join(one[: len(one) // 2 + 1] + other[len(other) // 2 :])] = None
    return list(found)


def _transformers(name: str, place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time the whole job and the encoder alone on texts of one data set, in turn."""
    from _corpora import load
    from _engines import TORCH, exported, exports_here, untrained

    split = load(name)
    known = list(dict.fromkeys(split.test[0]))
    texts = random.Random(0).sample(known, min(options.texts[name], len(known)))  # noqa: S311
    table = write_csv(place / f"{name}.csv", texts)
    scratch = place / name
    scratch.mkdir()
    model = untrained(split.paths)
    models = {TORCH: model, **{way: exported(model, way, scratch) for way in exports_here()}}
    rates = {}
    for way, one in models.items():
        encode = one.encode if hasattr(one, "encode") else one.encoder.encode
        rates[way] = _in_turn(
            {"alone": lambda encode=encode: encode(texts), "predict": _job(one, table, place / "out.csv", 1)},
            len(texts),
            options.rounds,
        )
    return {"set": name, "texts": len(texts), "ways": rates}


def _short(name: str, model: Any, texts: Sequence[str], place: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Time the whole job and the vectoriser alone on short texts, in one process and in several."""
    table = write_csv(place / "short.csv", texts)
    vectorise = model.features if name == "linear" else model.encoder.encode
    blocks = [texts[start : start + BLOCK] for start in range(0, len(texts), BLOCK)]
    found = {}
    for processes in sorted({1, options.cores}):
        alone = _vectorised(vectorise, blocks, processes)
        whole = _job(model, table, place / "out.csv", processes)
        found[str(processes)] = _in_turn({"alone": alone, "predict": whole}, len(texts), options.rounds)
    characters = statistics.mean(map(len, texts))
    return {"model": name, "texts": len(texts), "characters": characters, "processes": found}


def _job(model: Any, table: Path, out: Path, processes: int) -> Callable[[], object]:
    from textaxa.jobs.predict import predict

    return lambda: predict(model, table, out, text="text", overwrite=True, processes=processes)


def _vectorised(vectorise: Callable[..., Any], blocks: list[Sequence[str]], processes: int) -> Callable[[], object]:
    """Give what vectorises all blocks; by several processes, each has every so many-th block, and starting counts."""

    def some(first: int) -> None:
        if processes > 1 and "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        for block in blocks[first::processes]:
            vectorise(block)

    def all_by_processes() -> None:
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        started = [multiprocessing.get_context("fork").Process(target=some, args=(i,)) for i in range(processes)]
        for one in started:
            one.start()
        for one in started:
            one.join()
        del os.environ["TOKENIZERS_PARALLELISM"]

    return (lambda: some(0)) if processes == 1 else all_by_processes


def _in_turn(ways: dict[str, Callable[[], object]], n: int, rounds: int) -> dict[str, Any]:
    """Give texts a second of every way, and the median share of the first that the second reaches."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):  # the first call of each makes buffers and is not counted
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - began)
    alone, whole = (seconds[1:] for seconds in times.values())
    rates = {name: n / statistics.median(seconds[1:]) for name, seconds in times.items()}
    return {**rates, "share": statistics.median(a / b for a, b in zip(alone, whole, strict=True)), "seconds": times}


def _linear() -> Any:
    from _corpora import load

    from textaxa.linear import LinearModel
    from textaxa.taxonomy import Taxonomy

    split = load("hwu64")
    return LinearModel.fit(*split.train, Taxonomy.from_paths(dict.fromkeys(split.paths), sort=True))


def _static() -> Any:
    """Give static vectors with an untrained head: the time does not depend on its weights."""
    from _corpora import load

    from textaxa.encoders import load_encoder
    from textaxa.heads import build_head, head_settings
    from textaxa.model import Model
    from textaxa.settings import EncoderSettings, ModelSettings
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths(dict.fromkeys(load("hwu64").paths), sort=True)
    encoder = load_encoder(EncoderSettings(encoder="static"))
    head = build_head("chained", taxonomy, encoder.width, task="single")
    settings = ModelSettings("single", "chained", head_settings("chained")(), encoder.settings)
    return Model(taxonomy, encoder, head, settings).eval()


def _memory(place: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Give the peak memory of jobs in processes of their own."""
    from textaxa.persistence import save_model

    model = save_model(_linear(), place / "linear")
    found = []
    for rows in options.memory_rows:
        table = write_csv(place / f"{rows}.csv", short_texts(rows))
        command = [sys.executable, "-c", PEAK, str(model), str(table), str(place / f"out-{rows}.csv")]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
        if found[-1]["rows"] != rows:
            raise SystemExit(f"{rows} rows went in, {found[-1]['rows']} came out")
    return found


def write_table() -> None:
    """Write the last measurement as Markdown."""
    last = json.loads((RESULTS / "predict.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    text = [
        "# `textaxa predict` from CSV to CSV",
        "",
        "Made by `python benchmarks/speed/predict.py`, where stands how. Medians; what is compared took turns.",
        "",
        last["machine"],
    ]
    for one in last["transformers"]:
        text += ["", f"## {one['set']}, {one['texts']} texts", ""]
        text += ["| | encoder alone, texts/s | predict, texts/s | share |", "| --- | --: | --: | --: |"]
        text += [
            f"| {way} | {row['alone']:,.0f} | {row['predict']:,.0f} | {row['share']:.2f} |"
            for way, row in one["ways"].items()
        ]
    text += ["", f"## {last['short'][0]['texts']:,} short texts, each different", ""]
    text += ["| model | processes | vectoriser alone, texts/s | predict, texts/s | share |"]
    text += ["| --- | --: | --: | --: | --: |"]
    for one in last["short"]:
        text += [
            f"| {one['model']} | {processes} | {row['alone']:,.0f} | {row['predict']:,.0f} | {row['share']:.2f} |"
            for processes, row in one["processes"].items()
        ]
    few, many = last["memory"]
    text += ["", "## Memory, `linear`, one process", "", "| rows | peak memory, MiB |", "| --: | --: |"]
    text += [f"| {one['rows']:,} | {one['peak_mib']:.0f} |" for one in (few, many)]
    times, more = many["rows"] / few["rows"], many["peak_mib"] / few["peak_mib"]
    text += ["", f"{times:.0f} times the rows need {more:.3f} times the memory."]
    (RESULTS / "predict.md").write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
