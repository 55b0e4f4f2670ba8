"""The recipe: rows, taxonomy and settings come in, a trained model goes out."""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import EarlyStoppingCallback, PrinterCallback, TrainingArguments

from textaxa._quiet import quiet_transformers
from textaxa._version import __version__
from textaxa.encoders import Encoder, Pieces, length_of, load_encoder
from textaxa.errors import ModelFileError
from textaxa.heads import build_head, head_class
from textaxa.labels import LabelVectors, reads_labels, start_from_names
from textaxa.model import Model, read_width
from textaxa.settings import ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.training._callbacks import HeadEpochs, Interrupt, Progress, TimeBudget
from textaxa.training._rows import FeatureBatches, LengthGroupedOrder, Targets, TokenBatches
from textaxa.training._run import (
    best_checkpoint,
    history,
    local_seeds,
    open_run,
    run_fingerprint,
    stopped_early,
    time_was_over,
)
from textaxa.training._start import Listener
from textaxa.training._trainer import HierarchyTrainer, TrainingStep
from textaxa.training._validation import Validation

Labels = Sequence[Sequence[LabelPath]]
Vectors = Callable[[Encoder, Sequence[str]], np.ndarray]

_SCALE_ROWS = 1024
"""Rows whose features set the scale before fine-tuning; mean and deviation of a feature need no more."""

_NARROW = 512
"""Encoders up to this width are small (MiniLM and its like) and learn best at a larger rate than base models."""

_UNTRAINED_RATE = 1e-3
"""Encoders that start from nothing (TextRCNN) have nothing to lose by the usual rate of Adam."""


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
) -> Model:
    """Train an encoder and a head; everything as `textaxa.training.train_model` takes it."""
    with ExitStack() as stack:
        folder = checkpoint_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="textaxa-")))
        fingerprint = run_fingerprint(texts, labels, valid, taxonomy, settings)
        checkpoint = open_run(folder, fingerprint, resume=resume)
        stack.enter_context(local_seeds(settings.training.seed))
        return _Run(settings, taxonomy, folder, listener, vectors).train(texts, labels, valid, checkpoint)


class _Run:
    """One training run, step by step."""

    def __init__(
        self,
        settings: ModelSettings,
        taxonomy: Taxonomy,
        folder: Path,
        listener: Listener | None,
        vectors: Vectors | None = None,
    ) -> None:
        self.began = time.monotonic()
        self.settings = settings
        self.taxonomy = taxonomy
        self.folder = folder
        self.listener = listener
        self.frozen = settings.encoder.frozen
        self.vectors = vectors
        self.time_was_over = False

    def train(
        self, texts: Sequence[str], labels: Labels, valid: tuple[Sequence[str], Labels] | None, checkpoint: Path | None
    ) -> Model:
        encoder = load_encoder(self.settings.encoder)
        untrained = getattr(encoder, "untrained", False)
        recipe = resolved(self.settings.training, width=encoder.width, frozen=self.frozen, untrained=untrained)
        targets = Targets(self.taxonomy, labels, self.settings.task)
        model = self._model(encoder, recipe, targets)
        model.to(_device(recipe))
        if self._stores_features(model):
            features = self._encoded(encoder, texts)
            model.scale.fit(features)
            collate: Any = FeatureBatches(features, targets.values)
            lengths = [1] * len(texts)
        else:
            pieces = encoder.tokenise(texts)
            sample = np.random.default_rng(recipe.seed).permutation(len(texts))[:_SCALE_ROWS]
            model.scale.fit(_features_of(model, [pieces[i] for i in sample]))
            collate = TokenBatches(pieces, encoder.tokenise, targets.values)
            lengths = [length_of(p) for p in pieces]
        label_vectors = self._read_labels(model)
        validate = self._validation(model, valid) if valid else None
        best = self._fit(model, recipe, collate, lengths, label_vectors, validate=validate, checkpoint=checkpoint)
        model.summary = {
            "rows": len(texts),
            "valid_rows": len(valid[0]) if valid else 0,
            "counts": targets.counts.tolist(),
            "best": best,
            "trained": datetime.now(UTC).date().isoformat(),
            "versions": _versions(),
        }
        if self.time_was_over:
            model.summary["stopped"] = "time budget"
        return model.eval()

    def _model(self, encoder: Encoder, recipe: TrainingSettings, targets: Targets) -> Model:
        head = build_head(
            self.settings.head,
            self.taxonomy,
            read_width(encoder, head_class(self.settings.head)),
            task=self.settings.task,
            settings=self.settings.head_settings,
            counts=targets.counts,
        )
        if self.frozen:
            encoder.requires_grad_(False)
        elif encoder.settings.trainable_layers is not None:
            encoder.freeze_below(encoder.settings.trainable_layers)
        return Model(self.taxonomy, encoder, head, replace(self.settings, encoder=encoder.settings, training=recipe))

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

    def _encoded(self, encoder: Encoder, texts: Sequence[str]) -> np.ndarray:
        return encoder.encode(texts) if self.vectors is None else self.vectors(encoder, texts)

    def _validation(self, model: Model, valid: tuple[Sequence[str], Labels]) -> Validation:
        """Make what scores the validation rows; what does not change between epochs is computed once."""
        texts, labels = valid
        true = Targets(self.taxonomy, labels, self.settings.task).nodes
        if self._stores_features(model):
            features = self._encoded(model.encoder, texts)
            compute = lambda: model.node_proba_of(features)  # noqa: E731
        else:
            pieces = model.encoder.tokenise(texts)
            compute = lambda: model.node_proba_of_pieces(pieces)  # noqa: E731

        return Validation(model, true, compute)

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
        order = LengthGroupedOrder(lengths, recipe.batch_size or 1, recipe.seed)
        with Interrupt() as interrupt, quiet_transformers():
            callbacks = [Progress(self.listener), HeadEpochs(), interrupt]
            if validate and recipe.patience:
                callbacks.append(EarlyStoppingCallback(early_stopping_patience=recipe.patience))
            if recipe.time_budget is not None:
                callbacks.append(TimeBudget(recipe.time_budget, self.began if self.vectors is None else None))
            trainer = HierarchyTrainer(
                model=TrainingStep(model, frozen=self.frozen, label_vectors=label_vectors),
                args=_arguments(recipe, self.folder, steps_per_epoch=len(lengths), validated=validate is not None),
                data_collator=collate,
                train_dataset=range(len(lengths)),
                eval_dataset=range(1) if validate else None,
                callbacks=callbacks,
                order=order,
                recipe=recipe,
                validate=validate,
            )
            trainer.remove_callback(PrinterCallback)
            if checkpoint is not None:
                self.time_was_over = time_was_over(checkpoint)
            if checkpoint is not None and (self.time_was_over or stopped_early(checkpoint, recipe.patience)):
                trainer.model.load_state_dict(load_file(best_checkpoint(checkpoint) / "model.safetensors"))
                return _scores_at(*history(checkpoint))
            try:
                trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
            except (SafetensorError, RuntimeError) as error:
                raise _checkpoint_error(error, self.folder) from error
        # Asked of the trainer: a resumed run has another callback object than the one that was given.
        known = trainer.callback_handler.callbacks
        self.time_was_over = any(one.over for one in known if isinstance(one, TimeBudget))
        return _scores_at(trainer.state.log_history, trainer.state.best_global_step)


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


