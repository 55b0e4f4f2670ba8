"""``textaxa plugins``: which heads, encoders and decoders other installed packages bring."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from textaxa._plugins import GROUPS, Plugin, load_plugin, plugins
from textaxa.errors import TextaxaError


@dataclass(frozen=True)
class Part:
    """One part of another package.

    Attributes
    ----------
    kind
        ``head``, ``encoder`` or ``decoder``.
    name
        What users write.
    package, version
        What brings it.
    fault
        Why it cannot be used; empty where nothing is known against it.
    """

    kind: str
    name: str
    package: str
    version: str
    fault: str = ""


def list_plugins(*, check: bool = False) -> list[Part]:
    """List the parts that other packages bring.

    Parameters
    ----------
    check
        Import each, and tell what is wrong with it. Without, nothing is imported.
    """
    found = [plugin for kind in GROUPS for plugin in plugins(kind)]
    return [
        Part(plugin.kind, plugin.name, plugin.package, plugin.version, _fault(plugin, check=check)) for plugin in found
    ]


def _fault(plugin: Plugin, *, check: bool) -> str:
    if plugin.name in _own_names(plugin.kind):
        return f"textaxa has a {plugin.kind} of this name, which is used instead"
    if not check:
        return ""
    try:
        _loaders()[plugin.kind](plugin)
    except TextaxaError as error:
        return str(error)
    return ""


def _own_names(kind: str) -> Collection[str]:
    from textaxa.decoding import DECODERS
    from textaxa.heads import HEADS

    if kind != "encoder":
        return HEADS if kind == "head" else DECODERS
    if find_spec("torch") is None:  # no encoder can be used then
        return ()
    from textaxa.encoders import ENCODERS

    return ENCODERS


def _loaders() -> dict[str, Callable[[Plugin], Any]]:
    from textaxa.decoding import find_decoder
    from textaxa.heads import head_class

    return {
        "head": lambda plugin: head_class(plugin.name),
        "encoder": load_plugin,
        "decoder": lambda plugin: find_decoder(plugin.name),
    }
