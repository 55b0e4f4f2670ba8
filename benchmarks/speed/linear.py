"""The head ``linear`` beside PECOS XR-Linear, napkinXC and omikuji on the same vectors; its vectoriser alone.

    python benchmarks/speed/linear.py                     # naics2017, appstore_tokens and trec; some six minutes
    python benchmarks/speed/linear.py trec --rows 600 --rounds 2 --dry
    python benchmarks/speed/linear.py --report            # writes results/linear_speed.md anew

Rivals run in environments of their own, made once under ``$TEXTAXA_PEERS`` (or ``build/peers``). They get our
TF-IDF vectors and, where they take one, our taxonomy as their tree; of three weights of the loss the best one on the
validation rows counts. Prediction takes turns, round by round, on one core each; medians. Accuracy is that of whole
paths on the test rows.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")  # read when NumPy is imported

import numpy as np  # noqa: E402
from scipy import sparse  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

RESULTS = Path(__file__).resolve().parents[1] / "results"
SETS = ("naics2017", "appstore_tokens", "trec")
INSTALLED: dict[str, list[list[str]]] = {
    "pecos": [["numpy==1.26.4", "scipy==1.13.1", "scikit-learn==1.9.1"], ["--no-deps", "libpecos==1.2.8"]],
    "napkinxc": [["napkinxc==0.7.2", "numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1"]],
    "omikuji": [["omikuji==0.5.2", "numpy==2.4.6", "scipy==1.17.1"]],
}
"""What pip installs. PECOS asks for PyTorch and transformers, which XR-Linear never imports."""

OURS, TEXTS, VECTORISER, SCIKIT = "textaxa", "textaxa, from text", "our vectoriser", "scikit-learn's vectoriser"
ABOUT = {"pecos": "PECOS XR-Linear", "napkinxc": "napkinXC PLT", "omikuji": "omikuji"}
TREE = {"pecos": "the taxonomy", "napkinxc": "the taxonomy", "omikuji": "its own", OURS: "the taxonomy"}


def main() -> None:
    options = _options()
    if not options.report:
        for name in options.sets or SETS:
            found = measure(name, options)
            print(json.dumps({key: value for key, value in found.items() if key != "rounds"}), flush=True)
            if not options.dry:
                with (RESULTS / "linear_speed.jsonl").open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    if not options.dry:
        write_table()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help="data sets of benchmarks/_corpora.py")
    parser.add_argument("--rows", type=int, help="training rows; all where not given")
    parser.add_argument("--texts", type=int, default=4000, help="test rows at most")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rivals", type=lambda text: text.split(","), default=list(INSTALLED))
    parser.add_argument("--dry", action="store_true", help="write nothing")
    parser.add_argument("--report", action="store_true", help="measure nothing, write the page")
    return parser.parse_args()


def environment(name: str) -> tuple[Path, str | None]:
    """Give the Python of a rival's environment, made where it is not there, and the reason where that fails."""
    home = Path(os.environ.get("TEXTAXA_PEERS", Path(__file__).resolve().parents[2] / "build" / "peers")).resolve()
    folder = home / f"linear-{name}"
    python = folder / "bin" / "python"
    if (folder / "ready").is_file():
        return python, None
    print(f"{name}: making its environment", flush=True)
    venv.create(folder, with_pip=True, clear=True)
    for step in INSTALLED[name]:
        command = [python, "-m", "pip", "install", "--quiet", "--prefer-binary", *step]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return python, (done.stderr.strip().splitlines() or ["pip failed without a word"])[-1][:200]
    (folder / "ready").touch()
    return python, None


