"""The recipe: rows, taxonomy and settings come in, a trained model goes out."""

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, PrinterCallback

from textaxa._quiet import quiet_transformers
from textaxa._versions import versions
from textaxa.encoders import Encoder, Pieces, TransformerEncoder, length_of, load_encoder
from textaxa.errors import ConfigError, ModelFileError
from textaxa.heads import build_head, head_class
from textaxa.labels import LabelVectors, reads_labels, start_from_names
from textaxa.model import Model, read_width
from textaxa.settings import ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.training._arguments import autocast, device_of, precision_of, trainer_arguments
from textaxa.training._callbacks import HeadEpochs, Interrupt, Progress, TimeBudget
from textaxa.training._choice import choose, recorded_values
from textaxa.training._kept import KeptStates, keep_states
from textaxa.training._pace import measure_pace
from textaxa.training._recipes import Recipe, Work, is_open, resolved, with_preset
from textaxa.training._rows import FeatureBatches, LengthGroupedOrder, Targets, TokenBatches
from textaxa.training._run import (
    best_checkpoint,
    history,
    local_seeds,
    open_together,
    run_fingerprint,
    stopped_early,
    time_was_over,
    weights_fingerprint,
)
from textaxa.training._start import Listener
from textaxa.training._together import ALONE, Together, asked_to_divide, join, quiet
from textaxa.training._tracking import place_logs, told_settings
from textaxa.training._trainer import HierarchyTrainer, TrainingStep
from textaxa.training._validation import Validation

Labels = Sequence[Sequence[LabelPath]]
Vectors = Callable[[Encoder, Sequence[str]], np.ndarray]

_SCALE_ROWS = 1024
"""Rows whose features set the scale before fine-tuning; mean and deviation of a feature need no more."""


def train_network(
    texts: Sequence[str],
    labels: Labels,
    taxonomy: Taxonomy,
    settings: ModelSettings,
    *,
    valid: tuple[Sequence[str], Labels] | None,
    listener: Listener | None,
    checkpoint_dir: Path | None,
    resume: bool,
    vectors: Vectors | None,
    report_to: Sequence[str] = (),
) -> Model:
    """Train an encoder and a head; everything as `textaxa.training.train_model` takes it."""
    with ExitStack() as stack:
        together = join()
        folder = checkpoint_dir or Path(_temporary(together, stack))
        fingerprint = run_fingerprint(texts, labels, valid, taxonomy, settings)
        checkpoint = open_together(folder, fingerprint, together, resume=resume)
        stack.enter_context(local_seeds(settings.training.seed))
        run = _Run(settings, taxonomy, folder, listener if together.main else None, vectors, together=together)
        run.divide = stack.enter_context(asked_to_divide(together))
        run.trackers = tuple(dict.fromkeys(report_to)) if together.main else ()
        model = run.train(texts, labels, valid, checkpoint)
        together.wait()  # the main process may now remove what the others have read
        return model


def divided(proba_of: Callable[[Sequence[str]], np.ndarray]) -> Callable[[Sequence[str]], np.ndarray]:
    """Give a function of texts that several processes compute together, each for its share of the texts."""
    together = join()
    if together.world == 1:
        return proba_of
    return lambda texts: together.whole(proba_of(_at(texts, together.share(len(texts)))), len(texts))


def _temporary(together: Together, stack: ExitStack) -> str:
    """Make a folder for checkpoints that nobody asked to keep; the main process makes it for all."""
    made = tempfile.TemporaryDirectory(prefix="textaxa-") if together.main else None
    name: str = together.told(stack.enter_context(made) if made else None)
    return name


