"""Heads of other packages: found by entry point, and held against what a head must offer before anything is built."""

from collections.abc import Iterable
from dataclasses import is_dataclass
from typing import Any

from textaxa._extras import require
from textaxa._plugins import Plugin, load_plugin, refuse
from textaxa.settings import Checked

_METHODS = ("forward", "loss", "node_proba", "end_epoch")


def foreign_head(plugin: Plugin) -> Any:
    """Import the class of a head and check it.

    Raises
    ------
    ConfigError
        The package cannot be imported, or the class lacks something that every head has.
    MissingExtraError
        PyTorch is not installed.
    """
    torch = require("torch", extra="train")
    kind = load_plugin(plugin)
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise refuse(plugin, f"{plugin.entry.value} is not a class made from torch.nn.Module")
    missing = [name for name in _METHODS if not callable(getattr(kind, name, None)) or _is_unwritten(kind, name)]
    if missing:
        raise refuse(plugin, f"its class lacks {', '.join(missing)}")
    _check_attributes(plugin, kind)
    return kind


def _is_unwritten(kind: Any, name: str) -> bool:
    """Tell whether ``forward`` is PyTorch's own, which only raises."""
    return name == "forward" and kind.forward.__name__ == "_forward_unimplemented"


def _check_attributes(plugin: Plugin, kind: Any) -> None:
    settings = getattr(kind, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, Checked) and is_dataclass(settings)):
        raise refuse(plugin, "its Settings are not a frozen dataclass made from textaxa.settings.Checked")
    tasks = getattr(kind, "tasks", None)
    known = isinstance(tasks, Iterable) and not isinstance(tasks, str) and {*tasks} <= {"single", "multi"}
    if not known or not tasks:
        raise refuse(plugin, f"its tasks are {tasks!r}, where ('single',), ('multi',) or both are expected")
    reads = getattr(kind, "reads", None)
    if reads not in ("vectors", "tokens"):
        raise refuse(plugin, f"it reads {reads!r}, where 'vectors' or 'tokens' is expected")
