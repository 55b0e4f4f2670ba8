"""``textaxa demo``: the main job on the packaged app descriptions, from training to the answers on held-out apps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from textaxa.answers import opened
from textaxa.config import Config
from textaxa.data import Examples, iterate_rows, read_examples, taxonomy_of_labels
from textaxa.errors import ModelFileError
from textaxa.jobs import _interrupted as interrupted
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._output import check_new_folder
from textaxa.jobs._score import reference_evaluations, score_model, text_table
from textaxa.jobs.train import require_packages, train_examples
from textaxa.taxonomy import Taxonomy, read_taxonomy

if TYPE_CHECKING:
    from textaxa.decoding import Prediction
    from textaxa.model import Model

FOLDER = "demo-model"
SHOWN = 12
TEXT, LABELS, SPLIT = "text", ("category", "subcategory"), "split"


@dataclass(frozen=True)
class Shown:
    """One held-out app: its text, its true path, and the model's answer."""

    text: str
    true: tuple[str, ...]
    answer: "Prediction"


@dataclass(frozen=True)
class DemoResult:
    """The demo's model and what it can do.

    Attributes
    ----------
    model
        The model.
    folder
        Its folder.
    trained
        Whether it was trained now, or found in its folder.
    table
        Scores on the test rows as a table in plain text: the model first, then the reference rows.
    shown
        A dozen test rows with true and predicted paths.
    rows, valid_rows, test_rows
        The sizes of the splits.
    seconds
        How long training took, now or when it was done.
    """

    model: "Model"
    folder: Path
    trained: bool
    table: str
    shown: tuple[Shown, ...]
    rows: int
    valid_rows: int
    test_rows: int
    seconds: float


def demo(
    folder: str | Path = FOLDER,
    *,
    config: Config | None = None,
    retrain: bool = False,
    listener: Listener = nobody,
) -> DemoResult:
    """Train on the packaged apps, or take the model that an earlier call left, and show what it can do.

    Parameters
    ----------
    folder
        Where the model is kept.
    config
        How to train; not given: the defaults.
    retrain
        Train even if there is a model.
    listener
        Is told about training as by `train`.

    Raises
    ------
    ConfigError
        The folder holds something else.
    Interrupted
        Ctrl-C in training; the next call goes on from there.
    """
    place = Path(folder)
    model = None if retrain else _found(place)
    trained = model is None
    splits = read_apps()
    if model is None:
        check_new_folder(place, overwrite=retrain)
        model = _train(place, config or Config(), splits, retrain=retrain, listener=listener)
    summary = model.summary["demo"]
    return DemoResult(
        model=model,
        folder=place,
        trained=trained,
        table=summary["table"],
        shown=_shown(model, splits["test"]),
        rows=len(splits["train"]),
        valid_rows=len(splits["valid"]),
        test_rows=len(splits["test"]),
        seconds=summary["seconds"],
    )


def read_apps() -> dict[str, Examples]:
    """Read the packaged apps: the splits ``train``, ``valid`` and ``test``."""
    settings = _settings(Config())
    with iterate_rows(data_file("open-apps.csv")) as stream:
        rows = [row for _, row in stream]
    taxonomy = app_taxonomy()
    names = {"train": "train", "valid": "validation", "test": "test"}
    return {
        split: replace(
            read_examples([row for row in rows if row[SPLIT] == name], settings.data.columns(), taxonomy=taxonomy),
            source="open-apps.csv",
        )
        for split, name in names.items()
    }


def app_taxonomy() -> Taxonomy:
    """Read the packaged apps' taxonomy."""
    return read_taxonomy(data_file("taxonomy.csv"))


def classify(model: "Model", texts: Sequence[str], *, top: int = 3) -> list[list["Prediction"]]:
    """Give the most probable paths of texts."""
    return model.predict(texts, top=min(top, len(model.taxonomy.terminals)))


def data_file(name: str) -> Path:
    """Give the place of a file of the packaged data: ``open-apps.csv``, ``taxonomy.csv`` or ``README.md``."""
    return Path(str(resources.files("textaxa") / "demo_data" / name))


def _settings(config: Config) -> Config:
    return replace(config, data=replace(config.data, text=(TEXT,), labels=LABELS))


def _found(place: Path) -> "Model | None":
    """Give the model of an earlier call; None where there is none, or none of the demo's."""
    if not (place / "config.json").is_file():
        return None
    model = opened(place)
    if "demo" not in model.summary:
        raise ModelFileError(
            f"{str(place)!r} holds a model that is not the demo's. Name another folder with --out, or replace it by "
            "adding --retrain."
        )
    return model


def _train(place: Path, config: Config, splits: dict[str, Examples], *, retrain: bool, listener: Listener) -> "Model":
    require_packages(config)
    checkpoints = interrupted.training_folder(place)
    resume = interrupted.has_checkpoint(checkpoints) and not retrain
    interrupted.check(checkpoints, resume=resume, overwrite=retrain)
    training, valid, test = splits["train"], splits["valid"], splits["test"]
    taxonomy = taxonomy_of_labels((*training.labels, *valid.labels), app_taxonomy())
    settings = _settings(config)
    try:
        result = train_examples(
            settings,
            training,
            valid,
            taxonomy,
            place,
            overwrite=retrain,
            resume=resume,
            references=False,
            listener=listener,
        )
    except Interrupted:
        raise Interrupted("Stopped. What was trained so far is kept; go on with: textaxa demo") from None
    evaluations = {f"textaxa {settings.head}": score_model(result.model, test.texts, test.labels)}
    evaluations |= reference_evaluations(taxonomy, training, test, several=False)
    result.model.summary["demo"] = {"table": text_table(evaluations), "seconds": round(result.seconds, 1)}
    _save_again(result.model, place)
    return result.model


def _save_again(model: "Model", place: Path) -> None:
    from textaxa.persistence import save_model

    save_model(model, place)


def _shown(model: "Model", test: Examples) -> tuple[Shown, ...]:
    """Give a dozen test rows, evenly spread over the table, so that nobody chose them."""
    positions = [round((i + 0.5) * len(test) / SHOWN) for i in range(SHOWN)]
    texts = [test.texts[i] for i in positions]
    answers = model.predict(texts)
    return tuple(
        Shown(text, test.labels[i][0], answer[0]) for i, text, answer in zip(positions, texts, answers, strict=True)
    )
