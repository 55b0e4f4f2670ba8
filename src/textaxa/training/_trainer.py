"""The Hugging Face Trainer with our batches, our two learning rates and our validation score."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerControl

from textaxa.encoders import TokenStates
from textaxa.heads._losses import LevelWeights
from textaxa.labels import LabelVectors
from textaxa.model import Model
from textaxa.settings import TrainingSettings
from textaxa.training._rows import LengthGroupedOrder
from textaxa.training._shares import ShareLoader
from textaxa.training._together import ALONE, Together
from textaxa.training._token_rows import token_rows

if TYPE_CHECKING:
    from textaxa.training._divided import Divided


class TrainingStep(nn.Module):
    """One step of training: texts or stored features in, the loss out.

    With a frozen encoder only scale and head are held here, so a checkpoint is small; where the head reads the states
    of tokens, which would be too many to store, the frozen encoder runs in every step.

    Where the head reads label texts and the encoder learns, ``label_vectors`` encodes them: with gradient in each step,
    and once for all after every epoch.

    Of several processes, each sees its share of a batch, and ``weight`` is what its mean loss weighs among theirs. With
    ``divide`` each holds its part of the weights, too.
    """

    def __init__(
        self,
        model: Model,
        *,
        frozen: bool,
        label_vectors: LabelVectors | None = None,
        together: Together = ALONE,
        divide: bool = False,
    ) -> None:
        super().__init__()
        self.together = together
        self.label_vectors = label_vectors
        self.encoder = None if frozen else model.encoder
        self._any_encoder = (model.encoder,)  # in a tuple it is not held as a module
        self.scale = model.scale
        self.head = model.head
        self.progress = 0.0
        # Label texts are encoded, too, so that more than the batch's own tokens would have to be noted.
        self._token_rows = None if label_vectors or divide else token_rows(self, self.encoder, together)
        self.divided = _divided(self, model, together) if divide else None

    def forward(  # noqa: PLR0917 - what a batch holds
        self,
        targets: torch.Tensor,
        features: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        text_of: torch.Tensor | None = None,
        below: torch.Tensor | None = None,
        weight: torch.Tensor | None = None,
    ) -> dict[str, torch.Tensor]:
        """Give ``{"loss": scalar}`` for tokens (W, L) or features (B, D) and their targets.

        ``below`` are the states of frozen layers (W, L, D), where they are kept.
        """
        if self._token_rows is not None and input_ids is not None:
            self._token_rows.note(input_ids)
        kept = () if below is None else (below,)
        read = self.scale(features) if features is not None else self._read(input_ids, attention_mask, text_of, *kept)
        how = {} if self.label_vectors is None else {"encode": self.label_vectors.encode}
        scores = self.head(read, targets, self.progress, **how)
        if weight is None:
            return {"loss": self.head.loss(scores, targets)}
        for levels in self._level_weights():
            levels.batch_weight = float(weight)
        return {"loss": weight * self.head.loss(scores, targets)}

    def agree(self) -> None:
        """Let all processes have the same sums of level losses; each has seen its own rows only."""
        for levels in self._level_weights():
            self.together.average(levels.epoch_sum)

    def _level_weights(self) -> Iterator[LevelWeights]:
        return (part for part in self.head.modules() if isinstance(part, LevelWeights) and part.kind == "dwa")

    def end_epoch(self) -> None:
        """Let the head take note, and store the label vectors of the encoder as it is now."""
        self.agree()
        self.head.end_epoch()
        if self.label_vectors is not None:
            with self.whole():
                self.label_vectors.store()

    def whole(self) -> AbstractContextManager[None]:
        """Have all weights for a block: what is not a step of training needs it where the model is divided."""
        return nullcontext() if self.divided is None else self.divided.whole()

    def undivide(self) -> None:
        """Give the model its weights, where they were divided: the end of training."""
        if self.divided is not None:
            self.divided.undo()

    def _read(self, *tokens: torch.Tensor | None) -> Any:
        """Encode tokens to what the head reads: text vectors, or token states with their mask."""
        encoder: Any = self._any_encoder[0]
        if self.head.reads == "vectors":
            return self.scale(encoder(*tokens))
        if self.encoder is not None:
            states, mask = encoder.states(*tokens)
        else:
            with torch.no_grad():
                states, mask = encoder.eval().states(*tokens)
        return TokenStates(self.scale(states), mask)


class HierarchyTrainer(Trainer):
    """Changes three things of the Trainer: the order of rows, the optimizer's groups, and how a model is validated.

    Of several processes, each gets its share of every batch.
    """

    optimizer: torch.optim.Optimizer | None
    control: TrainerControl

    def __init__(
        self,
        *args: Any,
        order: LengthGroupedOrder,
        recipe: TrainingSettings,
        validate: Callable[[], Mapping[str, float]] | None,
        together: Together = ALONE,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._order = order
        self._recipe = recipe
        self._validate = validate
        self._together = together
        step: Any = self.model
        self._divided: Divided | None = step.divided
        if self._divided is not None:  # accelerate has to see to the precision only, or it would add DDP
            self.accelerator.prepare_model(step, device_placement=False, evaluation_mode=True)
            step._is_accelerate_prepared = True

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedOrder:
        del train_dataset
        return self._order

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Give the batches; of several processes, the shares of this one, which accelerate must not divide again."""
        if self._together.world == 1:
            return super().get_train_dataloader()
        pin_memory = self.args.dataloader_pin_memory
        return ShareLoader(self._order, self._together, self.data_collator, pin_memory=pin_memory)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        step: Any = self.model
        step.agree()
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            remove_old(Path(str(self.args.output_dir)), best=self.state.best_model_checkpoint)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        if self._divided is not None:  # all have to take part
            state_dict = self.model.state_dict()
        super()._save(output_dir, state_dict)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        optimizer: Any = self.optimizer
        if self._divided is not None and not self.args.should_save:
            optimizer.state_dict()  # the main process asks for it now
        super()._save_optimizer_and_scheduler(output_dir)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """Make AdamW with one rate for the encoder, one for the head; no decay on biases and norms."""
        del model
        if self.optimizer is None:
            groups = parameter_groups(self.model, self._recipe)
            self.optimizer = torch.optim.AdamW(groups, lr=self._recipe.encoder_rate or 0.0, fused=True)
            if self._divided is not None:
                self._divided.watch(self.optimizer)
        return self.optimizer

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Score the validation rows by the given function; early stopping and the best checkpoint read the result."""
        del args, kwargs
        step: Any = self.model
        with step.whole():
            scores = self._validate() if self._validate else {}
        metrics = {f"eval_{name}": value for name, value in scores.items()}
        self.log(dict(metrics))  # the Trainer adds its own entries to what it logs
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def _divided(step: TrainingStep, model: Model, together: Together) -> "Divided":
    from textaxa.training._divided import Divided  # noqa: PLC0415 - much to import, for few

    return Divided(step, model, together)


def remove_old(folder: Path, *, best: str | None) -> None:
    """Remove the checkpoints of a run but the last and the best, or without validation the last two.

    By their step. The Trainer goes by times of change, and where a clock was set back it removes the newest.
    """
    places = [place for place in folder.glob("checkpoint-*") if place.name.removeprefix("checkpoint-").isdigit()]
    places.sort(key=lambda place: int(place.name.removeprefix("checkpoint-")))
    other = {place.name for place in places[-2:]} if best is None else {Path(best).name}
    for place in places[:-1]:
        if place.name not in other:
            shutil.rmtree(place, ignore_errors=True)


def parameter_groups(module: nn.Module, recipe: TrainingSettings) -> list[dict[str, Any]]:
    """Group the trainable parameters by learning rate and weight decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if not parameter.requires_grad:
            continue
        rate = recipe.encoder_rate if name.startswith("encoder.") else recipe.head_rate
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((float(rate or 0.0), decay), []).append(parameter)
    return [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