class _Run:
    """One training run, step by step."""

    def __init__(
        self,
        settings: ModelSettings,
        taxonomy: Taxonomy,
        folder: Path,
        listener: Listener | None,
        vectors: Vectors | None = None,
        *,
        together: Together = ALONE,
    ) -> None:
        self.together = together
        self.began = time.monotonic()
        self.settings = settings
        self.taxonomy = taxonomy
        self.folder = folder
        self.listener = listener
        self.frozen = False
        self.vectors = vectors
        self.time_was_over = False
        self.trackers: tuple[str, ...] = ()
        self.divide = False

    def train(
        self, texts: Sequence[str], labels: Labels, valid: tuple[Sequence[str], Labels] | None, checkpoint: Path | None
    ) -> Model:
        with self.together.all_or_none():
            encoder = self._encoder()
            start = weights_fingerprint(encoder) if self.vectors is None else None
            targets = Targets(self.taxonomy, labels, self.settings.task)
        rows = _Rows(texts, valid[0] if valid else (), encoder)
        chosen = self._chosen(encoder, rows, targets)
        recipe = self._settle_settings(encoder, chosen)
        model = self._model(encoder, recipe, targets)
        model.to(device_of(recipe))
        self.together.same(model)
        kept = self._kept(model, recipe, rows)
        collate, lengths = self._batches(model, recipe, rows, targets, kept)
        label_vectors = self._read_labels(model)
        self.together.same(model.scale)
        validate = self._validation(model, recipe, rows, valid[1], kept) if valid else None
        best = self._fit(model, recipe, collate, lengths, label_vectors, validate=validate, checkpoint=checkpoint)
        model.summary = {
            "rows": len(texts),
            "valid_rows": len(valid[0]) if valid else 0,
            "counts": targets.counts.tolist(),
            "best": best,
            "recipe": self._told_recipe(encoder, recipe, chosen, kept),
            "trained": datetime.now(UTC).date().isoformat(),
            "device": device_of(recipe),
            "precision": precision_of(recipe),
            "versions": versions("torch", "transformers", "tokenizers", "accelerate", "safetensors", "numpy"),
        }
        if start is not None:
            model.summary["encoder_weights"] = start
        if self.together.world > 1:
            model.summary["processes"] = self.together.world
        if kept is not None:
            kept.remove()
        if self.time_was_over:
            model.summary["stopped"] = "time budget"
        return model.eval()

    def _encoder(self) -> Encoder:
        encoder = load_encoder(self.settings.encoder)
        if isinstance(encoder, TransformerEncoder):
            encoder.lighten_dropout()
        return encoder

    def _chosen(self, encoder: Encoder, rows: "_Rows", targets: Targets) -> Recipe | None:
        """Let the time budget choose the recipe where nothing else does; give it, or None."""
        kind = head_class(self.settings.head)
        if self.vectors is not None or not is_open(self.settings.encoder, self.settings.training):
            return None
        if not isinstance(encoder, TransformerEncoder) or kind.reads != "vectors" or reads_labels(kind):
            return None  # what these do in a step is not what is measured
        found = self.together.told(recorded_values(self.folder))
        if found is not None:
            return Recipe(**found)
        with torch.random.fork_rng([]):
            recipe = resolved(self.settings.training, width=encoder.width, frozen=False)
            model = self._head_on(encoder, recipe, targets).to(device_of(recipe))
            pace = measure_pace(model, rows.pieces, targets.values, recipe)
        left = (recipe.time_budget or 0.0) - (time.monotonic() - self.began)
        if self.together.main:
            work = rows.work(self.together.world)
            choose(pace, work, seconds=left, layers=pace.top > 0, folder=self.folder, tell=self._tell)
        return Recipe(**self.together.told(recorded_values(self.folder)))

    def _settle_settings(self, encoder: Encoder, chosen: Recipe | None) -> TrainingSettings:
        """Fill in what was left empty: of the encoder in its settings, of training in what is given back."""
        training, untrained = self.settings.training, getattr(encoder, "untrained", False)
        if chosen is not None:
            training = replace(training, preset=chosen.preset, epochs=chosen.epochs)
        depth = getattr(encoder, "depth", None)
        encoder.settings = with_preset(encoder.settings, training.preset, depth=depth, untrained=untrained)
        self.frozen = bool(encoder.settings.frozen)
        top_only = encoder.settings.trainable_layers is not None and not self.frozen
        return resolved(training, width=encoder.width, frozen=self.frozen, untrained=untrained, top_only=top_only)

    def _model(self, encoder: Encoder, recipe: TrainingSettings, targets: Targets) -> Model:
        model = self._head_on(encoder, recipe, targets)
        if self.frozen:
            encoder.requires_grad_(False)
        elif encoder.settings.trainable_layers is not None:
            encoder.freeze_below(encoder.settings.trainable_layers)
        return model

    def _head_on(self, encoder: Encoder, recipe: TrainingSettings, targets: Targets) -> Model:
        head = build_head(
            self.settings.head,
            self.taxonomy,
            read_width(encoder, head_class(self.settings.head)),
            task=self.settings.task,
            settings=self.settings.head_settings,
            counts=targets.counts,
        )
        return Model(self.taxonomy, encoder, head, replace(self.settings, encoder=encoder.settings, training=recipe))

    def _kept(self, model: Model, recipe: TrainingSettings, rows: "_Rows") -> KeptStates | None:
        """Compute the states of frozen layers once; None where there are none, or they cannot be kept."""
        encoder = model.encoder
        if self.frozen or not isinstance(encoder, TransformerEncoder) or encoder.cut is None:
            return None
        how: dict[str, Any] = {"most_bytes": recipe.kept_gigabytes * 1e9, "autocast": lambda: autocast(recipe)}
        how["together"] = self.together
        try:
            return keep_states(encoder, [*rows.pieces, *rows.valid_pieces], self.folder, **how)
        except ConfigError as error:
            text = f"The states of the frozen layers are computed in every step, not once: {error}"
            self._tell({"event": "note", "text": text})
            return None

    def _tell(self, event: dict[str, Any]) -> None:
        if self.listener is not None:
            self.listener(event)

    def _batches(
        self, model: Model, recipe: TrainingSettings, rows: "_Rows", targets: Targets, kept: KeptStates | None
    ) -> tuple[Any, list[int]]:
        """Give what collates batches, and the lengths by which rows are grouped; the feature scale is set, too."""
        if self._stores_features(model):
            part = self._encoded(model, recipe, rows, self.together.share(len(rows.texts)), valid=False)
            features = self.together.whole(part, len(rows.texts))
            model.scale.fit(features)
            return FeatureBatches(features, targets.values), [1] * len(features)
        sample = np.random.default_rng(recipe.seed).permutation(len(rows.pieces))[:_SCALE_ROWS].tolist()
        some = [rows.pieces[i] for i in sample]
        with autocast(recipe):
            if kept is not None and model.head.reads == "vectors":
                model.scale.fit(_vectors_above(model, some, kept, sample))
            else:
                model.scale.fit(_features_of(model, some))
        collate = TokenBatches(rows.pieces, model.encoder.tokenise, targets.values, kept)
        return collate, [length_of(p) for p in rows.pieces]

    def _told_recipe(
        self, encoder: Encoder, recipe: TrainingSettings, chosen: Recipe | None, kept: KeptStates | None
    ) -> dict[str, Any]:
        """Say for the summary what was trained, how long, and who chose it."""
        layers, depth = encoder.settings.trainable_layers, getattr(encoder, "depth", None)
        top = "all layers" if layers is None else f"the top {layers} of {depth} layers"
        told: dict[str, Any] = {"trained": "the head" if self.frozen else top, "epochs": recipe.epochs}
        told["chosen_by"] = "time budget" if chosen else "preset" if recipe.preset else "settings"
        if chosen:
            told["predicted_seconds"] = round(chosen.seconds, 1)
        return told if layers is None or self.frozen else {**told, "states_kept": kept is not None}

    def _read_labels(self, model: Model) -> LabelVectors | None:
        """Let the head have what it needs of label texts; give what encodes them anew as the encoder learns."""
        if reads_labels(model.head):
            label_vectors = LabelVectors(model)
            label_vectors.store()
            return None if self.frozen else label_vectors
        if getattr(self.settings.head_settings, "init", "random") == "label-names":
            start_from_names(model)
        return None

    def _stores_features(self, model: Model) -> bool:
        """Tell whether every text is encoded once, before training; states of all tokens would be too many."""
        return self.frozen and model.head.reads == "vectors"

    def _encoded(
        self, model: Model, recipe: TrainingSettings, rows: "_Rows", own: Sequence[int], *, valid: bool
    ) -> np.ndarray:
        """Give the vectors of this process's training or validation rows by the encoder as it is, (B_own, D)."""
        if self.vectors is not None:
            return self.vectors(model.encoder, _at(rows.valid_texts if valid else rows.texts, own))
        with autocast(recipe):
            return model.encoder.encode_pieces(_at(rows.valid_pieces if valid else rows.pieces, own))

    def _validation(
        self, model: Model, recipe: TrainingSettings, rows: "_Rows", labels: Labels, kept: KeptStates | None
    ) -> Validation:
        """Make what scores the validation rows; what does not change between epochs is computed once."""
        true = Targets(self.taxonomy, labels, self.settings.task).nodes
        own = self.together.share(len(true))
        if self._stores_features(model):
            features = self._encoded(model, recipe, rows, own, valid=True)
            compute = lambda: model.node_proba_of(features)  # noqa: E731
        elif kept is not None and model.head.reads == "vectors":
            at, pieces = [len(rows.pieces) + row for row in own], _at(rows.valid_pieces, own)
            compute = lambda: model.node_proba_of(_vectors_above(model, pieces, kept, at))  # noqa: E731
        else:
            pieces = _at(rows.valid_pieces, own)
            compute = lambda: model.node_proba_of_pieces(pieces)  # noqa: E731

        return Validation(model, true, compute, self.together)

    def _fit(
        self,
        model: Model,
        recipe: TrainingSettings,
        collate: Any,
        lengths: Sequence[int],
        label_vectors: LabelVectors | None,
        *,
        validate: Callable[[], dict[str, float]] | None,
        checkpoint: Path | None,
    ) -> dict[str, float]:
        """Run the loop; give the scores of the epoch that was kept."""
        order, world = LengthGroupedOrder(lengths, recipe.batch_size or 1, recipe.seed), self.together.world
        with Interrupt(self.together) as interrupt, quiet_transformers(), quiet(self.together):
            callbacks = [Progress(self.listener), HeadEpochs(), interrupt]
            if validate and recipe.patience:
                callbacks.append(EarlyStoppingCallback(early_stopping_patience=recipe.patience))
            if recipe.time_budget is not None:
                callbacks.append(TimeBudget(recipe.time_budget, self.began if self.vectors is None else None))
            how: dict[str, Any] = {"rows": len(lengths), "validated": validate is not None, "world": world}
            arguments = trainer_arguments(recipe, self.folder, **how, report_to=self.trackers)
            arguments.told = told_settings(model.settings)
            step = TrainingStep(
                model,
                frozen=self.frozen,
                label_vectors=label_vectors,
                together=self.together,
                divide=self.divide and not self.frozen,
            )
            trainer = HierarchyTrainer(
                model=step,
                args=arguments,
                data_collator=collate,
                train_dataset=range(len(lengths)),
                eval_dataset=range(1) if validate else None,
                callbacks=callbacks,
                order=order,
                recipe=recipe,
                validate=validate,
                together=self.together,
            )
            trainer.remove_callback(PrinterCallback)
            place_logs(trainer.callback_handler.callbacks, self.folder)
            if world > 1:  # else all would draw the same dropout, each for other rows
                torch.manual_seed(recipe.seed + self.together.rank)
            if checkpoint is not None:
                self.time_was_over = time_was_over(checkpoint)
            if checkpoint is not None and (self.time_was_over or stopped_early(checkpoint, recipe.patience)):
                trainer.model.load_state_dict(load_file(best_checkpoint(checkpoint) / "model.safetensors"))
                step.undivide()
                return _scores_at(*history(checkpoint))
            try:
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            except (SafetensorError, RuntimeError) as error:
                raise _checkpoint_error(error, self.folder) from error
        step.undivide()
        # Asked of the trainer: a resumed run has another callback object than the one that was given.
        known = trainer.callback_handler.callbacks
        self.time_was_over = any(one.over for one in known if isinstance(one, TimeBudget))
        return _scores_at(trainer.state.log_history, trainer.state.best_global_step)


