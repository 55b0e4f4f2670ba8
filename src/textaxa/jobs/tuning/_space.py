"""What a search may change: ranges and choices of settings, given as text or by default for a head.

``training.head_rate=1e-4..3e-2:log`` is a range of numbers, ``head.feed=masked|predicted`` a list of choices. Values
are drawn by an Optuna trial, and checked by the settings themselves.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from textaxa.config import SECTIONS, Config
from textaxa.errors import ConfigError
from textaxa.heads import needs_encoder
from textaxa.settings import rules

_RANGE = re.compile(r"(?P<low>[-+.\deE]+)\.\.(?P<high>[-+.\deE]+?)(?P<log>:log)?")

_RATES = ("training.head_rate=3e-4..3e-2:log", "training.weight_decay=1e-4..0.3:log")
FROZEN = (*_RATES, "training.batch_size=16|32|64")
FINE_TUNED = ("training.encoder_rate=1e-5..3e-4:log", *_RATES, "training.warmup_share=0..0.3")
LINEAR = ("head.C=0.05..20:log", "head.word_ngrams=1..3", "head.characters=off|within-words", "head.classifier=svm")
"""Searched where nothing is named, by how the model learns. Then come the head's own settings with few choices."""

_NOT_SEARCHED = ("source", "arrangement", "classifier", "characters", "vectors", "init")
MOST_CHOICES = 6


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; whole ones where both are."""

    low: float
    high: float
    log: bool = False

    def draw(self, trial: Any, name: str) -> Any:
        """Draw a value."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choices:
    """Values of which one is taken."""

    values: tuple[Any, ...]

    def draw(self, trial: Any, name: str) -> Any:
        """Draw a value."""
        return trial.suggest_categorical(name, list(self.values))


Space = dict[str, Range | Choices]
"""What is searched, by ``section.key``."""


def parse_space(given: Iterable[str]) -> Space:
    """Read what is searched.

    Raises
    ------
    ConfigError
        A part is neither a range nor a list of choices.

    Examples
    --------
    >>> parse_space(["training.head_rate=1e-4..0.03:log", "training.epochs=1..4", "head.feed=masked|predicted"])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'training.head_rate': Range(low=0.0001, high=0.03, log=True), 'training.epochs': Range(low=1, high=4, log=False),
     'head.feed': Choices(values=('masked', 'predicted'))}
    """
    return dict(map(_part, given))


def _part(text: str) -> tuple[str, Range | Choices]:
    name, equals, value = (part.strip() for part in text.partition("="))
    section, dot, key = name.partition(".")
    if not equals or not dot or not key or section not in SECTIONS:
        raise ConfigError(
            f"--search {text!r} is not SECTION.KEY=LOW..HIGH or SECTION.KEY=A|B|C, as in "
            "--search training.head_rate=1e-4..3e-2:log."
        )
    if found := _RANGE.fullmatch(value):
        return name, _range(text, found)
    values = tuple(_value(one.strip()) for one in value.split("|"))
    if "" in values:
        raise ConfigError(f"--search {text!r} has an empty choice.")
    return name, Choices(values)


def _range(text: str, found: re.Match[str]) -> Range:
    low, high = _value(found["low"]), _value(found["high"])
    if isinstance(low, str) or isinstance(high, str) or not low < high:
        raise ConfigError(f"--search {text!r}: a range goes from a smaller number to a larger one.")
    if found["log"] and low <= 0:
        raise ConfigError(f"--search {text!r}: a range on a logarithmic scale begins above 0.")
    return Range(low, high, bool(found["log"]))


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return {"true": True, "false": False}.get(text.lower(), text)


def default_space(config: Config, *, frozen: bool) -> Space:
    """Give what is searched for a configuration: rates and the like, and the choices of its head.

    Settings that the configuration fixes are left as they are.
    """
    if not needs_encoder(config.head):
        return parse_space(LINEAR)
    own = {
        f"head.{name}": Choices(rule.choices)
        for name, rule in rules(type(config.head_settings)).items()
        if rule.choices and len(rule.choices) <= MOST_CHOICES and name not in _NOT_SEARCHED
        if name not in config.head_values
    }
    return parse_space(FROZEN if frozen else FINE_TUNED) | own


def drawn(space: Space, trial: Any) -> dict[str, dict[str, Any]]:
    """Draw a value for all that is searched, by section and key."""
    found: dict[str, dict[str, Any]] = {}
    for name, where in space.items():
        section, _, key = name.partition(".")
        found.setdefault(section, {})[key] = where.draw(trial, name)
    return found


def told(space: Mapping[str, Range | Choices]) -> dict[str, list[Any]]:
    """Give a space as JSON can hold it."""
    return {
        name: list(where.values) if isinstance(where, Choices) else ["range", where.low, where.high, where.log]
        for name, where in space.items()
    }


def sections(params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give drawn values by section and key.

    >>> sections({"training.epochs": 3, "head.feed": "masked"})
    {'training': {'epochs': 3}, 'head': {'feed': 'masked'}}
    """
    found: dict[str, dict[str, Any]] = {}
    for name, value in params.items():
        section, _, key = name.partition(".")
        found.setdefault(section, {})[key] = value
    return found
