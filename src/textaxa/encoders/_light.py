"""What makes a training step of a transformer cheaper on a CPU: its dropout, and the precision of its attention."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from textaxa.encoders._dropout import dropped


class LightDropout(nn.Dropout):
    """Dropout as a module, at the cost of `dropped`."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop a share ``p`` of the values of any shape in training; else give them back."""
        return dropped(input, self.p, training=self.training)


def lighten_dropout(module: nn.Module) -> None:
    """Leave out dropout of attention weights, and let the rest draw cheaper random numbers.

    With dropout on them, attention weights have to be written out, (B, heads, L, L), and a random number drawn for
    each: on texts of 250 tokens that is half of a training step on a CPU. Without it attention is computed in one fused
    operation. Newer encoders (ModernBERT) are trained without it, too.
    """
    for part in module.modules():
        own = getattr(part, "dropout", None)
        if type(part).__name__.endswith("SelfAttention") and isinstance(own, nn.Dropout):
            own.p = 0.0
        if type(part) is nn.Dropout:
            part.__class__ = LightDropout  # in place: the modules around it keep what they hold


@contextmanager
def attention_that_learns_fast(device: torch.device) -> Iterator[None]:
    """Compute attention in fp32 where it will be differentiated on a CPU in mixed precision.

    The gradient of fused attention takes 1.6 to 6 times as long in bf16 as in fp32 there (PyTorch 2.13, measured on
    a CPU with AMX); only forward is bf16 faster.
    """
    if device.type == "cpu" and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled():
        with _FullPrecisionAttention():
            yield
    else:
        yield


class _FullPrecisionAttention(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        with torch.autocast("cpu", enabled=False):
            return func(*map(_full, args), **{name: _full(value) for name, value in (kwargs or {}).items()})


def _full(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
