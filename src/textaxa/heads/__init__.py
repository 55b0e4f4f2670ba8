"""Features to node probabilities, and the loss. One readable file a head: its settings, then the module.

The table below is light: a head's file, and with it PyTorch (the extra ``train``), is imported when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa._plugins import find_plugin, plugins
from textaxa._suggest import did_you_mean
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings

if TYPE_CHECKING:
    from textaxa.heads._build import Head, build_head
    from textaxa.settings import Checked

__all__ = [
    "HEADS",
    "Head",
    "build_head",
    "check_encoder",
    "check_task",
    "head_class",
    "head_settings",
    "is_head",
    "known_heads",
    "needs_encoder",
    "uses_encoder",
]

HEADS: dict[str, str] = {
    "chained": "textaxa.heads.chained.ChainedHead",
    "per-level": "textaxa.heads.per_level.PerLevelHead",
    "cascade": "textaxa.heads.cascade.CascadeHead",
    "conditional": "textaxa.heads.conditional.ConditionalHead",
    "binary": "textaxa.heads.binary.BinaryHead",
    "label-text": "textaxa.heads.label_text.LabelTextHead",
    "hiagm-tp": "textaxa.heads.hiagm_tp.HiagmTPHead",
    "hiagm-la": "textaxa.heads.hiagm_la.HiagmLAHead",
    "flat": "textaxa.heads.flat.FlatHead",
    "linear": "textaxa.linear.LinearModel",
    "wide": "textaxa.wide.WideModel",
}
"""Where each head lives. A head is one file in this folder and one line here; one that reads texts, and so is a whole
model, has a room of its own. Heads of other packages come besides: `known_heads`."""


_ENCODE = ("wide",)
"""Whole models that have an encoder inside."""


def known_heads() -> tuple[str, ...]:
    """Name every head: those of textaxa, then those that other installed packages bring."""
    return (*HEADS, *sorted({plugin.name for plugin in plugins("head")} - HEADS.keys()))


def is_head(name: object) -> bool:
    """Tell, without importing it, whether there is a head of that name."""
    return isinstance(name, str) and (name in HEADS or find_plugin("head", name) is not None)


def head_class(name: str) -> Any:
    """Give the class of a head: its ``Settings``, its ``tasks``, what it ``reads``, and how it is made.

    Raises
    ------
    ConfigError
        There is no head of that name; the nearest one is named. Or it is of another package, which is broken.
    MissingExtraError
        The packages that it needs are not installed.
    """
    if name not in HEADS:
        return _head_of_another_package(name)
    require("torch" if needs_encoder(name) or name in _ENCODE else "sklearn", extra="train")
    module, _, found = HEADS[name].rpartition(".")
    return getattr(import_module(module), found)


def _head_of_another_package(name: str) -> Any:
    plugin = find_plugin("head", name)
    if plugin is None:
        known = known_heads()
        raise ConfigError(
            f"head = {name!r} is not known.{did_you_mean(str(name), known)} It can be: {', '.join(known)}."
        )
    return import_module("textaxa.heads._foreign").foreign_head(plugin)


def head_settings(name: str) -> "type[Checked]":
    """Give the settings dataclass of a head."""
    settings: type[Checked] = head_class(name).Settings
    return settings


def needs_encoder(name: str) -> bool:
    """Tell, without importing it, whether a head reads what an encoder gives; else it reads texts."""
    return HEADS[name].startswith("textaxa.heads.") if name in HEADS else is_head(name)


def uses_encoder(name: str, settings: "Checked") -> bool:
    """Tell whether a head with these settings uses an encoder: ``linear`` does with ``vectors`` only."""
    return needs_encoder(name) or name in _ENCODE or bool(getattr(settings, "vectors", False))


def check_encoder(name: str, settings: "Checked", encoder: EncoderSettings) -> None:
    """Refuse settings of an encoder for a head that uses none: left unread, they would be a surprise."""
    if uses_encoder(name, settings):
        return
    standard = vars(EncoderSettings())
    given = ", ".join(
        f"{setting} = {value!r}" for setting, value in vars(encoder).items() if value != standard[setting]
    )
    if given:
        raise ConfigError(
            f"The head {name!r} reads texts without an encoder, so this has no meaning for it: {given}. Leave it out, "
            "choose another head, or set vectors = true for it."
        )


def check_task(name: str, task: str) -> None:
    """Refuse a task that a head cannot do; the error names those that can."""
    if task in head_class(name).tasks:
        return
    able = ", ".join(other for other in HEADS if task in head_class(other).tasks)
    found = "rows with several paths were found" if task == "multi" else "every row has one path"
    given = "one path a text" if task == "multi" else "several paths a text"
    raise ConfigError(f"The head {name!r} gives {given}, but {found}. Use one of: {able}.")


def __getattr__(name: str) -> Any:
    if name in ("Head", "build_head"):
        return getattr(import_module("textaxa.heads._build"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