class _Rows:
    """Texts of training and of validation, each tokenised once, when they are first asked for."""

    def __init__(self, texts: Sequence[str], valid_texts: Sequence[str], encoder: Encoder) -> None:
        self.texts, self.valid_texts, self._encoder = texts, valid_texts, encoder

    @cached_property
    def pieces(self) -> list[Pieces]:
        return self._encoder.tokenise(self.texts)

    @cached_property
    def valid_pieces(self) -> list[Pieces]:
        return self._encoder.tokenise(self.valid_texts)

    def work(self, world: int = 1) -> Work:
        """Count what there is to do in an epoch for each of so many processes."""
        tokens, valid_tokens = (sum(map(length_of, some)) for some in (self.pieces, self.valid_pieces))
        all_of_it = (tokens, valid_tokens, len(self.texts), len(self.valid_texts))
        return Work(*(-(-amount // world) for amount in all_of_it))


def _at(values: Sequence[Any], rows: Sequence[int]) -> Sequence[Any]:
    """Give some of the values; all of them without a copy, which is what one process alone asks for."""
    return values if len(rows) == len(values) else [values[row] for row in rows]


@torch.inference_mode()
def _vectors_above(model: Model, pieces: Sequence[Pieces], kept: KeptStates, at: Sequence[int]) -> np.ndarray:
    """Give the vectors of texts (B, D), from the states of frozen layers on; ``at`` are their rows among the kept."""
    was_training, encoder = model.training, model.encoder
    model.eval()
    found = np.empty((len(pieces), encoder.width), dtype=np.float32)
    for some, tokens in encoder.batches(pieces):
        below = kept[[at[row] for row in some]].to(encoder.device)
        found[some] = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of, below).float().cpu().numpy()
    model.train(was_training)
    return found


def _features_of(model: Model, pieces: Sequence[Pieces]) -> np.ndarray:
    """Give what the head reads of some texts: text vectors (B, D), or the states of all real tokens (tokens, D)."""
    if model.head.reads == "vectors":
        return model.encoder.encode_pieces(pieces)
    found = []
    model.encoder.eval()
    with torch.inference_mode():
        for _, tokens in model.encoder.batches(pieces):
            states, mask = model.encoder.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
            found.append(states[mask].float().cpu())
    model.encoder.train()
    return torch.cat(found).numpy()


_WRITERS = ("PytorchStreamWriter", "inline_container")
"""Names in what PyTorch says where it cannot write all of a file."""


def _checkpoint_error(error: Exception, folder: Path) -> Exception:
    """Give a clear error where a checkpoint could not be written (a full disk), and any other error as it is."""
    if isinstance(error, SafetensorError) or any(name in str(error) for name in _WRITERS):
        return ModelFileError(
            f"A checkpoint could not be written to {folder}: {error}. Is the disk full? Free some room and resume: the "
            "last whole checkpoint is kept."
        )
    return error


def _scores_at(history: Sequence[dict[str, Any]], step: int | None) -> dict[str, float]:
    """Find the validation scores of a step in the Trainer's log."""
    for entry in history:
        if entry.get("step") == step and "eval_hierarchical_f1" in entry:
            return {name.removeprefix("eval_"): entry[name] for name in entry if name.startswith("eval_")} | {
                "epoch": round(entry["epoch"], 3)
            }
    return {}
