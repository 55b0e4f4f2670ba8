"""Tables in and out: columns, rows, examples, splits, and the doctor of a table. Light: standard library and NumPy."""

from textaxa.data._columns import Columns, labels_of, text_of
from textaxa.data._doctor import check_examples
from textaxa.data._examples import Examples, read_examples, require_two_classes
from textaxa.data._fingerprint import rows_fingerprint
from textaxa.data._formats import FORMATS
from textaxa.data._label_taxonomy import taxonomy_of_labels
from textaxa.data._normalise import normalise_labels, normalise_texts
from textaxa.data._split import split_examples
from textaxa.data._stream import RowStream, iterate_rows
from textaxa.data._writers import RowWriter, write_rows

__all__ = [
    "FORMATS",
    "Columns",
    "Examples",
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
