"""The public names of the package, listed once by hand: adding or losing one is a decision, not an accident."""

import subprocess
import sys

import pytest

import textaxa

PUBLIC = {
    "Choice",
    "calibrate",
    "Columns", "Config", "ConfigError", "DataError", "Evaluation", "Examples", "Finding", "HierarchicalTextClassifier",
    "MissingExtraError", "Model", "ModelFileError", "Prediction", "Report", "Taxonomy", "TaxonomyError", "TextaxaError",
    "__version__", "check", "check_taxonomy", "compare", "demo", "diff_taxonomies", "evaluate", "evaluate_paths",
    "explain", "export", "info", "init", "iterate_rows", "load_model", "migrate", "optimise", "paired_test", "predict",
    "predict_frame", "pull", "push",
    "read_config", "read_examples", "read_taxonomy", "reproduce", "save_model", "select", "teach", "train", "tune",
    "write_taxonomy", "zero_shot",
}  # fmt: skip


def test_the_public_names_are_these():
    assert set(textaxa.__all__) == PUBLIC
    assert set(textaxa.__all__) <= set(dir(textaxa))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_can_be_imported(name):
    assert getattr(textaxa, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Taxonmy'"):
        textaxa.Taxonmy  # noqa: B018


def _modules_after(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(out.stdout.split())


HEAVY = {"torch", "transformers", "sklearn", "scipy", "pandas", "pyarrow", "datasets", "polars"}


@pytest.mark.parametrize(
    "code",
    [
        "import textaxa",
        "import textaxa.cli",
        "from textaxa import Taxonomy, read_examples, evaluate_paths, check, predict, train, read_config, init, info",
        "from textaxa import select, calibrate, Choice; import textaxa.guarantee, textaxa.calibration",
        "from textaxa import compare",
        "from textaxa import explain; import textaxa.explanation",
    ],
)
def test_the_light_core_imports_nothing_heavy(code):
    assert not _modules_after(code) & HEAVY


def test_importing_the_package_and_its_command_line_does_not_even_import_numpy():
    assert "numpy" not in _modules_after("import textaxa.cli")