class Rival:
    """A rival in its own process: trained when it is made, and asked for one prediction after the other."""

    def __init__(self, name: str, python: Path, folder: Path) -> None:
        script = Path(__file__).with_name("_linear_rival.py")
        self.process = subprocess.Popen(
            [python, script, name, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / f"{name}.log").open("w"),
            text=True,
        )
        self.ask: Any = self.process.stdin
        self.told = folder / f"{name}.log"
        self.trained = self.answer()

    def answer(self) -> dict[str, Any]:
        """Give the next answer, leaving out what the rival prints."""
        for line in self.process.stdout or ():
            if line.startswith("ANSWER "):
                found: dict[str, Any] = json.loads(line.removeprefix("ANSWER "))
                return found
        words = self.told.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise RuntimeError(words[-1] if words else f"it ended with status {self.process.wait()}")

    def __call__(self) -> tuple[float, list[int]]:
        """Predict once more; give the seconds and the numbers of the paths."""
        self.ask.write("\n")
        self.ask.flush()
        found = self.answer()
        return found["seconds"], found["found"]

    def close(self) -> None:
        """End the process."""
        self.ask.close()
        self.process.wait()


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train all on one data set, then let them predict in turn."""
    from _corpora import load
    from _machine import describe

    data = load(name)
    parts = [_some(data.train, options.rows), _some(data.valid, options.rows), _some(data.test, options.texts)]
    paths = sorted({labels[0] for part in parts for labels in part[1]})
    model, seconds = _fit(parts, paths)
    print(f"{name}: textaxa trained in {seconds:.1f} s", flush=True)
    rows: dict[str, dict[str, Any]] = {OURS: {"train_seconds": seconds, "tree": TREE[OURS]}}
    vectors, skipped = [model.features(texts) for texts, _ in parts], {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_task(folder, parts, paths, vectors)
        rivals = {}
        for rival in options.rivals:
            python, reason = environment(rival)
            try:
                rivals[rival] = Rival(rival, python, folder) if reason is None else None
            except RuntimeError as error:
                reason = str(error)
            if reason is not None:
                skipped[rival] = reason
                continue
            rows[rival] = {**rivals[rival].trained, "tree": TREE[rival]}
            print(f"{name}: {rival} trained in {rows[rival]['train_seconds']:.1f} s", flush=True)
        times, found = _in_turn(_ours(model, parts, vectors[2], paths), rivals, options.rounds)
        for rival in rivals.values():
            rival.close()
    truth = [paths.index(labels[0]) for labels in parts[2][1]]
    for way, taken in times.items():
        rows.setdefault(way, {})["texts_per_second"] = len(truth) / statistics.median(taken)
        if way in found:
            rows[way]["path_accuracy"] = float(np.mean(np.array(found[way]) == truth))
    about = {"set": name, "train_rows": len(parts[0][0]), "texts": len(truth), "paths": len(paths)}
    about |= {"words": statistics.mean(len(text.split()) for text in parts[2][0]), "features": vectors[2].shape[1]}
    about |= {"arrangement": model.settings.head_settings.arrangement, "counted": list(model.features.vocabulary)}
    return about | {"ways": rows, "skipped": skipped, "rounds": times, "machine": describe()}


def _some(part: Any, most: int | None) -> Any:
    """Give the first rows; the order of a part has nothing to do with the labels but in files that are sorted."""
    if most is None or len(part[0]) <= most:
        return part
    taken = np.sort(np.random.default_rng(0).permutation(len(part[0]))[:most])
    return [part[0][i] for i in taken], [part[1][i] for i in taken]


def _fit(parts: Sequence[Any], paths: list[tuple[str, ...]]) -> tuple[Any, float]:
    from textaxa.linear import LinearModel
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths(paths, sort=True)
    began = time.perf_counter()
    model = LinearModel.fit(*parts[0], taxonomy, valid=parts[1])
    return model, time.perf_counter() - began


def _write_task(folder: Path, parts: Sequence[Any], paths: list[tuple[str, ...]], vectors: list[Any]) -> None:
    number = {path: i for i, path in enumerate(paths)}
    told: dict[str, Any] = {"paths": paths}
    for name, part, matrix in zip(("train", "valid", "test"), parts, vectors, strict=True):
        sparse.save_npz(folder / f"{name}.npz", matrix)
        if name != "test":
            told[name] = [number[labels[0]] for labels in part[1]]
    (folder / "task.json").write_text(json.dumps(told), encoding="utf-8")


def _ours(model: Any, parts: Sequence[Any], vectors: Any, paths: list[tuple[str, ...]]) -> dict[str, Callable[[], Any]]:
    """Give our ways, and scikit-learn's vectoriser with the same n-grams."""
    from sklearn.feature_extraction.text import CountVectorizer

    from textaxa.linear._counter import cut_of

    texts, number = parts[2][0], {path: i for i, path in enumerate(paths)}
    counters = []
    for kind, terms in model.features.vocabulary.items():
        cut = cut_of(model.settings.head_settings, kind)
        analyzer = "word" if kind == "words" else "char_wb" if cut.within_words else "char"
        how = {"token_pattern": r"(?u)\b\w+\b"} if kind == "words" else {}
        lengths = cut.shortest, cut.longest
        counters.append(CountVectorizer(analyzer=analyzer, ngram_range=lengths, vocabulary=terms, **how))

    def numbers(found: Any) -> list[int]:
        return [number.get(row[0].path, -1) for row in found]

    return {
        OURS: lambda: numbers(model.decode(model.node_proba_of(vectors))),
        TEXTS: lambda: numbers(model.predict(texts)),
        VECTORISER: lambda: model.features(texts),
        SCIKIT: lambda: [counter.transform(texts) for counter in counters],
    }


