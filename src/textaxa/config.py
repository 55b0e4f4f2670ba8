"""The configuration file: ``textaxa.toml`` with the sections data, taxonomy, encoder, head and training.

What comes in: a TOML file, flags of the command line, or both; a flag wins over the file. What goes out: one frozen
`Config` whose every value has been checked. Unknown sections and keys are refused with the nearest known name.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from textaxa._suggest import did_you_mean
from textaxa.data import Columns
from textaxa.errors import ConfigError
from textaxa.heads import head_settings, is_head, known_heads
from textaxa.settings import Checked, EncoderSettings, TrainingSettings, build, defaults, setting

CONFIG_NAME = "textaxa.toml"
DEFAULT_HEAD = "chained"
SECTIONS = ("data", "taxonomy", "encoder", "head", "training")

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class DataSettings(Checked):
    """Which table is read, and what its columns mean."""

    table: str | None = setting(None, "The training table: CSV, TSV, JSONL or Parquet.")
    valid: str | None = setting(
        None, "A table for validation, with the same columns. Empty: a share of the training rows is held out."
    )
    feedback: tuple[str, ...] = setting(
        (),
        "Files of corrections that a service kept (.jsonl, .db): they join the training rows, and win over their "
        "labels. Only training reads them.",
    )
    text: tuple[str, ...] = setting(("text",), "The column, or columns, that hold the text.")
    template: str | None = setting(
        None, 'How several text columns become one: "{title}. {description}". Empty: joined by a full stop and a space.'
    )
    labels: tuple[str, ...] = setting((), "One column a level, from the top down; an empty cell ends the path.")
    path: str | None = setting(None, "One column that holds the whole path: a list, or a string cut at the separator.")
    paths: tuple[str, ...] = setting(
        (), "Several paths a text: one column that holds a list or a string cut at paths_separator, or several columns."
    )
    separator: str = setting(" > ", "What stands between the names of a path.")
    paths_separator: str = setting(";", "What stands between several paths in one cell.")
    id: str | None = setting(None, "A column that names each row; twice the same name is told by the check.")
    group: str | None = setting(
        None, "A column whose equal values stay together in a split: the author, the shop, the thread."
    )
    format: str | None = setting(
        None,
        "csv, tsv, jsonl or parquet; label-studio or argilla for an export of these tools. Empty: told by the file.",
    )
    encoding: str | None = setting(None, "The file's character encoding. Empty: UTF-8.")
    delimiter: str | None = setting(None, "What stands between the cells of a CSV file. Empty: a comma.")

    def columns(self) -> Columns:
        """Give the columns as the readers take them."""
        return Columns(
            text=self.text,
            template=self.template,
            labels=self.labels,
            path=self.path,
            paths=self.paths,
            separator=self.separator,
            paths_separator=self.paths_separator,
            id=self.id,
            group=self.group,
        )


@dataclass(frozen=True)
class TaxonomySettings(Checked):
    """Where the taxonomy comes from."""

    file: str | None = setting(
        None,
        "The taxonomy's file: paths, level columns, code and parent columns, nested YAML or JSON, indented text, SKOS. "
        "Empty: the paths that occur in the training table.",
    )
    format: str | None = setting(
        None,
        "codes, paths, levels, lines, indented, yaml, json, skos or annif. Empty: told by the file's ending and "
        "header.",
    )


@dataclass(frozen=True)
class Config:
    """Everything that a training run is told.

    Examples
    --------
    >>> Config.from_dict({"training": {"epochs": 5}}).training.epochs
    5
    >>> Config.from_dict({"training": {"epoch": 5}})
    Traceback (most recent call last):
    textaxa.errors.ConfigError: Unknown setting 'epoch' in [training]. Did you mean 'epochs'? Known: preset, epochs, ...
    """

    data: DataSettings = field(default_factory=DataSettings)
    taxonomy: TaxonomySettings = field(default_factory=TaxonomySettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    head: str = DEFAULT_HEAD
    head_values: Mapping[str, Any] = field(default_factory=dict)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    source: str | None = field(default=None, compare=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, source: str | None = None) -> "Config":
        """Make a configuration from nested mappings, one a section.

        Raises
        ------
        ConfigError
            An unknown section, head or key; a value of the wrong kind or out of bounds.
        """
        for name, section in values.items():
            if name not in SECTIONS:
                raise ConfigError(
                    f"Unknown section [{name}]{_of(source)}.{did_you_mean(name, SECTIONS)} "
                    f"Known: {', '.join(f'[{known}]' for known in SECTIONS)}."
                )
            if not isinstance(section, Mapping):
                raise ConfigError(
                    f"{name} = {section!r}{_of(source)} is a value, but {name} is a section: "
                    f"write [{name}] on a line of its own, and its settings below."
                )
        sections = {name: dict(values.get(name, {})) for name in SECTIONS}
        _as_lists(sections["data"])
        head = _head_name(sections["head"].pop("name", DEFAULT_HEAD), source)
        return cls(
            data=_section(DataSettings, sections["data"], "data", source),
            taxonomy=_section(TaxonomySettings, sections["taxonomy"], "taxonomy", source),
            encoder=_section(EncoderSettings, sections["encoder"], "encoder", source),
            head=head,
            head_values=sections["head"],
            training=_section(TrainingSettings, sections["training"], "training", source),
            source=source,
        )

    def to_dict(self) -> dict[str, Any]:
        """Give the nested mappings that `from_dict` takes, defaults filled in; what is None is left out.

        Raises
        ------
        ConfigError
            As `head_settings`.
        """
        head = {"name": self.head, **asdict(self.head_settings)}
        sections = {name: asdict(getattr(self, name)) for name in ("data", "taxonomy", "encoder", "training")}
        return {name: {k: v for k, v in section.items() if v is not None} for name, section in sections.items()} | {
            "head": {k: v for k, v in head.items() if v is not None}
        }

    def with_files(self, named: Callable[[str], str]) -> "Config":
        """Give the configuration with every file of rows or nodes named anew; stdin, ``-``, keeps its name."""

        def anew(name: str | None) -> str | None:
            return name if name in (None, "-") else named(str(name))

        data = replace(self.data, table=anew(self.data.table), valid=anew(self.data.valid))
        data = replace(data, feedback=tuple(map(named, self.data.feedback)))
        return replace(self, data=data, taxonomy=replace(self.taxonomy, file=anew(self.taxonomy.file)))

    @cached_property
    def head_settings(self) -> Any:
        """The settings of the head. They are checked when first asked for: only then is PyTorch imported.

        Raises
        ------
        ConfigError
            An unknown key, or a value of the wrong kind or out of bounds.
        """
        return _section(head_settings(self.head), self.head_values, "head", self.source, f" (head {self.head!r})")


def read_config(file: str | Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """Read a configuration file and lay ``overrides`` over it.

    ===================  ==========================================
    a value stands in    the value that counts
    ===================  ==========================================
    nowhere              the setting's default
    the file             the file's
    ``overrides``        ``overrides``'; None there means "not given"
    ===================  ==========================================

    Files that the configuration names are looked for from its own folder.

    Parameters
    ----------
    file
        A TOML file, or None for none.
    overrides
        A mapping a section, as the command line's flags give them.

    Raises
    ------
    ConfigError
        The file cannot be read, is not TOML, or holds something unknown.
    """
    values: dict[str, Any] = {}
    if file is not None:
        values = _read_toml(Path(file))
        _place_files(values, Path(file).parent)
    for name, section in (overrides or {}).items():
        given = {key: value for key, value in section.items() if value is not None}
        if given:
            _override(values, name, given)
    return Config.from_dict(values, source=str(file) if file is not None else None)


def with_table(config: Config, table: str | None) -> Config:
    """Give the configuration with another training table, or as it is for None."""
    return config if table is None else replace(config, data=replace(config.data, table=table))


_LABEL_KEYS = ("labels", "path", "paths")
_FILE_KEYS = (("data", "table"), ("data", "valid"), ("taxonomy", "file"))


def _override(values: dict[str, Any], name: str, given: dict[str, Any]) -> None:
    section = values.get(name, {})
    if not isinstance(section, dict):
        return  # told by from_dict
    if name == "data" and any(key in given for key in _LABEL_KEYS):
        # Label columns are one choice of three: a flag that makes it replaces the file's choice.
        section = {key: value for key, value in section.items() if key not in _LABEL_KEYS}
    if name == "head" and given.get("name", section.get("name", DEFAULT_HEAD)) != section.get("name", DEFAULT_HEAD):
        # Another head by flag: the file's settings belong to the head that it names.
        section = {}
    values[name] = {**section, **given}


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no configuration file {str(file)!r}. `textaxa init TABLE` writes one from a table's columns."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration file {str(file)!r} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The configuration file {str(file)!r} is not TOML: {error}. Text values stand in double quotes."
        ) from error


def _place_files(values: dict[str, Any], folder: Path) -> None:
    for section, key in _FILE_KEYS:
        found = values.get(section)
        if isinstance(found, dict) and isinstance(found.get(key), str) and found[key] not in ("", "-"):
            found[key] = str(folder / found[key])
    data = values.get("data")
    if isinstance(data, dict) and isinstance(named := data.get("feedback"), str | list):
        files = [named] if isinstance(named, str) else named
        data["feedback"] = [str(folder / file) if isinstance(file, str) else file for file in files]


def _as_lists(data: dict[str, Any]) -> None:
    """Take one name where a list of them is meant."""
    for key in ("text", "labels", "paths", "feedback"):
        if isinstance(data.get(key), str):
            data[key] = [data[key]]


def _head_name(name: object, source: str | None) -> str:
    if isinstance(name, str) and is_head(name):
        return name
    known = known_heads()
    raise ConfigError(f"Unknown head {name!r}{_of(source)}.{did_you_mean(str(name), known)} Known: {', '.join(known)}.")


def _section(
    settings: type[Settings], values: Mapping[str, Any], name: str, source: str | None, detail: str = ""
) -> Settings:
    where = f"[{name}]{_of(source)}{detail}"
    # `template = ""` says "empty" to whoever reads in the file what an empty value means.
    empty = {key for key, default in defaults(settings).items() if default is None}
    try:
        return build(settings, {k: v for k, v in values.items() if v != "" or k not in empty}, where=where)
    except ConfigError as error:
        message = str(error)
        raise error if where in message else ConfigError(f"In {where}: {message}") from error


def _of(source: str | None) -> str:
    return f" of {source}" if source else ""
