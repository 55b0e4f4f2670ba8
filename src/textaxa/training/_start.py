"""Where training starts and ends: a head that reads texts is a whole model and trains itself; others need an encoder.

PyTorch is imported for the latter only.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._processes import launched
from textaxa.decoding import fitted_thresholds
from textaxa.errors import ConfigError, DataError
from textaxa.heads import check_task, head_class
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.training._settle import parted, settle

if TYPE_CHECKING:
    from textaxa.training._train import Vectors

Labels = Sequence[Sequence[LabelPath]]

Listener = Callable[[dict[str, Any]], None]
"""Is given one dict an event: ``recipe``, ``note``, ``start``, ``step``, ``validation``, ``end``."""


def train_model(
    texts: Sequence[str],
    labels: Labels,
    taxonomy: Taxonomy,
    *,
    task: str = "single",
    encoder: EncoderSettings | None = None,
    head: str = "chained",
    head_settings: Checked | None = None,
    training: TrainingSettings | None = None,
    valid: tuple[Sequence[str], Labels] | None = None,
    listener: Listener | None = None,
    checkpoint_dir: Path | None = None,
    resume: bool = False,
    vectors: "Vectors | None" = None,
    report_to: Sequence[str] = (),
) -> Any:
    """Train a model on rows of text and labels.

    Several processes that ``torchrun`` or ``accelerate launch`` started train one model together: all call this with
    the same arguments, each works on its share of every batch, and all get the same model. Only the main process
    writes checkpoints and hears events.

    Parameters
    ----------
    texts, labels
        Training rows; a label is one path in a single-path task, several in a several-paths one.
    taxonomy
        Every label must be in it.
    task
        ``single`` or ``multi``.
    encoder, head, head_settings, training
        What to train and how; left out, the defaults.
    valid
        Rows that choose the epoch, the calibration and the thresholds, but for the share that is set aside for promises
        (``training.promise_share``). Left out, the last epoch is kept, and nothing is calibrated.
    listener
        Is told about steps, validation scores and the end.
    checkpoint_dir
        Where checkpoints live. Left out, a temporary folder: an interrupted run is then lost.
    resume
        Go on from the last checkpoint there; the result is the one of an undisturbed run.
    vectors
        Gives the text vectors (B, D) of a frozen encoder, for several runs that share them; the time budget then
        counts from the first step. Left out, they are computed here.
    report_to
        Trackers that the Trainer sends losses and scores to, such as ``tensorboard`` and ``mlflow``.

    Returns
    -------
    A `textaxa.model.Model`; of a head that reads texts, such as ``linear``, a model of its own with the same interface.

    Raises
    ------
    ConfigError
        Settings that do not fit each other, the taxonomy, or the run to be resumed; a tracker that is not known.
    DataError
        No rows, or labels outside the taxonomy.
    KeyboardInterrupt
        Ctrl-C, after a checkpoint was written.
    """
    kind = head_class(head)
    check_task(head, task)
    if not texts:
        raise DataError("There are no rows to train on.")
    check_trackers(head, report_to)
    training = training or TrainingSettings()
    held_out = parted(valid, training.promise_share, seed=training.seed) if valid else None
    choosing = held_out.choosing if held_out else None
    how: dict[str, Any] = {"valid": choosing, "listener": listener, "vectors": vectors}
    if kind.reads == "texts":
        _refuse_several(head)
        how |= {"task": task, "head_settings": head_settings, "training": training, "encoder": encoder}
        if getattr(kind, "resumes", False):
            how |= {"checkpoint_dir": checkpoint_dir, "resume": resume}
        model = kind.fit(texts, labels, taxonomy, **how)
        proba_of = model.node_proba
    else:
        from textaxa.training._train import divided, train_network  # noqa: PLC0415 - PyTorch, which only this way needs

        settings = ModelSettings(
            task=task,
            head=head,
            head_settings=head_settings or kind.Settings(),
            encoder=encoder or EncoderSettings(),
            training=training,
        )
        how |= {"checkpoint_dir": checkpoint_dir, "resume": resume, "report_to": report_to}
        model = train_network(texts, labels, taxonomy, settings, **how)
        proba_of = divided(_shared(model, vectors))
    if held_out and getattr(model, "searches", False):
        model.summary["best"] |= model.settle(held_out.choosing, held_out.proving)
    elif held_out:
        model.summary["best"] = model.summary.get("best", {}) | settle(model, held_out, proba_of)
    elif task == "multi":
        model.thresholds = fitted_thresholds(taxonomy, training.threshold)
    return model


def check_trackers(head: str, names: Sequence[str]) -> None:
    """Make sure that the training of a head can be reported to trackers.

    Raises
    ------
    ConfigError
        One is not known, or its package is not installed; or the Trainer does not train this head.
    """
    if not names:
        return
    if head_class(head).reads == "texts":
        raise ConfigError(
            f"The head {head!r} does not learn by the Trainer, which reports to {', '.join(names)}. Leave the tracker "
            "out, or choose another head."
        )
    from textaxa.training._tracking import check_installed  # noqa: PLC0415 - PyTorch

    check_installed(names)


def _refuse_several(head: str) -> None:
    place = launched()
    if place.world > 1:
        raise ConfigError(
            f"The head {head!r} trains in one process, and {place.world} were started. Start it without torchrun or "
            "accelerate launch; its own threads use the processor's cores."
        )


def _shared(model: Any, vectors: "Vectors | None") -> Callable[[Sequence[str]], Any]:
    """Give node probabilities through vectors that are computed already, where there are such."""
    if vectors is None or not model.settings.encoder.frozen or model.head.reads != "vectors":
        found: Callable[[Sequence[str]], Any] = model.node_proba
        return found
    return lambda texts: model.node_proba_of(vectors(model.encoder, texts))
