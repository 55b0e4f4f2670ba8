"""``--set SECTION.KEY=VALUE``: any setting of the configuration file from the command line."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from textaxa.errors import ConfigError


def parse_settings(given: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Read settings as TOML has them; a value that is no TOML is taken as text.

    >>> parse_settings(["training.patience=5", "head.feed=true", "head.level_weights=[1, 2]"])
    {'training': {'patience': 5}, 'head': {'feed': 'true', 'level_weights': [1, 2]}}
    """
    found: dict[str, dict[str, Any]] = {}
    for text in given:
        key, equals, value = text.partition("=")
        section, dot, name = key.strip().partition(".")
        if not equals or not dot or not section or not name:
            raise ConfigError(f"--set {text!r} is not SECTION.KEY=VALUE, as in --set training.patience=5.")
        found.setdefault(section, {})[name] = _value(section, name, value.strip())
    return found


def merged(*parts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Lay nested mappings over each other, the later ones on top; None counts as not given."""
    result: dict[str, dict[str, Any]] = {}
    for part in parts:
        for section, values in part.items():
            result.setdefault(section, {}).update({k: v for k, v in values.items() if v is not None})
    return result


def _value(section: str, name: str, text: str) -> Any:
    if section == "head" and name == "feed":
        return text.strip("\"'")  # its choices include the word `true`
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
