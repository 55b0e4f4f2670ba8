"""A correction: what a person says of a text, and what the model had said."""

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from textaxa.errors import DataError
from textaxa.taxonomy import Path


def _new_id() -> str:
    return secrets.token_hex(8)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Correction:
    """What a person says of a text.

    Attributes
    ----------
    text
        The text; never blank.
    paths
        Its true paths, at least one. One and the same as `predicted`: the answer was confirmed.
    predicted
        What the model had said; empty where that is not known.
    probability
        How probable the model thought that, in [0, 1].
    model, version
        Which model it was.
    by, comment
        Who says so, and why.
    id, time
        Its name, and when it was given (ISO 8601, UTC); made where they are left out.

    Examples
    --------
    >>> one = Correction("Chess for two", (("Games", "Board"),), predicted=("Games", "Cards"))
    >>> Correction.from_dict(one.to_dict()) == one
    True
    """

    text: str
    paths: tuple[Path, ...]
    predicted: Path = ()
    probability: float | None = None
    model: str = ""
    version: str = ""
    by: str = ""
    comment: str = ""
    id: str = field(default_factory=_new_id)
    time: str = field(default_factory=_now)

    def to_dict(self) -> dict[str, Any]:
        """Give values that JSON can hold; what is empty is left out."""
        values = asdict(self) | {"paths": [list(path) for path in self.paths], "predicted": list(self.predicted)}
        return {name: value for name, value in values.items() if value not in ("", [], None)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Correction":
        """Give the correction that `to_dict` stored; of a path alone (``path``), too.

        Raises
        ------
        DataError
            There is no text or no path, or a value is of another kind.
        """
        if not isinstance(values, Mapping):
            raise DataError(f"A correction is an object with a text and its paths, not {type(values).__name__}.")
        text = values.get("text")
        if not isinstance(text, str) or not text.strip():
            raise DataError("A correction has no text. Give the text that was corrected.")
        paths = values.get("paths") or ([values["path"]] if values.get("path") else [])
        if not isinstance(paths, list | tuple) or not paths:
            raise DataError("A correction has no path. Give the true path as a list of names.")
        return cls(
            _whole(text),
            tuple(_path(path) for path in paths),
            _path(values["predicted"]) if values.get("predicted") else (),
            _probability(values.get("probability")),
            **{name: _string(values, name) for name in ("model", "version", "by", "comment")},
            **{name: _string(values, name) for name in ("id", "time") if values.get(name)},
        )


def _path(names: Any) -> Path:
    if not isinstance(names, list | tuple) or not names or not all(isinstance(n, str) and n.strip() for n in names):
        raise DataError(f"The path {str(names)[:100]!r} of a correction is no list of names from the top level down.")
    return tuple(map(_whole, names))


def _probability(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"The probability {str(value)[:50]!r} of a correction is no number from 0 to 1.")
    return float(value)


def _string(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name) or ""
    if not isinstance(value, str):
        raise DataError(f"The {name} of a correction is {type(value).__name__}, not text.")
    return _whole(value)


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which an escape in JSON can bring: nothing could be trained on them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
