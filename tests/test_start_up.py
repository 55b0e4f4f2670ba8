"""What a start imports, listed by hand: another package is a decision, since each costs start-up time and memory.

No times are asserted here: `benchmarks/speed/start_up.py` measures them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import exported, make_model

HELP = {"typer", "rich"}
PREDICTION = {"numpy", "onnxruntime", "tokenizers"}
"""PyYAML, rich's bars and safetensors are not needed for a table of texts; nothing of PyTorch's world is."""

BROUGHT = {
    "absl",  # OpenVINO, where it is installed
    "annotated_doc",  # typer
    "annotated_types",  # pydantic
    "attr",  # rich, where it is installed
    "click",  # typer before 0.20
    "linkify_it",  # markdown_it, where it is installed
    "markdown_it",  # rich
    "mdurl",  # rich
    "pydantic",  # typer
    "pydantic_core",
    "pygments",  # rich
    "shellingham",  # typer
    "typing_extensions",
    "typing_inspection",  # pydantic
    "openvino_telemetry",  # openvino
    "packaging",  # openvino
}
"""Come with those above, as their versions like. They are no dependencies of ours."""

_SCRIPT = """
import json, sys
before = set(sys.modules)
sys.argv = ["textaxa", *{arguments}]
try:
    {code}
except SystemExit as end:
    if end.code:
        raise
finally:
    found = {{name.partition(".")[0] for name in set(sys.modules) - before}} - set(sys.stdlib_module_names)
    files = {{name: getattr(sys.modules.get(name), "__file__", None) for name in found}}
    print(json.dumps([name for name, file in files.items() if file and not name.startswith("_")]), file=sys.stderr)
"""

MAIN = "from textaxa.cli import main; main()"


def packages_after(code: str, *arguments: str) -> set[str]:
    """Give the top-level packages, ours and the standard library's left out, that a fresh process imports."""
    script = _SCRIPT.format(code=code, arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1])) - {"textaxa"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("start")
    exported(make_model(place, KINDS["labels at inner nodes"]), place)
    return place / "model"


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("table") / "one.csv"
    file.write_text("text\nOnline football game: build your club\n", encoding="utf-8")
    return file


def test_the_package_alone_imports_nothing():
    assert packages_after("import textaxa") == set()


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"]])
def test_help_imports_the_command_line_alone(arguments):
    assert packages_after(MAIN, *arguments) - BROUGHT == HELP


def test_prediction_by_the_runtime_imports_these(model, table):
    found = packages_after(MAIN, "predict", str(model), str(table), "--quiet", "--runtime", "onnx")
    assert found - BROUGHT == {"typer"} | PREDICTION


def test_prediction_in_python_needs_no_command_line(model):
    found = packages_after(f"import textaxa; textaxa.load_model({str(model)!r}, runtime='onnx').predict(['a game'])")
    assert found == PREDICTION


def test_openvino_is_imported_where_it_computes(model, table):
    pytest.importorskip("openvino")
    found = packages_after(MAIN, "predict", str(model), str(table), "--quiet", "--runtime", "openvino")
    assert found - BROUGHT == {"typer"} | PREDICTION | {"openvino"}
