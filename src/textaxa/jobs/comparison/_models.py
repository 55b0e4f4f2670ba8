"""Which models are compared: ``chained``, or with settings ``chained:feed=true,training.epochs=5``.

What comes in: the names as a person writes them, and the configuration that all share. What goes out: one
configuration a model. Models of the default set that do not know the task are left out with the reason.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from textaxa._suggest import did_you_mean
from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.heads import check_task, head_class, head_settings, is_head, known_heads
from textaxa.settings import EncoderSettings, TrainingSettings, build, rules

DEFAULT_MODELS = (
    "linear",
    "linear:vectors=true",
    "flat",
    "per-level",
    "cascade",
    "chained",
    "conditional",
    "binary",
    "label-text",
)
"""What is compared where no models are named: quick ones first, so that the table fills early."""

SHARED = {
    "training.seed": "every model is trained with the same seeds (--seeds)",
    "training.valid_share": "every model has the same validation rows",
}
"""Settings that are the comparison's and not a model's, and why."""

_COMMA = re.compile(r",(?![^\[]*\])")  # not within the brackets of a list
_SECTIONS = {"encoder": EncoderSettings, "training": TrainingSettings}


@dataclass(frozen=True)
class ComparedModel:
    """One model of a comparison.

    Attributes
    ----------
    name
        As it is written, without spaces: ``chained:feed=true``.
    config
        Everything that its training is told; the section ``data`` is not read.
    """

    name: str
    config: Config

    @property
    def file_name(self) -> str:
        """The name in characters that every file system takes.

        >>> ComparedModel("chained:feed=true", Config()).file_name
        'chained-feed-true'
        """
        return re.sub(r"[^A-Za-z0-9._]+", "-", self.name).strip("-.")


def split_models(given: Sequence[str]) -> list[str]:
    """Cut models written with commas between them; a piece ``key=value`` belongs to the model before it.

    >>> split_models(["linear, chained:feed=true,level_weights=[1,2]", "flat"])
    ['linear', 'chained:feed=true,level_weights=[1,2]', 'flat']
    """
    found: list[str] = []
    for text in given:
        first = True
        for piece in filter(None, (part.strip() for part in _COMMA.split(text))):
            if "=" in piece and ":" not in piece.partition("=")[0] and not first:
                found[-1] += f",{piece}"
            else:
                found.append(piece)
            first = False
    return found


def parse_models(given: Sequence[str], base: Config, task: str) -> list[ComparedModel]:
    """Give the models that were named.

    Parameters
    ----------
    given
        Names, each with settings or without.
    base
        What all share; its head's settings count for models of that head.
    task
        ``single`` or ``multi``; a model that does not know it is refused.

    Raises
    ------
    ConfigError
        An unknown model or setting, the same model twice, a setting that is the comparison's, or the wrong task.
    """
    models = [_parse(text, base) for text in split_models(given)]
    if not models:
        raise ConfigError("No models are named. Leave --models out for the usual set, or name some: linear,chained.")
    _refuse_twins(models)
    for one in models:
        check_task(one.config.head, task)
    return models


def default_models(base: Config, task: str) -> tuple[list[ComparedModel], dict[str, str]]:
    """Give the default set for a task, and what was left out of it by name with the reason."""
    models, left_out = [], {}
    for name in DEFAULT_MODELS:
        if task not in head_class(name.partition(":")[0]).tasks:
            left_out[name] = "gives one path a text, and rows here have several" if task == "multi" else "other task"
        else:
            models.append(_parse(name, base))
    return models, left_out


def _parse(text: str, base: Config) -> ComparedModel:
    head, _, rest = text.partition(":")
    head = head.strip()
    if not is_head(head):
        known = known_heads()
        raise ConfigError(f"Unknown model {head!r}.{did_you_mean(head, known)} Known: {', '.join(known)}.")
    sections: dict[str, dict[str, Any]] = {"head": {}, "encoder": {}, "training": {}}
    written = []
    for piece in filter(None, (part.strip() for part in _COMMA.split(rest))):
        section, key, value = _setting(piece, text)
        kind = _SECTIONS.get(section) or head_settings(head)
        sections[section][key] = _value(kind, key, value)
        written.append(f"{key if section == 'head' else f'{section}.{key}'}={value}")
    name = head + (f":{','.join(written)}" if written else "")
    return ComparedModel(name, _config(base, head, sections, f"the model {name!r}"))


def _setting(piece: str, text: str) -> tuple[str, str, str]:
    key, equals, value = (part.strip() for part in piece.partition("="))
    section, dot, name = key.rpartition(".")
    if not equals or not name or (dot and section not in ("head", *_SECTIONS)):
        raise ConfigError(
            f"{piece!r} in the model {text!r} is not KEY=VALUE. A model is written as chained, chained:feed=true, or "
            "chained:feed=true,training.epochs=5."
        )
    if key in SHARED:
        raise ConfigError(f"{key} cannot be set for one model: {SHARED[key]}.")
    return section or "head", name, value


def _value(settings: type, key: str, text: str) -> Any:
    """Read a value as TOML has it; a word that the setting knows, or that is no TOML, is text."""
    rule = rules(settings).get(key)
    if rule is not None and rule.choices is not None and text in rule.choices:
        return text  # such as `true`, which is one of the choices of `feed`
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _config(base: Config, head: str, sections: Mapping[str, dict[str, Any]], where: str) -> Config:
    own = base.head_values if base.head == head else {}
    config = replace(
        base,
        head=head,
        head_values={**own, **sections["head"]},
        source=where,
        encoder=build(EncoderSettings, {**asdict(base.encoder), **sections["encoder"]}, where=where),
        training=build(TrainingSettings, {**asdict(base.training), **sections["training"]}, where=where),
    )
    _ = config.head_settings  # a mistake in it is told now, not after an hour of other models
    return config


def _refuse_twins(models: Sequence[ComparedModel]) -> None:
    seen: dict[str, str] = {}
    for one in models:
        other = seen.setdefault(one.file_name.casefold(), one.name)
        if other is not one.name:
            raise ConfigError(
                f"The models {other!r} and {one.name!r} are the same, or would be kept under the same name. "
                "Name each model once."
            )