def _checkpoint_error(error: Exception, folder: Path) -> Exception:
    """Give a clear error where a checkpoint could not be written (a full disk), and any other error as it is."""
    if isinstance(error, SafetensorError) or "PytorchStreamWriter" in str(error):
        return ModelFileError(
            f"A checkpoint could not be written to {folder}: {error}. Is the disk full? Free some room and resume: the "
            "last whole checkpoint is kept."
        )
    return error


def resolved(training: TrainingSettings, *, width: int, frozen: bool, untrained: bool = False) -> TrainingSettings:
    """Fill in what was left to be chosen by the encoder: whether it is frozen or starts untrained, and its width."""
    rate = _UNTRAINED_RATE if untrained else 1e-4 if width <= _NARROW else 3e-5
    return replace(
        training,
        epochs=training.epochs or (30 if frozen or untrained else 3),
        batch_size=training.batch_size or (256 if frozen else 32),
        encoder_rate=rate if training.encoder_rate is None else training.encoder_rate,
    )


def _scores_at(history: Sequence[dict[str, Any]], step: int | None) -> dict[str, float]:
    """Find the validation scores of a step in the Trainer's log."""
    for entry in history:
        if entry.get("step") == step and "eval_hierarchical_f1" in entry:
            return {name.removeprefix("eval_"): entry[name] for name in entry if name.startswith("eval_")} | {
                "epoch": round(entry["epoch"], 3)
            }
    return {}


def _versions() -> dict[str, str]:
    packages = ("torch", "transformers", "safetensors", "numpy")
    return {"textaxa": __version__, "python": python_version(), **{name: version(name) for name in packages}}


def _device(recipe: TrainingSettings) -> str:
    if recipe.device == "cpu" or not torch.accelerator.is_available():
        return "cpu"
    return str(torch.accelerator.current_accelerator())


def _precision(recipe: TrainingSettings) -> str:
    """Resolve ``auto``: bf16 where the hardware multiplies matrices in it, fp16 on other GPUs, else fp32.

    A CPU without matrix instructions for bf16 (AMX) runs it 8 to 10 times slower than fp32; one that has them, several
    times faster.
    """
    if recipe.precision != "auto":
        return recipe.precision
    if _device(recipe) == "cpu":
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return "bf16" if capabilities.get("amx_bf16") else "fp32"
    if not torch.cuda.is_available():
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def _arguments(recipe: TrainingSettings, folder: Path, *, steps_per_epoch: int, validated: bool) -> TrainingArguments:
    precision = _precision(recipe)
    on_cpu = _device(recipe) == "cpu"
    updates = math.ceil(steps_per_epoch / (recipe.batch_size or 1) / recipe.gradient_accumulation)
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=recipe.epochs or 1,
        per_device_train_batch_size=recipe.batch_size or 1,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        warmup_steps=max(1, round(recipe.warmup_share * updates * (recipe.epochs or 1))),
        max_grad_norm=recipe.max_gradient_norm,
        seed=recipe.seed,
        bf16=precision == "bf16",
        fp16=precision == "fp16",
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        eval_strategy="epoch" if validated else "no",
        save_strategy="epoch",
        save_total_limit=2,  # the best and the last; with 1 the Trainer would delete the last when it stops
        load_best_model_at_end=validated,
        metric_for_best_model="hierarchical_f1" if validated else None,
        greater_is_better=True if validated else None,
        logging_steps=max(1, updates // 50),
        logging_nan_inf_filter=False,
        restore_callback_states_from_checkpoint=True,  # early stopping goes on counting
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
    )
