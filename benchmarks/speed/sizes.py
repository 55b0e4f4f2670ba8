"""What an installation weighs: the light core, what predicts from an exported model, each extra.

    python benchmarks/speed/sizes.py
    python benchmarks/speed/sizes.py --only core --dry

The first writes results/sizes.md. It builds a wheel and installs it into fresh environments with the versions of
constraints.txt, so it needs a package index. Bytes are those of the files that belong to each package, compiled modules
included; 1 MB is 1,000,000 bytes. Extras with PyTorch are added up in the environment that runs this script, since
which build of PyTorch a fresh one would get depends on the index. In the environment with the extra `runtime` a text is
predicted from a folder with no more in it than prediction reads.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
MEGABYTE = 1e6
FRESH = ("core", "runtime", "openvino", "parquet", "skos")
HERE = ("train", "minilm", "export", "audit", "explain")
AIMS = {"core": 200, "runtime": 250}
"""Megabytes that we want to stay below; `runtime` with an 8-bit model."""

CUT = ("tokenizers", "huggingface-hub")
"""A requirement that prediction never imports: the package that names it, and what it names."""

LIST = """
import json
from importlib.metadata import distributions
print(json.dumps({one.name.lower().replace("_", "-"): sum(f.locate().stat().st_size for f in one.files or ()
    if f.locate().is_file()) for one in distributions()}))
"""


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(Path(scratch), [name for name in FRESH if name in options.only], here="all" in options.only)
    print(json.dumps(found, indent=1))
    if not options.dry:
        (RESULTS / "sizes.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "sizes.md").write_text(table(found), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", default=[*FRESH, "all"], help="of: " + ", ".join(FRESH))
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def measure(scratch: Path, names: Iterable[str], *, here: bool) -> dict[str, object]:
    """Give the bytes of every package by environment, and of the model's parts."""
    from _machine import describe

    wheel = _wheel(scratch)
    found: dict[str, object] = {}
    for name in names:
        print(f"installing {name}", flush=True)
        python = _environment(scratch / name, wheel, name)
        found[name] = _packages(python)
        if name == "runtime":
            found |= _predicts(scratch, python, found[name])
    extras = {name: _closure("textaxa", name) for name in (HERE if here else ())}
    sizes = _packages(Path(sys.executable)) if extras else {}
    here_found = {name: {one: sizes[one] for one in sorted(needed & set(sizes))} for name, needed in extras.items()}
    return {"fresh": found, "here": here_found, "machine": describe()}


def _wheel(scratch: Path) -> Path:
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, ROOT)
    (wheel,) = scratch.glob("textaxa-*.whl")
    return wheel


def _environment(place: Path, wheel: Path, extra: str) -> Path:
    """Install the wheel with an extra into a fresh environment without pip; give its Python."""
    _run(sys.executable, "-m", "venv", "--without-pip", place)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = str(wheel) if extra == "core" else f"{wheel}[{extra}]"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    _run(*pip, "--constraint", ROOT / "constraints.txt", wanted)
    return python


def _packages(python: Path) -> dict[str, int]:
    return json.loads(_run(python, "-c", LIST))


def _predicts(scratch: Path, python: Path, packages: object) -> dict[str, object]:
    """Predict with and without what `CUT` brings; give the bytes of the model and the packages that were taken out."""
    folder = _slim_model(scratch / "model")
    (scratch / "one.csv").write_text("text\nOnline football game: build your club\n", encoding="utf-8")
    command = (python, "-m", "textaxa", "predict", folder, scratch / "one.csv", "--text", "text", "--quiet")
    answer = _run(*command)
    spare = _spare({str(name) for name in packages} if isinstance(packages, dict) else set())
    _run(sys.executable, "-m", "pip", "--python", python, "uninstall", "--quiet", "--yes", *sorted(spare))
    if _run(*command) != answer:
        raise RuntimeError("Another answer without the packages that were taken out.")
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    return {"model": files, "spare": sorted(spare)}


