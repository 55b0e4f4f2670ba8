"""What a search keeps: what it is of, by which it is known again, and the configuration of its best settings."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from textaxa._whole import write_whole
from textaxa.config import Config
from textaxa.data import Examples, rows_fingerprint
from textaxa.errors import ConfigError
from textaxa.jobs._config_file import toml_value
from textaxa.jobs.tuning._space import Space, told
from textaxa.jobs.tuning._study import STUDY
from textaxa.taxonomy import Taxonomy

PLAN, BEST = "tune.json", "best.toml"


def with_values(config: Config, chosen: Mapping[str, Mapping[str, Any]]) -> Config:
    """Give a configuration with other values.

    Raises
    ------
    ConfigError
        One of them is no setting, or not one that it may have.
    """
    found = replace(
        config,
        encoder=replace(config.encoder, **chosen.get("encoder", {})),
        head_values={**config.head_values, **chosen.get("head", {})},
        training=replace(config.training, **chosen.get("training", {})),
    )
    _ = found.head_settings
    return found


def best_text(config: Config, chosen: Mapping[str, Mapping[str, Any]], metric: str, score: float) -> str:
    """Give a configuration file with settings that were found, laid over those that were given."""
    best = with_values(config, chosen)
    given: dict[str, dict[str, Any]] = {
        "data": _changed(best.data),
        "taxonomy": _changed(best.taxonomy),
        "encoder": _changed(best.encoder),
        "head": {"name": best.head, **best.head_values},
        "training": _changed(best.training),
    }
    for section, keys in (("data", ("table", "valid", "feedback")), ("taxonomy", ("file",))):
        for key in keys:
            if key in given[section]:
                given[section][key] = _absolute(given[section][key])
    head = f"# Found by textaxa tune: {metric} {score:.4f} on the validation rows, which chose it.\n"
    return head + "".join(
        f"\n[{section}]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())
        for section, values in given.items()
        if values
    )


def _absolute(named: Any) -> Any:
    """Give the files that a configuration names by their whole names: it is read from another folder."""
    return [_absolute(one) for one in named] if isinstance(named, tuple | list) else str(Path(named).absolute())


def _changed(settings: Any) -> dict[str, Any]:
    """Give the settings that are not at their defaults."""
    plain = type(settings)()
    return {name: value for name, value in vars(settings).items() if value != getattr(plain, name)}


def plan_of(config: Config, space: Space, metric: str, read: tuple[Examples, Examples, Taxonomy]) -> dict[str, Any]:
    """Give what must be the same to go on."""
    training, valid, taxonomy = read
    plan = {
        "rows": [rows_fingerprint(side.texts, side.labels) for side in (training, valid)],
        "taxonomy": taxonomy.fingerprint,
        "task": "several paths" if config.data.paths else "one path",
        "metric": metric,
        "search": told(space),
        "settings": {
            "encoder": _changed(config.encoder),
            "head": {"name": config.head, **config.head_values},
            "training": _changed(config.training),
        },
    }
    return dict(json.loads(json.dumps(plan)))


def claim(folder: Path, plan: dict[str, Any], *, overwrite: bool) -> None:
    """Take a folder for a search, or find that it is the same one.

    Raises
    ------
    ConfigError
        It holds another search, or something else.
    """
    file = folder / PLAN
    damaged = f"{str(file)!r} is damaged. Name another folder."
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        before = None
    except (OSError, ValueError) as error:
        raise ConfigError(damaged) from error
    else:
        if not isinstance(before, dict):
            raise ConfigError(damaged)
    if before == plan:
        return
    if before is not None and not overwrite:
        other = ", ".join(name for name in plan if plan[name] != before.get(name))
        raise ConfigError(
            f"The folder {str(folder)!r} holds another search: other {other}. Name another one, or add --overwrite."
        )
    if before is None and (folder / STUDY).exists():
        raise ConfigError(f"The folder {str(folder)!r} holds a study that textaxa did not make. Name another one.")
    for name in (STUDY, BEST):
        (folder / name).unlink(missing_ok=True)
    write_whole(file, json.dumps(plan, ensure_ascii=False, indent=1))
