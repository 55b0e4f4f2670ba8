"""How long a token takes in training, from a few batches. A model and texts come in, seconds go out.

Everything happens on copies and with random states of its own: the model is left as it was.
"""

import copy
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from textaxa.encoders import Encoder, Pieces, TransformerEncoder, length_of
from textaxa.encoders._cut import LayerCut
from textaxa.errors import ConfigError
from textaxa.model import Model
from textaxa.settings import TrainingSettings
from textaxa.training._arguments import autocast
from textaxa.training._recipes import TOP_SHARE, Pace
from textaxa.training._rows import LengthGroupedOrder, TokenBatches
from textaxa.training._trainer import TrainingStep, parameter_groups

_BATCHES = 4
_SECONDS = 4.0
"""Of each way, so many batches are timed, but none is begun after so many seconds."""

_WARM_UP, _SLOW = 4, 1.0
"""First comes a batch of so few texts, untimed. Where it takes this many seconds, the encoder is large for the machine:
then that small batch alone is timed, since whole ones would eat up the budget."""

_HEAD_BATCH = 256

_TRAINER = 1.3
"""The Trainer's own work in a step of a head, as a factor: there, it is not small beside the step."""

Clock = Callable[[], float]


def measure_pace(
    model: Model,
    pieces: Sequence[Pieces],
    targets: torch.Tensor,
    recipe: TrainingSettings,
    clock: Clock = time.monotonic,
) -> Pace:
    """Time steps of every preset on a few batches of the training rows.

    Parameters
    ----------
    model
        Untrained: a transformer that can be cut, and a head that reads text vectors.
    pieces, targets
        The training rows.
    recipe
        Resolved, for an encoder that is trained.
    clock
        Gives seconds.
    """
    trial = copy.deepcopy(model)
    batches = _few_batches(trial, pieces, targets, recipe)
    with torch.random.fork_rng(list(range(torch.cuda.device_count()))):
        full = _step_time(trial, batches, recipe, clock)
        read = _time_a_token(lambda batch: _read(trial, batch, recipe), batches, clock)
        below, top = _cut_times(trial, batches, recipe, clock)
        return Pace(full=full, top=top, below=below, read=read, head_row=_head_time(trial, targets, recipe, clock))


Batch = dict[str, torch.Tensor]


def _few_batches(
    model: Model, pieces: Sequence[Pieces], targets: torch.Tensor, recipe: TrainingSettings
) -> list[Batch]:
    size = recipe.batch_size or 1
    order = list(LengthGroupedOrder([length_of(one) for one in pieces], size, recipe.seed))
    collate = TokenBatches(pieces, model.encoder.tokenise, targets)
    device = model.encoder.device
    whole = [order[i * size : (i + 1) * size] for i in range(min(_BATCHES, -(-len(order) // size)))]
    chosen = [whole[0][:_WARM_UP], *whole]
    return [{name: value.to(device) for name, value in collate(rows).items()} for rows in chosen]


def _time_a_token(way: Callable[[Batch], object], batches: Sequence[Batch], clock: Clock) -> float:
    """Give the seconds a token of a way to use a batch; the first batch warms up."""
    began = clock()
    way(batches[0])
    _wait()
    slow = clock() - began > _SLOW
    began, tokens = clock(), 0
    for batch in batches[:1] if slow else batches[1:]:
        way(batch)
        _wait()
        tokens += int(batch["attention_mask"].sum())
        if clock() - began > _SECONDS:
            break
    return (clock() - began) / max(1, tokens)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _step_time(model: Model, batches: Sequence[Batch], recipe: TrainingSettings, clock: Clock) -> float:
    step = _stepper(TrainingStep(model, frozen=False), recipe)
    return _time_a_token(step, batches, clock)


def _stepper(module: nn.Module, recipe: TrainingSettings) -> Callable[[Batch], None]:
    """Give a whole step of training, the update included."""
    module.train()
    optimizer = torch.optim.AdamW(parameter_groups(module, recipe), lr=recipe.encoder_rate or 0.0, fused=True)
    trained = [one for one in module.parameters() if one.requires_grad]

    def step(batch: Batch) -> None:
        with autocast(recipe):
            loss = module(**batch)["loss"]
        loss.backward()
        nn.utils.clip_grad_norm_(trained, recipe.max_gradient_norm or 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


@torch.inference_mode()
def _read(model: Model, batch: Batch, recipe: TrainingSettings) -> None:
    model.eval()
    with autocast(recipe):
        model.encoder(batch["input_ids"], batch["attention_mask"], batch["text_of"])


def _cut_times(model: Model, batches: Sequence[Batch], recipe: TrainingSettings, clock: Clock) -> tuple[float, float]:
    """Give the seconds a token below the cut, once, and above it, in a step. Both 0 where the encoder has no cut."""
    encoder = model.encoder
    cut = _cut(encoder, batches[0])
    if cut is None:
        return 0.0, 0.0
    encoder.eval()
    found: list[Batch] = []

    def read_below(batch: Batch) -> None:
        with autocast(recipe):
            states = cut.below(batch["input_ids"], batch["attention_mask"])
        found.append({**batch, "below": states.float()})

    below = _time_a_token(read_below, batches, clock)
    return below, _time_a_token(_stepper(TrainingStep(model, frozen=False), recipe), found, clock)


def _cut(encoder: Encoder, batch: Batch) -> LayerCut | None:
    """Cut an encoder where `balanced` would; None where that cannot be done, or does not give the same states."""
    if not isinstance(encoder, TransformerEncoder) or not encoder.depth:
        return None
    encoder.freeze_below(max(1, encoder.depth // TOP_SHARE))
    try:
        encoder.cut.check(batch["input_ids"], batch["attention_mask"])  # type: ignore[union-attr]  # it was cut just now
    except ConfigError:
        return None
    return encoder.cut


def _head_time(model: Model, targets: torch.Tensor, recipe: TrainingSettings, clock: Clock) -> float:
    """Give the seconds a row in a step of the head on stored vectors."""
    rows = np.random.default_rng(recipe.seed).permutation(len(targets))[:_HEAD_BATCH]
    features = torch.zeros(len(rows), model.encoder.width, device=model.encoder.device)
    batch = {"features": features, "targets": targets[rows].to(features.device)}
    step = _stepper(TrainingStep(model, frozen=True), recipe)
    step(batch)
    _wait()
    began = clock()
    for _ in range(_BATCHES):
        step(batch)
        _wait()
    return _TRAINER * (clock() - began) / (_BATCHES * len(rows))