def _slim_model(scratch: Path) -> Path:
    """Give a model folder with an 8-bit export and without what only PyTorch reads."""
    code = (
        "import sys; sys.path[:0] = sys.argv[2:4]; from pathlib import Path; from _corpora import load\n"
        "from _engines import saved, untrained; saved(untrained(load('open-apps').paths), Path(sys.argv[1]), 'int8')"
    )
    _run(sys.executable, "-c", code, scratch, Path(__file__).parent, Path(__file__).parents[1])
    folder = scratch / "int8"
    shutil.rmtree(folder / "encoder")
    (folder / "head.safetensors").unlink()
    return folder


def _spare(installed: set[str]) -> set[str]:
    """Give the packages of the extra `runtime` that are there only for what prediction never imports."""
    return (_closure("textaxa", "runtime") - _closure("textaxa", "runtime", without=CUT)) & installed


def _closure(name: str, *extras: str, without: tuple[str, str] | None = None) -> set[str]:
    """Give the names of a package and of all that it requires, as the packages that are installed here say."""
    found: set[str] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, extras)]
    seen = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        found.add(one[0])
        waiting += [(needed, more) for needed, more in _required(*one) if (one[0], needed) != without]
    return found


def _required(name: str, extras: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        requirements = _own(extras) if name == "textaxa" else metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return  # of another platform
    for requirement in map(Requirement, requirements):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in ("", *extras)):
            yield canonicalize_name(requirement.name), tuple(sorted(requirement.extras))


def _own(extras: tuple[str, ...]) -> list[str]:
    """Give our own requirements as they are now; what an editable installation remembers may be older."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *(one for name in extras for one in project["optional-dependencies"][name])]


def _run(*command: object) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def table(found: dict) -> str:
    """Give the page."""
    fresh, model = found["fresh"], sum(found["fresh"].get("model", {}).values())
    text = ["# Installed sizes", "", f"Written by `benchmarks/speed/sizes.py`. {found['machine']}", "", INTRODUCTION]
    text += ["", "| environment | MB | aim | largest packages |", "| --- | --: | --: | --- |"]
    for name in (name for name in FRESH if name in fresh):
        rows = [("light core" if name == "core" else f"`{name}`", fresh[name], 0)]
        if name == "runtime" and model:
            spare = set(fresh["spare"])
            kept = {one: size for one, size in fresh[name].items() if one not in spare}
            rows += [
                ("`runtime` and an 8-bit model", fresh[name], model),
                ("the same without what is never imported", kept, model),
            ]
        for title, packages, more in rows:
            aimed = name in AIMS and (more or name == "core")
            text.append(_row(title, packages, more, f"< {AIMS[name]}" if aimed else ""))
    text += [_row(f"`{name}`, as installed here", packages, 0, "") for name, packages in found["here"].items()]
    if model:
        text += ["", f"Never imported by prediction: {', '.join(fresh['spare'])}.", ""]
        text += ["| file of the 8-bit model | MB |", "| --- | --: |"]
        text += [f"| `{name}` | {size / MEGABYTE:.2f} |" for name, size in sorted(fresh["model"].items())]
    return "\n".join(text) + "\n"


INTRODUCTION = """An environment has the light core and one extra; `textaxa` itself is counted. Files of packages with
compiled modules, without Python itself and pip. The model folder has what prediction reads, no weights of PyTorch.
Some packages come because `tokenizers` requires `huggingface-hub`, to download tokenizers. Prediction reads its own
from the model folder, so it gives the same answer where they are uninstalled; pip would bring them back."""


def _row(title: str, packages: dict[str, int], more: int, aim: str) -> str:
    largest = sorted(packages.items(), key=lambda pair: -pair[1])[:6]
    named = ", ".join(f"{name} {size / MEGABYTE:.0f}" for name, size in largest)
    return f"| {title} | {(sum(packages.values()) + more) / MEGABYTE:.0f} | {aim} | {named} |"


if __name__ == "__main__":
    main()