def _in_turn(
    ways: dict[str, Callable[[], Any]], rivals: dict[str, Rival], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
    """Give the seconds of every way in every round, and the paths found."""
    times: dict[str, list[float]] = {way: [] for way in [*ways, *rivals]}
    found: dict[str, list[int]] = {}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            answer = way()
            times[name].append(time.perf_counter() - began)
            if name in (OURS, TEXTS):
                found[name] = answer
        for name, rival in rivals.items():
            seconds, found[name] = rival()
            times[name].append(seconds)
    return times, found


def write_table() -> None:
    """Write the last measurement of every set as Markdown."""
    lines = (RESULTS / "linear_speed.jsonl").read_text(encoding="utf-8").splitlines()
    last = {one["set"]: one for one in map(json.loads, lines)}
    text = ["# The linear model beside others on the same vectors", ""]
    text += [
        "Made by `python benchmarks/speed/linear.py`. One core each; medians over rounds in which all took turns.",
        "",
    ]
    text += [
        "Speed is from vectors to paths unless the row says something else. Of three weights of the loss the rivals"
    ]
    text += [
        "have the best one on validation rows. Ours is the default, nothing chosen. *times* is their speed by ours."
    ]
    for one in last.values():
        text += ["", f"## {one['set']}", "", one["machine"], "", _about(one), ""]
        text += [
            "| | tree | training, s | texts a second | times | path accuracy |",
            "| --- | --- | --: | --: | --: | --: |",
        ]
        base = one["ways"][OURS]["texts_per_second"]
        for way, row in one["ways"].items():
            cells = [ABOUT.get(way, way), row.get("tree", ""), _number(row.get("train_seconds"), ".1f")]
            cells += [f"{row['texts_per_second']:,.0f}", f"{row['texts_per_second'] / base:.2f}"]
            text.append("| " + " | ".join([*cells, _number(row.get("path_accuracy"), ".3f")]) + " |")
        text += [f"\n{ABOUT[name]} could not be run: {reason}." for name, reason in one["skipped"].items()]
    (RESULTS / "linear_speed.md").write_text("\n".join(text) + "\n", encoding="utf-8")


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _about(one: dict[str, Any]) -> str:
    rows = (
        f"{one['train_rows']:,} training rows, {one['paths']:,} paths; {one['texts']:,} test rows of {one['words']:.1f}"
    )
    kinds = " and ".join(one["counted"])
    return f"{rows} words on average; {one['features']:,} features ({kinds}); arrangement `{one['arrangement']}`."


if __name__ == "__main__":
    main()
