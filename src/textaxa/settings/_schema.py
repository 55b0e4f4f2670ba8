"""How a settings dataclass is declared, checked and read from a mapping.

A setting carries its own help, choices and bounds, so that the configuration file, ``textaxa init``, the command line
and the documentation all say the same thing.
"""

import math
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from textaxa._suggest import did_you_mean
from textaxa.errors import ConfigError

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Rule:
    """What a setting accepts, and why it exists."""

    help: str
    choices: tuple[str, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None


def setting(
    default: Any,
    help: str,
    *,
    choices: Sequence[str] | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Any:
    """Declare one field of a settings dataclass, with its help and what it accepts."""
    rule = Rule(help, tuple(choices) if choices else None, at_least, at_most)
    return field(default=default, metadata={"rule": rule})


def rules(settings: type) -> dict[str, Rule]:
    """Give the rule of every field of a settings dataclass, in order."""
    return {f.name: f.metadata["rule"] for f in fields(settings)}


def build(settings: type[Settings], values: Mapping[str, Any], *, where: str) -> Settings:
    """Make a settings object from a mapping, refusing what it does not know.

    Raises
    ------
    ConfigError
        An unknown key (the nearest one is named), a wrong type, a value outside its choices or bounds.
    """
    known = rules(settings)
    for key in values:
        if key not in known:
            hint = did_you_mean(key, known)
            raise ConfigError(f"Unknown setting {key!r} in {where}.{hint} Known: {', '.join(known)}.")
    return settings(**values)


class Checked:
    """Mixin of the settings dataclasses: every value is checked against its rule when the object is made."""

    def __post_init__(self) -> None:
        hints = typing.get_type_hints(type(self))
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            checked = _check(f.name, value, hints[f.name], f.metadata["rule"])
            if checked is not value:
                object.__setattr__(self, f.name, checked)


def defaults(settings: type) -> dict[str, Any]:
    """Give the default of every field of a settings dataclass, in order."""
    return {f.name: f.default for f in fields(settings) if f.default is not MISSING}


def _check(name: str, value: Any, hint: Any, rule: Rule) -> Any:
    value = _coerce(name, value, hint)
    if value is None:
        return None
    if rule.choices is not None and isinstance(value, str) and value not in rule.choices:
        raise ConfigError(
            f"{name} = {value!r} is not known.{did_you_mean(value, rule.choices)} It can be: {', '.join(rule.choices)}."
        )
    numbers = value if isinstance(value, tuple) else (value,)
    for number in numbers:
        if not isinstance(number, (int, float)) or isinstance(number, bool):
            continue
        if isinstance(number, float) and not math.isfinite(number):
            raise ConfigError(f"{name} = {number} is not a finite number.")
        if rule.at_least is not None and number < rule.at_least:
            raise ConfigError(f"{name} = {number} is too small: it must be at least {rule.at_least:g}.")
        if rule.at_most is not None and number > rule.at_most:
            raise ConfigError(f"{name} = {number} is too large: it must be at most {rule.at_most:g}.")
    return value


def _coerce(name: str, value: Any, hint: Any) -> Any:
    """Give the value in the type that the field declares: int for float and list for tuple are taken, nothing else."""
    options = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    for option in options:
        origin = typing.get_origin(option) or option
        if origin is type(None) and value is None:
            return None
        if origin is bool and isinstance(value, bool):
            return value
        if origin is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if origin is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            too_large = isinstance(value, int) and abs(value) > sys.float_info.max
            return math.inf if too_large else float(value)
        if origin is str and isinstance(value, str):
            return value
        if origin is tuple and isinstance(value, (list, tuple)):
            item = typing.get_args(option)[0]
            return tuple(_coerce(f"{name}[{i}]", v, item) for i, v in enumerate(value))
    expected = " or ".join("nothing" if o is type(None) else getattr(o, "__name__", str(o)) for o in options)
    raise ConfigError(f"{name} = {value!r} is of the wrong kind: {expected} is expected, not {type(value).__name__}.")
