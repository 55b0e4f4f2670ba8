"""Parts that other installed packages bring: heads, encoders and decoders, announced by entry points.

In comes the name that a user wrote, out goes what the package offers under it. A package is imported when its part is
asked for by name, never to list it. Parts of textaxa itself are looked up first: nothing can take their names.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textaxa.errors import ConfigError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = {"head": "textaxa.heads", "encoder": "textaxa.encoders", "decoder": "textaxa.decoders"}
"""The entry-point group of each kind of part."""


@dataclass(frozen=True)
class Plugin:
    """A part that another package brings.

    Attributes
    ----------
    kind
        A key of `GROUPS`.
    name
        What users write.
    package, version
        The distribution that brings it.
    entry
        The entry point.
    """

    kind: str
    name: str
    package: str
    version: str
    entry: "EntryPoint" = field(compare=False, repr=False)

    def __str__(self) -> str:
        """Name the part and its package, as messages do."""
        return f"The {self.kind} {self.name!r} of the package {self.package} {self.version}"


def plugins(kind: str) -> list[Plugin]:
    """List the installed parts of a kind by name, without importing any.

    >>> [plugin for plugin in plugins("head") if plugin.kind != "head"]
    []
    """
    from importlib.metadata import entry_points  # noqa: PLC0415 - 20 ms that a start without plug-ins need not take

    found = {
        (entry.name, entry.dist.name if entry.dist else "?"): Plugin(
            kind, entry.name, entry.dist.name if entry.dist else "?", entry.dist.version if entry.dist else "?", entry
        )
        for entry in reversed(list(entry_points(group=GROUPS[kind])))  # of a package found twice, the first counts
    }
    return [found[key] for key in sorted(found)]


def find_plugin(kind: str, name: str) -> Plugin | None:
    """Find the part of a name; None where no package brings it.

    Raises
    ------
    ConfigError
        Several packages bring one.
    """
    found = [plugin for plugin in plugins(kind) if plugin.name == name]
    if len(found) > 1:
        packages = " and ".join(plugin.package for plugin in found)
        raise ConfigError(
            f"{kind} = {name!r} could be of several packages: {packages}. Remove all but one: pip uninstall PACKAGE"
        )
    return found[0] if found else None


def load_plugin(plugin: Plugin) -> Any:
    """Import a part.

    Raises
    ------
    ConfigError
        Its package cannot be imported, or does not hold what it announces.
    """
    try:
        return plugin.entry.load()
    except Exception as error:
        raise ConfigError(
            f"{plugin} cannot be imported from {plugin.entry.value}: {type(error).__name__}: {error}. That package is "
            f"broken, or does not fit what is installed beside it. Upgrade it or remove it: pip uninstall "
            f"{plugin.package}"
        ) from error


def refuse(plugin: Plugin, what: str) -> ConfigError:
    """Give the error for a part that is not what its kind must be."""
    return ConfigError(f"{plugin} cannot be used: {what}. Tell the authors of {plugin.package}, or upgrade it.")
