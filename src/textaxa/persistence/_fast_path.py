"""The folder of a fast path: two model folders in one, each with sums of its own. ::

    model/
    ├── config.json       threshold, summary; sum of its own files and of the parts' config.json
    ├── taxonomy.json
    ├── cheap/            a whole model folder
    └── strong/           another

The sum of a part's ``config.json`` stands in that of the whole, and the sums of all its other files in itself: no file
is read that was not saved with it, and files that a runtime does not need may be missing as in any model folder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from shutil import copytree
from typing import Any

from textaxa.errors import ConfigError, ModelFileError
from textaxa.fast_path import NAME, PARTS, FastPathModel
from textaxa.heads import is_head, needs_encoder
from textaxa.persistence._config import read_config, read_model_taxonomy
from textaxa.persistence._decisions import read_decisions
from textaxa.persistence._files import check_no_strangers, verify

_CONFIG = "config.json"

Load = Callable[..., Any]
Save = Callable[[Any, Path], Any]


def write(model: FastPathModel, folder: Path, save: Save) -> None:
    """Write the two parts, copied from where they were read or saved anew."""
    for name in PARTS:
        if name in model.places:
            copytree(model.places[name], folder / name)
        else:
            save(getattr(model, name), folder / name)


def own_files(files: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the files of the parts, but for the ``config.json`` that has their sums; other models have no parts."""
    kept, inside = {f"{part}/{_CONFIG}" for part in PARTS}, tuple(f"{part}/" for part in PARTS)
    return {name: sums for name, sums in files.items() if name in kept or not name.startswith(inside)}


def read(place: Path, config: Mapping[str, Any], runtime: str, load: Load) -> FastPathModel:
    """Read what `write` wrote.

    Raises
    ------
    ConfigError
        The runtime is not known, or a part cannot run by it.
    ModelFileError
        A file is missing, damaged, or of another model; a part is a fast path itself.
    """
    files = config["files"]
    missing = [name for name in (f"{part}/{_CONFIG}" for part in PARTS) if name not in files]
    if missing:
        raise ModelFileError(f"{place}: config.json lists no {missing[0]}, so this is no whole fast path.")
    check_no_strangers(place, files)
    verify(place, own_files(files))
    taxonomy = read_model_taxonomy(place)
    cheap, strong = (_part(place / name, runtime, load) for name in PARTS)
    if strong.taxonomy.fingerprint != taxonomy.fingerprint:
        raise ModelFileError(f"{place}: taxonomy.json is another one than that of the models inside.")
    threshold = config["head"].get("threshold")
    if type(threshold) not in (float, int):
        raise ModelFileError(f"{place}: config.json is damaged: the threshold is {threshold!r}.")
    places = {name: place / name for name in PARTS}
    try:
        model = FastPathModel(cheap, strong, threshold, summary=dict(config["summary"]), places=places)
    except ConfigError as error:
        raise ModelFileError(f"{place} cannot be used: {error}") from error
    read_decisions(model, place, files)
    return model


def _part(place: Path, runtime: str, load: Load) -> Any:
    head = read_config(place)["head"].get("name")
    if head == NAME:
        raise ModelFileError(f"{place} is a fast path inside a fast path, which textaxa never writes.")
    # What reads texts itself has one way to be computed.
    return load(place, runtime=runtime if is_head(head) and needs_encoder(head) else "auto")
