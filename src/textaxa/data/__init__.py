"""Tables in and out: columns, rows, examples, splits, and the doctor of a table. Light: standard library and NumPy."""

from textaxa.data._columns import Columns, labels_of, text_of
from textaxa.data._examples import Examples, read_examples
from textaxa.data._stream import FORMATS, RowStream, iterate_rows

__all__ = ["FORMATS", "Columns", "Examples", "RowStream", "iterate_rows", "labels_of", "read_examples", "text_of"]
