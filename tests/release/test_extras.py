"""Every extra that a message names can be installed; a missing package is told with the command that installs it."""

import re
import tomllib
from pathlib import Path

import pytest

from textaxa._extras import require
from textaxa.errors import MissingExtraError

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
FILES = sorted((ROOT / "src").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_NAMED = re.compile(r"""extra=["']([\w-]+)["']|textaxa\[([\w,-]+)\]""")


def _named(files):
    for file in files:
        for call, install in _NAMED.findall(file.read_text(encoding="utf-8")):
            for extra in (call or install).split(","):
                yield extra, file.relative_to(ROOT).as_posix()


def test_every_extra_that_is_named_is_declared():
    named = list(_named([*FILES, *PAGES]))
    assert {"train", "minilm", "runtime", "skos", "parquet", "hub"} <= {extra for extra, _ in named}
    # pydantic has settings of that name, too
    assert [(extra, file) for extra, file in named if extra not in {*EXTRAS, "allow", "forbid", "ignore"}] == []


def test_what_an_extra_is_made_of_exists():
    made_of = {extra: re.findall(r"textaxa\[([\w,-]+)\]", " ".join(EXTRAS[extra])) for extra in EXTRAS}
    parts = {part for found in made_of.values() for one in found for part in one.split(",")}
    assert parts <= EXTRAS.keys()
    left_out = EXTRAS.keys() - {part for one in made_of["all"] for part in one.split(",")}
    assert left_out <= {"all", "dev", "docs", "release", "mutation", "train", "remote"}, (
        "is it for users? Add it to all"
    )


def test_every_pinned_version_fits_the_bounds():
    requirements = pytest.importorskip("packaging.requirements", reason="reads requirements; it comes with pytest")
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    plain = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    bounds = [requirements.Requirement(text) for extra in EXTRAS for text in EXTRAS[extra]]
    wrong = [
        f"{bound}: {plain[bound.name.lower()]}"
        for bound in bounds
        if bound.name.lower() in plain and not bound.specifier.contains(plain[bound.name.lower()], prereleases=True)
    ]
    assert wrong == []


def test_a_missing_package_is_told_with_the_command_that_installs_it():
    with pytest.raises(MissingExtraError, match=r'not_there_at_all.*pip install "textaxa\[skos\]"'):
        require("not_there_at_all", extra="skos")
    assert require("json", extra="skos").__name__ == "json"


def test_a_package_that_is_there_but_broken_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import not_there_at_all\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        require("half_there", extra="skos")
