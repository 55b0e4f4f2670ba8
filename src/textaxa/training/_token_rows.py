"""The gradient of token embeddings, averaged over processes for the tokens that any of them has just read.

A batch reads some hundred of the 30,000 to 250,000 rows of the table; the others have no gradient. Half of MiniLM's
parameters, and four fifths of multilingual E5's, stand in that table, so most of what processes would send each other
is zeros. PyTorch's own averaging (DDP) sends them; it is told to leave this one parameter alone.

Only on CPUs, where what is sent takes the time of the cores that compute.
"""

from typing import Any

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from textaxa.training._together import Together


class TokenRows:
    """Averages the gradient of one table of embeddings, the rows that were read.

    Parameters
    ----------
    weight
        The table, (V, D).
    together
        The processes.
    """

    def __init__(self, weight: nn.Parameter, together: Together) -> None:
        self.world = together.world
        self.read = torch.zeros(len(weight), dtype=torch.uint8)
        self._group: Any = distributed.new_group(backend="gloo")  # apart from DDP, which sends at the same time
        weight.register_post_accumulate_grad_hook(self._average)

    def note(self, tokens: torch.Tensor) -> None:
        """Take note of the tokens of a batch, before its gradient is computed."""
        self.read[tokens.flatten()] = 1

    def _average(self, weight: torch.Tensor) -> None:
        """Average what this batch has added; earlier batches of the same update have been averaged, and stay so."""
        distributed.all_reduce(self.read, distributed.ReduceOp.MAX, group=self._group)
        rows = self.read.nonzero()[:, 0]
        gradient: Any = weight.grad
        part = gradient[rows]
        distributed.all_reduce(part, group=self._group)
        gradient[rows] = part / self.world
        self.read.zero_()


def token_rows(step: nn.Module, encoder: Any, together: Together) -> TokenRows | None:
    """Take the table of an encoder that learns out of DDP's hands; None where that does not pay or cannot be done."""
    embeddings = getattr(getattr(encoder, "backbone", None), "get_input_embeddings", lambda: None)()
    weight = getattr(embeddings, "weight", None)
    if together.world == 1 or weight is None or not weight.requires_grad or weight.device.type != "cpu":
        return None
    names = [name for name, one in step.named_parameters() if one is weight]
    if not names:
        return None
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(step, names)
    return TokenRows(weight, together)
