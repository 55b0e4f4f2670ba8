"""What a release would hold: all that the package needs, nothing that it does not, metadata that installers read."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="builds the wheel; it comes with the extra dev")

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "textaxa"

DATA = {
    "textaxa/py.typed",
    "textaxa/demo_data/README.md",
    "textaxa/demo_data/appstream_licences.csv",
    "textaxa/demo_data/open-apps.csv",
    "textaxa/demo_data/taxonomy.csv",
    "textaxa/report/static/page.css",
    "textaxa/report/static/report.js",
    "textaxa/server/static/app.css",
    "textaxa/server/static/app.js",
    "textaxa/server/static/chart.js",
    "textaxa/server/static/index.html",
}
"""Files of the wheel that are no Python, listed by hand: another one is a decision."""

MOST_BYTES = 3_000_000
"""Of the wheel; 1.6 MB in November 2026, a third of it the demo's texts."""

MOST_BYTES_OF_SOURCES = 6_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def wheel(built):
    (file,) = built.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def _metadata(wheel, name):
    (found,) = [file for file in wheel.namelist() if file.endswith(f".dist-info/{name}")]
    return wheel.read(found).decode()


def test_every_module_is_in_the_wheel_and_nothing_else_but_the_listed_data(wheel):
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    modules = {f"textaxa/{file.relative_to(SOURCE).as_posix()}" for file in SOURCE.rglob("*.py")}
    assert {name for name in inside if name.endswith(".py")} == modules
    assert {name for name in inside if not name.endswith(".py")} == DATA


def test_the_wheel_carries_its_licence_and_command(wheel):
    assert "Apache License" in _metadata(wheel, "licenses/LICENSE")
    assert _metadata(wheel, "licenses/NOTICE") == (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert "textaxa = textaxa.cli:main" in _metadata(wheel, "entry_points.txt")
    assert "Root-Is-Purelib: true" in _metadata(wheel, "WHEEL")


def test_the_metadata_name_the_version_and_every_extra(wheel):
    from textaxa import __version__

    told = HeaderParser().parsestr(_metadata(wheel, "METADATA"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert told["Version"] == __version__ == project["version"]
    assert told["Requires-Python"] == ">=3.11"
    assert set(told.get_all("Provides-Extra")) == set(project["optional-dependencies"])
    core = [line for line in told.get_all("Requires-Dist") if "extra ==" not in line]
    assert {re.match(r"[\w-]+", line)[0].lower() for line in core} == {"numpy", "pyyaml", "rich", "typer"}


def test_the_archives_are_small(built):
    (wheel,), (sources,) = built.glob("*.whl"), built.glob("*.tar.gz")
    assert wheel.stat().st_size < MOST_BYTES
    assert sources.stat().st_size < MOST_BYTES_OF_SOURCES


def test_the_sources_can_be_built_and_tested_and_hold_no_foreign_code(built):
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "NOTICE", "constraints.txt", "tests/conftest.py"} <= inside
    assert not [
        name for name in inside if re.search(r"(^|/)(node_modules|__pycache__|\.git|\.venv|shared|build)/", name)
    ]


def test_twine_finds_nothing_to_complain_about(built):
    pytest.importorskip("twine", reason="checks what a package index would refuse; it comes with the extra release")
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_alone_answers_from_its_archive(built):
    (file,) = built.glob("*.whl")
    script = (
        f"import sys; sys.path.insert(0, {str(file)!r}); import textaxa; print(textaxa.__file__, textaxa.__version__)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(file))
