"""Write a configuration file with every setting, its help and its default, ready to be edited."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from textaxa.config import DEFAULT_HEAD, DataSettings, TaxonomySettings
from textaxa.heads import HEADS, head_settings
from textaxa.jobs._guess import Profile
from textaxa.settings import EncoderSettings, TrainingSettings, defaults, rules

WIDTH = 110
EXAMPLE_LENGTH = 60


def config_text(table: str, data: Mapping[str, Any], profiles: Sequence[Profile]) -> str:
    """Give the text of a configuration for ``table``, whose columns were guessed to be ``data``.

    Guessed values stand there as they are; every other setting is commented out at its default.
    """
    parts = [
        _comment(
            f"textaxa: how to train on {table}. A line that starts with '#' and a name holds the default; take the '#' "
            f"away to change it. The flags of the command line win over this file. "
            f"Train with: textaxa train --config THIS_FILE --out model/"
        ),
        _comment("The columns of the table, each with the first value found:"),
        "\n".join(f"#   {_column_line(p)}" for p in profiles),
        "",
        _section("data", DataSettings, {"table": table, **data}),
        _section("taxonomy", TaxonomySettings, {}),
        _section("encoder", EncoderSettings, {}),
        _head_section(),
        _section("training", TrainingSettings, {}),
    ]
    return "\n".join(parts)


def toml_value(value: Any) -> str:
    """Give a value as TOML writes it.

    >>> toml_value(["a", "b"]), toml_value(True), toml_value(0.1)
    ('["a", "b"]', 'true', '0.1')
    """
    # JSON's strings, numbers, booleans and lists of these are TOML's as well.
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _section(name: str, settings: type, values: Mapping[str, Any]) -> str:
    return f"[{name}]\n" + _settings_lines(settings, values)


def _head_section() -> str:
    """Give the section of the head; without PyTorch, which the heads' files need, its settings are left out."""
    names = ", ".join(HEADS)
    return (
        "[head]\n"
        + _comment(f"Which head: {names}. The settings below are those of {DEFAULT_HEAD!r}.")
        + f"\n# name = {toml_value(DEFAULT_HEAD)}\n\n"
        + (_settings_lines(head_settings(DEFAULT_HEAD), {}) if find_spec("torch") else "")
    )


def _settings_lines(settings: type, values: Mapping[str, Any]) -> str:
    standard = defaults(settings)
    lines = []
    for name, rule in rules(settings).items():
        choices = f" One of: {', '.join(rule.choices)}." if rule.choices else ""
        lines.append(_comment(rule.help + choices))
        if name in values:
            lines.append(f"{name} = {toml_value(values[name])}")
        elif standard[name] is None:
            lines.append(f"# {name} =")
        else:
            lines.append(f"# {name} = {toml_value(standard[name])}")
        lines.append("")
    return "\n".join(lines)


def _comment(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent="## ", subsequent_indent="## ", break_on_hyphens=False))


def _column_line(p: Profile) -> str:
    example = " ".join(p.example.split())
    shown = example if len(example) <= EXAMPLE_LENGTH else example[: EXAMPLE_LENGTH - 1] + "…"
    # Control characters are not allowed in TOML, not even in a comment.
    return "".join(c if c.isprintable() else "�" for c in f"{p.name}: {shown}")
