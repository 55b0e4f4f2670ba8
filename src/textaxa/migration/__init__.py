"""Models for changed taxonomies, without training: what each node learned is carried to what it became.

A model, a new taxonomy and, where there is one, a mapping of nodes come in; a model and a report go out. Needs the
extra ``train``, which is imported when `migrate` is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from textaxa._extras import require

if TYPE_CHECKING:
    from textaxa.migration._decisions import version_of
    from textaxa.migration._migrate import Migrated, migrate
    from textaxa.migration._report import MigrationReport, Suggestion

__all__ = ["Migrated", "MigrationReport", "Suggestion", "migrate", "version_of"]

_PLACES = {
    "Migrated": "_migrate",
    "MigrationReport": "_report",
    "Suggestion": "_report",
    "migrate": "_migrate",
    "version_of": "_decisions",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("torch", extra="train")
    return getattr(import_module(f"textaxa.migration.{_PLACES[name]}"), name)
