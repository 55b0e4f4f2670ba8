"""Which columns of a table hold what: the text, the labels, the id, the group.

Comes in: a row as a mapping from column name to value. Goes out: its text (`text_of`) and its labels (`labels_of`).
"""

import string
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from textaxa.data._cells import cell_text, is_blank, listed, path_of_cell, path_of_names
from textaxa.errors import ConfigError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path

TEXT_JOINER = ". "
"""Between several text columns without a template: a sentence end keeps the encoder from reading a title into the
description."""


@dataclass(frozen=True)
class Columns:
    """The mapping from a table's columns to what textaxa needs.

    Attributes
    ----------
    text
        Columns of the text; several are joined by ``". "``, blank ones left out.
    template
        How several columns make the text: ``"{title}. {description}"``. Its columns are then the text columns, and
        `text` is not used. ``{{`` and ``}}`` are braces.
    labels
        One column a level, from the top level down; an empty cell means that the label stops above.
    path
        The column of one path a row: a list of names, or text with `separator` between the names.
    paths
        Several paths a row. One column: a list of paths, or text with `paths_separator` between the paths and
        `separator` between names. Several columns: one path each, empty ones left out.
    separator
        Between the names of a path.
    paths_separator
        Between the paths of one cell.
    id
        The column that identifies a row; its values must differ.
    group
        Rows with the same value are never put on both sides of a split.

    Raises
    ------
    ConfigError
        More than one of `labels`, `path` and `paths` is given, no text column, a template that cannot be read, or the
        same column twice.

    Examples
    --------
    >>> columns = Columns(text=("name",), labels=("category", "subcategory"))
    >>> labels_of({"name": "Chess", "category": "Games", "subcategory": ""}, columns)
    (('Games',),)
    """

    text: tuple[str, ...] = ("text",)
    template: str | None = None
    labels: tuple[str, ...] = ()
    path: str | None = None
    paths: tuple[str, ...] = ()
    separator: str = DEFAULT_SEPARATOR
    paths_separator: str = ";"
    id: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        for name in ("text", "labels", "paths"):
            _as_tuple(self, name)
        given = [name for name in ("labels", "path", "paths") if getattr(self, name)]
        if len(given) > 1:
            raise ConfigError(
                f"{' and '.join(given)} are both given, but a row has its label in one form only: give `labels` (one "
                f"column a "
                "level), `path` (one path a row) or `paths` (several paths a row)."
            )
        if not self.separator or not self.paths_separator:
            raise ConfigError("A separator is empty. Name the characters between two levels, for example ' > '.")
        if self.paths and self.separator == self.paths_separator:
            raise ConfigError(
                f"separator and paths_separator are both {self.separator!r}, so paths cannot be told apart."
            )
        _refuse_repeated("labels", self.labels)
        _refuse_repeated("paths", self.paths)
        pieces = _template_pieces(self.template) if self.template is not None else ()
        text = tuple(dict.fromkeys(name for _, name in pieces if name is not None)) if pieces else self.text
        _refuse_repeated("text", text)
        if not text:
            raise ConfigError(
                "No text column is given. Name the column that holds the text, for example text=('text',)."
            )
        object.__setattr__(self, "_pieces", pieces)
        object.__setattr__(self, "_text_columns", text)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns that the text is made of."""
        return self._text_columns  # type: ignore[attr-defined, no-any-return]

    @property
    def label_columns(self) -> tuple[str, ...]:
        """The columns that the labels are made of; empty where no labels are wanted."""
        return self.labels or self.paths or ((self.path,) if self.path else ())

    @property
    def has_labels(self) -> bool:
        """Whether columns of labels are named."""
        return bool(self.label_columns)

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that a table must have, each once."""
        others = tuple(name for name in (self.id, self.group) if name)
        return tuple(dict.fromkeys(self.text_columns + self.label_columns + others))


REMEMBERED = ("text", "template", "labels", "path", "paths", "separator", "paths_separator")
"""What a model remembers of the columns that it was trained on."""


def remember_columns(columns: Columns) -> dict[str, Any]:
    """Give what a model's summary keeps of the training table's columns."""
    kept = {name: value for name, value in asdict(columns).items() if name in REMEMBERED}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def text_of(row: Mapping[str, Any], columns: Columns) -> str:
    """Give the text of a row, without spaces around it; the empty string where there is none.

    Raises
    ------
    DataError
        A text column holds a list, a mapping or bytes.

    Examples
    --------
    >>> text_of({"title": "Chess", "about": "Play online"}, Columns(template="{title}: {about}"))
    'Chess: Play online'
    """
    cells = {name: cell_text(row.get(name), name) for name in columns.text_columns}
    if not any(cells.values()):
        return ""
    pieces: tuple[tuple[str, str | None], ...] = columns._pieces  # type: ignore[attr-defined]
    if not pieces:
        return TEXT_JOINER.join(cell for cell in cells.values() if cell)
    return "".join(literal + (cells[name] if name is not None else "") for literal, name in pieces).strip()


def labels_of(row: Mapping[str, Any], columns: Columns) -> tuple[Path, ...]:
    """Give the labels of a row, each path once, in their order; an empty tuple where all label cells are empty.

    Raises
    ------
    DataError
        A child without its parent, an empty name inside a path, a name with the separator in it, a cell that is not
        text.

    Examples
    --------
    >>> labels_of({"tags": "Games > Chess; Sports"}, Columns(paths=("tags",)))
    (('Games', 'Chess'), ('Sports',))
    """
    if columns.labels:
        path = _path_of_levels(row, columns)
        return (path,) if path else ()
    if columns.path:
        path = path_of_cell(row.get(columns.path), columns.path, columns.separator)
        return (path,) if path else ()
    return tuple(dict.fromkeys(path for path in _several(row, columns) if path))


def _several(row: Mapping[str, Any], columns: Columns) -> Iterable[Path]:
    for name in columns.paths:
        value = row.get(name)
        if len(columns.paths) > 1:
            yield path_of_cell(value, name, columns.separator)
        elif isinstance(value, str):
            for cell in value.split(columns.paths_separator):
                yield path_of_cell(cell, name, columns.separator)
        elif not is_blank(value):
            for item in listed(value, name):
                yield path_of_cell(item, name, columns.separator)


def _path_of_levels(row: Mapping[str, Any], columns: Columns) -> Path:
    names = tuple(cell_text(row.get(name), name) for name in columns.labels)
    return path_of_names(names, "", columns.separator, labels=columns.labels)


def _as_tuple(columns: Columns, name: str) -> None:
    """Take one name for a tuple of one: ``text="text"`` is what a person writes."""
    value = getattr(columns, name)
    object.__setattr__(columns, name, (value,) if isinstance(value, str) else tuple(value))


def _refuse_repeated(what: str, names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"The column {name!r} is named twice in `{what}`. Name each column once.")


def _template_pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """Split a template into text and column names; nothing of Python's format language beyond ``{name}`` is taken."""
    try:
        parsed = list(string.Formatter().parse(template))
    except ValueError as error:
        raise ConfigError(
            f"The template {template!r} cannot be read: {error}. A brace itself is written {{{{ or }}}}."
        ) from None
    for _, name, spec, conversion in parsed:
        if name is not None and (not name or spec or conversion):
            raise ConfigError(
                f"The template {template!r} has a field that is not just a column name. Write '{{title}}. "
                f"{{description}}'."
            )
    if not any(name is not None for _, name, _, _ in parsed):
        raise ConfigError(f"The template {template!r} names no column. Write '{{title}}. {{description}}'.")
    return tuple((literal, name) for literal, name, _, _ in parsed)
