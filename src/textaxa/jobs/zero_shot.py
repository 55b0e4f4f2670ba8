"""``textaxa init --taxonomy``: a taxonomy in, a model folder out; no table is read."""

import time
from pathlib import Path

from textaxa.config import Config, read_config
from textaxa.errors import ConfigError
from textaxa.jobs._listener import Listener, nobody
from textaxa.jobs._model import remember_columns
from textaxa.jobs._output import check_new_folder
from textaxa.jobs.train import TrainResult, require_packages
from textaxa.taxonomy import read_taxonomy

ZERO_SHOT_HEAD = "label-text"


def zero_shot(
    config: Config | str | Path, out: str | Path, *, overwrite: bool = False, listener: Listener = nobody
) -> TrainResult:
    """Make a model from a taxonomy's names and descriptions alone, and save it.

    Parameters
    ----------
    config
        Names the taxonomy's file and the encoder, or the configuration file that does. Label columns are not needed;
        ``paths`` among them asks for several paths a text. The text columns are remembered for predicting.
    out
        The model's folder.
    overwrite
        Replace a model that is there.
    listener
        Is told ``{"event": "saved"}``.

    Raises
    ------
    ConfigError
        The output is there; no taxonomy is named, or a table is; the head cannot do without training rows.
    TaxonomyError
        The taxonomy's file cannot be used.
    """
    started, target = time.monotonic(), Path(out)
    settings = config if isinstance(config, Config) else read_config(config)
    check_new_folder(target, overwrite=overwrite)
    file = _taxonomy_file(settings)
    require_packages(settings)
    taxonomy = read_taxonomy(file, format=settings.taxonomy.format, separator=settings.data.separator)
    from textaxa.labels import zero_shot_model
    from textaxa.persistence import save_model

    model = zero_shot_model(
        taxonomy,
        task="multi" if settings.data.paths else "single",
        encoder=settings.encoder,
        head=settings.head,
        head_settings=settings.head_settings,
        training=settings.training,
    )
    model.summary["columns"] = remember_columns(settings.data.columns())
    save_model(model, target)
    listener({"event": "saved", "out": str(target)})
    return TrainResult(model, target, 0, 0, {}, time.monotonic() - started)


def _taxonomy_file(settings: Config) -> str:
    if settings.taxonomy.file is None:
        raise ConfigError("Without training rows a taxonomy is all there is to read. Name its file: --taxonomy FILE.")
    for what, table in (("training", settings.data.table), ("validation", settings.data.valid)):
        if table is not None:
            raise ConfigError(
                f"A model of a taxonomy alone reads no rows, but the {what} table {table!r} is named. Leave it out and "
                "score the model with: textaxa evaluate MODEL TABLE; or train on it: textaxa train."
            )
    if settings.data.feedback:
        raise ConfigError(
            "Zero-shot reads no rows, but corrections are named (--feedback). Leave out --zero-shot to train on them."
        )
    return settings.taxonomy.file
