"""Which parts of other packages a model folder needs: written when it is saved, asked for before it is read."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textaxa._plugins import GROUPS, Plugin, find_plugin
from textaxa.errors import ModelFileError
from textaxa.heads import HEADS

KEY = "plugins"
"""Of ``config.json``; there only where something is needed."""

_FIELDS = ("kind", "name", "package", "version")
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def needed(head: str, folder: Path) -> list[dict[str, str]]:
    """Give what a model that is being written to ``folder`` needs: kind, name, package and version of each part."""
    found = [
        None if head in HEADS else find_plugin("head", head),
        _encoder(folder / "encoder" / "config.json"),
    ]
    return [{name: getattr(plugin, name) for name in _FIELDS} for plugin in found if plugin is not None]


def _encoder(file: Path) -> Plugin | None:
    try:
        model_type = json.loads(file.read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError):
        return None
    return find_plugin("encoder", model_type) if isinstance(model_type, str) else None


def listed(config: Mapping[str, Any], place: Path) -> list[dict[str, str]]:
    """Give what ``config.json`` says is needed.

    Raises
    ------
    ModelFileError
        The list is damaged.
    """
    found = config.get(KEY, [])
    whole = isinstance(found, list) and all(
        isinstance(one, dict)
        and all(isinstance(one.get(name), str) for name in _FIELDS)
        and one["kind"] in GROUPS
        and _PACKAGE.fullmatch(one["package"])
        for one in found
    )
    if not whole:
        raise ModelFileError(f"{place}: config.json is damaged: {KEY!r} is not a list of parts of packages.")
    return list(found)


def check_plugins(config: Mapping[str, Any], place: Path) -> None:
    """Refuse a model whose parts are not installed. Nothing is imported.

    Raises
    ------
    ModelFileError
        A package is missing; the message names it and what it brings.
    """
    for part in listed(config, place):
        if find_plugin(part["kind"], part["name"]) is None:
            raise ModelFileError(
                f"{place} needs the {part['kind']} {part['name']!r}, which the package {part['package']} brings "
                f"(it was made with version {part['version']}) and which is not installed here. If you trust that "
                f"package: pip install {part['package']}"
            )
