"""A transformer cut in two: the states between a frozen lower part and a trained upper part, and the way back in.

The backbone itself runs both times, so that masks, position biases and norms are the model's own. What is not wanted is
passed by: its layers give back what they got.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from textaxa.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_NEAR = 1e-5
"""How far the last states of the two ways may be apart, as a share of the largest one. In fp32 they are mostly equal to
the bit."""


class LayerCut:
    """The border between the layers that are kept as they are and the ones that learn.

    Parameters
    ----------
    backbone
        A transformer of Hugging Face.
    layers
        Its layers, from the bottom up.
    n_below
        How many of them are below the cut.

    Before anything else it has to be checked: that is how it learns what the layers give.
    """

    def __init__(self, backbone: "PreTrainedModel", layers: Sequence[nn.Module], n_below: int) -> None:
        self.backbone = backbone
        self.lower, self.upper = list(layers[:n_below]), list(layers[n_below:])
        self._n_given: dict[nn.Module, int] = {}

    def check(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> None:
        """Make sure that both ways lead to the same states, on a batch (W, L) at hand.

        Raises
        ------
        ConfigError
            They do not; or the model's layers do not take and give states as those of most models do.
        """
        tokens = {"input_ids": input_ids, "attention_mask": attention_mask}
        was_training = [module for module in self.backbone.modules() if module.training]
        self.backbone.eval()
        try:
            with torch.no_grad(), torch.autocast(input_ids.device.type, enabled=False):
                self._learn_outputs(tokens)
                whole = self.backbone(**tokens).last_hidden_state
                again = self.last_states(self.below(**tokens), **tokens)
        except (TypeError, ValueError, KeyError, IndexError, RuntimeError, AttributeError) as error:
            raise ConfigError(f"{type(self.backbone).__name__} cannot be cut between its layers: {error}") from error
        finally:
            for module in was_training:
                module.training = True
        real = attention_mask.bool()
        far = float((whole - again)[real].abs().max()) / max(1.0, float(whole[real].abs().max()))
        if not far <= _NEAR:  # also where it is not a number
            raise ConfigError(f"{type(self.backbone).__name__} cut in two gives other states (by {far:.1g}).")

    @torch.no_grad()
    def below(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give the states that enter the first layer above the cut, (W, L, D), for tokens (W, L)."""
        found: list[torch.Tensor] = []

        def note(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            del module
            found.append(args[0] if args else kwargs["hidden_states"])

        with self._passed_by(self.upper), _before(self.upper[0], note):
            self.backbone(input_ids=input_ids, attention_mask=attention_mask)
        return found[0]

    def last_states(self, below: torch.Tensor, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Give the last states (W, L, D), going on from the ones that `below` gave."""

        def enter(
            module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            del module
            return ((below, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": below})

        with self._passed_by(self.lower), _before(self.upper[0], enter):
            states: torch.Tensor = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return states

    def _learn_outputs(self, tokens: dict[str, torch.Tensor]) -> None:
        """Find what each layer gives: states, or a tuple that begins with them. 0 stands for the former."""

        def note(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            del args
            self._n_given[module] = len(output) if isinstance(output, tuple) else 0

        with ExitStack() as stack:
            for layer in (*self.lower, *self.upper):
                stack.callback(layer.register_forward_hook(note).remove)
            self.backbone(**tokens)

    @contextmanager
    def _passed_by(self, layers: Sequence[nn.Module]) -> Iterator[None]:
        try:
            for layer in layers:
                layer.forward = _identity(self._n_given[layer])
            yield
        finally:
            for layer in layers:
                layer.__dict__.pop("forward", None)


def _identity(n_given: int) -> Callable[..., Any]:
    """Make a layer that gives back the states that it gets, in a tuple of ``n_given`` where that is not 0."""

    def forward(*args: Any, **kwargs: Any) -> Any:
        states = args[0] if args else kwargs["hidden_states"]
        return (states, *(None,) * (n_given - 1)) if n_given else states

    return forward


@contextmanager
def _before(layer: nn.Module, hook: Callable[..., Any]) -> Iterator[None]:
    handle = layer.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
