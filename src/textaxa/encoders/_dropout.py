"""Dropout that costs little on a CPU. Tensors come in, tensors go out."""

import torch
from torch.nn import functional as F  # noqa: N812


def dropped(values: torch.Tensor, share: float, *, training: bool) -> torch.Tensor:
    """Set a random share of the values to zero and scale up the rest, as `torch.nn.functional.dropout` does.

    On a CPU a quarter of its cost: 16 random bits decide on a value, where it draws a double.
    """
    if not training or share == 0:
        return values
    if values.device.type != "cpu":
        return F.dropout(values, share)
    words = torch.randint(-(2**63), 2**63 - 1, (-(-values.numel() // 4),)).view(torch.int16)
    kept = words[: values.numel()].view(values.shape) >= round(share * 2**16) - 2**15
    return values * (kept * (1 / (1 - share))).to(values.dtype)
