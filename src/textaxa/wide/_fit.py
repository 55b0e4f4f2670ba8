"""The training of a wide model: rows of texts and labels come in, a trained model goes out."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._versions import versions
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide._head import WideHead
from textaxa.wide._model import Labels, Rows, WideModel, ends_of
from textaxa.wide._names import favour_unseen, start_from_names
from textaxa.wide._rows import Int64
from textaxa.wide._scale import Scale
from textaxa.wide._settings import WideSettings
from textaxa.wide._training import WideFit, WideTraining, fit_wide
from textaxa.wide._vectors import Give, encode, training_vectors

_EPOCHS = 20
_MOST_COUNTS = 100_000
"""Labels whose rows are counted in the summary: of more, nobody reads the list, and every reading of the model does."""


class Training:
    """One training.

    Parameters
    ----------
    taxonomy, settings
        What is trained and how.
    listener
        Is told about it.
    give
        Gives vectors of texts, where several runs share them.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        settings: ModelSettings,
        listener: Callable[[dict[str, Any]], None] | None,
        give: Give | None,
    ) -> None:
        own: Any = settings.head_settings
        self.own: WideSettings = own
        self.taxonomy, self.settings, self.listener = taxonomy, settings, listener
        self.give = give or encode
        self.began = time.monotonic()
        self.epochs = settings.training.epochs or _EPOCHS

    def fit(
        self, texts: Sequence[str], labels: Labels, valid: Rows | None, *, folder: Path | None, resume: bool
    ) -> WideModel:
        """Train; everything as `WideModel.fit` takes it."""
        from textaxa.encoders import load_encoder  # noqa: PLC0415 - PyTorch, which prediction can do without

        ends = ends_of(self.taxonomy, labels)
        frozen = replace(self.settings.encoder, frozen=True, trainable_layers=None)
        encoder = load_encoder(frozen).requires_grad_(False)
        self.settings = replace(self.settings, encoder=encoder.settings)
        with ExitStack() as stack:
            place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="textaxa-")))
            vectors, scale = self._vectors(encoder, texts, place, resume=resume)
            model = self._model(encoder, scale)
            held = None if valid is None else (scale(self.give(encoder, valid[0])), ends_of(self.taxonomy, valid[1]))
            fit = self._head(model.head, vectors, ends, held)
        bonus = 0.0
        if held and self.own.init == "label-names":
            bonus = favour_unseen(model.head, ends, held, width=self.own.beam)
        model.head = model.head.astype(self.own.rows)
        best = model.scores(*held) if held else {}
        model.summary = self._summary(ends, len(valid[0]) if valid else 0, best | {"epoch": fit.epoch})
        if bonus:
            model.summary["bonus of untrained nodes"] = bonus
        if fit.stopped:
            model.summary["stopped"] = "time budget"
        self._tell("end", step=len(fit.losses), seconds=time.monotonic() - self.began)
        return model

    def _vectors(self, encoder: Any, texts: Sequence[str], place: Path, *, resume: bool) -> tuple[NDArray[Any], Scale]:
        return training_vectors(
            encoder,
            texts,
            place,
            give=self.give,
            name=repr(asdict(self.settings.encoder)),
            resume=resume,
            told=lambda done: self._tell("encoded", rows=done, of=len(texts)),
        )

    def _model(self, encoder: Any, scale: Scale) -> WideModel:
        head = WideHead.zeros(self.taxonomy, encoder.width)
        model = WideModel(self.taxonomy, self.settings, encoder, scale, head)
        if self.own.init == "label-names":
            start_from_names(head, encoder, scale)
        return model

    def _head(
        self,
        head: WideHead,
        vectors: NDArray[Any],
        ends: Int64,
        held: tuple[NDArray[Any], Int64] | None,
    ) -> WideFit:
        training = self.settings.training
        budget = training.time_budget
        self._tell("start", step=0, steps=self.epochs, epochs=self.epochs)
        return fit_wide(
            head,
            vectors,
            ends,
            validation=held,
            training=WideTraining(
                epochs=self.epochs,
                learning_rate=self.own.learning_rate,
                batch_size=self.own.group_batch,
                patience=training.patience or self.epochs,
                beam=self.own.beam,
                seed=training.seed,
                negatives=self.own.negatives,
                keep_unseen=self.own.init == "label-names",
            ),
            told=self._epoch,
            stop=None if budget is None else lambda: time.monotonic() - self.began > budget,
        )

    def _epoch(self, epoch: int, loss: float, accuracy: float | None) -> None:
        left = (time.monotonic() - self.began) / epoch * (self.epochs - epoch)
        self._tell("step", step=epoch, steps=self.epochs, epoch=epoch, loss=loss, seconds_left=left)
        if accuracy is not None:
            self._tell("validation", step=epoch, epoch=epoch, path_accuracy=accuracy)

    def _tell(self, event: str, **values: Any) -> None:
        if self.listener is not None:
            self.listener({"event": event, **values})

    def _summary(self, ends: Int64, valid_rows: int, best: dict[str, Any]) -> dict[str, Any]:
        positions = np.searchsorted(self.taxonomy.terminals, ends)
        counts = np.bincount(positions, minlength=len(self.taxonomy.terminals))
        known = {"counts": counts.tolist()} if len(counts) <= _MOST_COUNTS else {}
        return {
            "rows": len(ends),
            "valid_rows": valid_rows,
            **known,
            "best": best,
            "trained": datetime.now(UTC).date().isoformat(),
            "versions": versions("torch", "transformers", "tokenizers", "safetensors", "numpy"),
        }
