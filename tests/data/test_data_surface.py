"""What is public, and what importing it costs."""

import subprocess
import sys

import pytest

import textaxa.data
from textaxa.data import Examples, require_two_classes
from textaxa.errors import DataError


def test_the_public_names_are_these() -> None:
    assert sorted(textaxa.data.__all__) == [
        "Columns",
        "Examples",
        "FORMATS",
        "RowStream",
        "RowWriter",
        "check_examples",
        "iterate_rows",
        "labels_of",
        "normalise_labels",
        "normalise_texts",
        "read_examples",
        "require_two_classes",
        "rows_fingerprint",
        "split_examples",
        "taxonomy_of_labels",
        "text_of",
        "write_rows",
    ]
    for name in textaxa.data.__all__:
        assert getattr(textaxa.data, name).__doc__


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = {"pandas", "polars", "pyarrow", "datasets", "torch", "scipy"}
    code = f"import sys, textaxa.data; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match=r"all 2 rows have the label 'A > B', so there is nothing to tell apart"):
        require_two_classes(Examples(["x", "y"], [(("A", "B"),)] * 2, [2, 3]))
    require_two_classes(Examples(["x", "y"], [(("A", "B"),), (("A",),)], [2, 3]))
