"""A model that several processes hold together (FSDP): of every weight that learns, each has its part.

A training step comes in. Its weights, their gradients and what Adam keeps of them are divided from then on, one layer
of the encoder after the other; a layer is whole only while it computes. Checkpoints are written as without: whole, by
the main process, so that a run may be resumed undivided or by another number of processes.

The Trainer is not told: accelerate divides on GPUs only, and its checkpoints are of a kind that one process cannot
read.
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from textaxa.errors import ConfigError
from textaxa.model import Model
from textaxa.training._together import Together


class Divided:
    """The division of a training step among processes, and the way back.

    Parameters
    ----------
    step
        What the Trainer trains, of encoder, scale and head of the model. From here on its parameters are divided; those
        that do not learn, and single numbers, stay whole.
    model
        The model.
    together
        The processes.

    Raises
    ------
    ConfigError
        This PyTorch cannot do it.
    """

    def __init__(self, step: nn.Module, model: Model, together: Together) -> None:
        if "ignored_params" not in inspect.signature(fully_shard).parameters:
            raise ConfigError(f"FSDP needs a newer PyTorch than {torch.__version__}. Update it, or train without FSDP.")
        self.step: Any = step
        self._model, self._empty = model, _without_weights(model)
        self._main = together.main
        device = next(step.parameters()).device.type
        mesh = init_device_mesh(device, (together.world,))
        held = {one for one in step.parameters() if not one.requires_grad or one.ndim == 0}
        for layer in getattr(model.encoder, "layers", ()):
            if held.isdisjoint(layer.parameters()):
                fully_shard(layer, mesh=mesh)
        fully_shard(step, mesh=mesh, ignored_params=held)
        for single in held:
            if single.requires_grad:
                single.register_post_accumulate_grad_hook(_average(together.world))
        step.register_state_dict_post_hook(partial(self._gather))  # PyTorch marks the hook, and methods take no marks
        step.register_load_state_dict_pre_hook(_divide)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let every process have all weights for a block between steps: there, they do not compute in step."""
        parts = [part for part in self.step.modules() if isinstance(part, FSDPModule)]
        self.step.set_reshard_after_forward(False)
        for part in parts:
            part.unshard()
        try:
            yield
        finally:
            for part in parts:
                part.reshard()
                part.set_reshard_after_forward(part is not self.step, recurse=False)

    def watch(self, optimizer: torch.optim.Optimizer) -> None:
        """Let an optimizer's state be gathered where it is asked for, and divided where it is loaded.

        All processes have to ask for it; only the main one gets it.
        """
        optimizer.register_state_dict_post_hook(self._gather_state)
        optimizer.register_load_state_dict_pre_hook(_divide_state)

    def undo(self) -> None:
        """Give the model whole weights again, the same in all processes, in modules that know of no division."""
        named = (*self.step.named_parameters(), *self.step.named_buffers())
        self._empty.load_state_dict({name: _whole(value.detach()) for name, value in named}, strict=False, assign=True)
        for name in ("encoder", "scale", "head"):
            setattr(self._model, name, getattr(self._empty, name))

    def _gather(self, module: nn.Module, state: dict[str, Any], prefix: str, metadata: Any) -> None:
        del module, prefix, metadata
        for name, value in state.items():
            state[name] = self._kept(value)

    def _gather_state(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
        del optimizer
        found = {
            number: {name: self._kept(value) for name, value in one.items()} for number, one in state["state"].items()
        }
        return {**state, "state": found}

    def _kept(self, value: Any) -> Any:
        """Put a value together; where nobody writes it, let go of it at once."""
        if not isinstance(value, DTensor):
            return value
        whole = _whole(value)
        return whole.cpu() if self._main else whole.new_empty(0)


def _whole(value: torch.Tensor) -> torch.Tensor:
    return value.full_tensor() if isinstance(value, DTensor) else value


def _as(value: torch.Tensor, divided: Any) -> Any:
    """Divide a whole tensor, which all processes have, as another one is."""
    if not isinstance(divided, DTensor) or isinstance(value, DTensor) or value.shape != divided.shape:
        return value
    here = value.to(divided.device)
    return distribute_tensor(here, divided.device_mesh, divided.placements, src_data_rank=None)


def _divide(module: nn.Module, state: dict[str, Any], *others: Any) -> None:
    del others
    for name, parameter in module.named_parameters():
        if name in state:
            state[name] = _as(state[name], parameter)


def _divide_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    parameters = [one for group in optimizer.param_groups for one in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    divided = dict(state["state"])
    for number, parameter in zip(numbers, parameters, strict=False):  # PyTorch tells where they are not as many
        if number in divided:
            divided[number] = {name: _as(value, parameter) for name, value in divided[number].items()}
    return {**state, "state": divided}


def _average(world: int) -> Callable[[torch.Tensor], None]:
    """Give what averages the gradient of a whole parameter over the processes, as DDP would."""
    group: Any = distributed.new_group()

    def average(parameter: torch.Tensor) -> None:
        gradient: Any = parameter.grad
        distributed.all_reduce(gradient, group=group)
        gradient /= world

    return average


def _without_weights(model: Model) -> Model:
    """Copy a model but for the weights that learn, which take no memory in the copy; those that do not are shared."""
    memo: dict[int, Any] = {}
    for one in model.parameters():
        memo[id(one)] = nn.Parameter(torch.empty_like(one, device="meta")) if one.requires_grad else one
    return copy.deepcopy(model, memo)
