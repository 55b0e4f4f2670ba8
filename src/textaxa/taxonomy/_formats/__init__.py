"""The file formats of taxonomies: one file each, a reader and a writer in each; a new format is one entry here."""

from textaxa.taxonomy._formats import _annif, _codes, _indented, _nested, _paths, _skos
from textaxa.taxonomy._formats._format import Columns, Format, Options
from textaxa.taxonomy._formats._text import Source, read_text, source_name, write_text

FORMATS = {
    entry.name: entry
    for entry in (
        Format("codes", _codes.read, _codes.write, holds_dags=True),
        Format("paths", _paths.read_paths, _paths.write_paths, holds_dags=False),
        Format("lines", _paths.read_lines, _paths.write_lines, holds_dags=False),
        Format("levels", _paths.read_levels, _paths.write_levels, holds_dags=False),
        Format("indented", _indented.read, _indented.write, holds_dags=False),
        Format("yaml", _nested.read_yaml, _nested.write_nested_yaml, holds_dags=False),
        Format("json", _nested.read_json, _nested.write_nested_json, holds_dags=False),
        Format("skos", _skos.read, _skos.write, holds_dags=True),
        Format("annif", _annif.read, _annif.write, holds_dags=False),
    )
}

__all__ = ["FORMATS", "Columns", "Format", "Options", "Source", "read_text", "source_name", "write_text"]
