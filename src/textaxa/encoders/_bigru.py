"""A bidirectional GRU that is fast on a CPU: both directions and all texts of a batch in one step of the loop."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812


class BiGRU(nn.Module):
    """What `torch.nn.GRU` computes in both directions, with its weights, over texts of unequal length.

    PyTorch's own runs one direction after the other on a CPU, and its gradient fills a tensor of all steps for every
    step: two thirds of the time of training TextRCNN. Here the gradient is written out. On a GPU PyTorch's is used.

    Source: Cho et al. 2014, in the form of PyTorch's documentation of `GRU`.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, hidden, bidirectional=True)

    def forward(self, vectors: torch.Tensor, words: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Give the states (L, B, 2 H) of texts, zero behind their ends.

        Parameters
        ----------
        vectors
            Vectors of the words that occur (U, D): each is multiplied with the weights once.
        words
            Which of them stands where, int64 (L, B).
        lengths
            Words of each text, int64 (B,), at least 1.
        """
        if vectors.is_cuda:
            packed = nn.utils.rnn.pack_padded_sequence(F.embedding(words, vectors), lengths.cpu(), enforce_sorted=False)
            return nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], total_length=len(words))[0]
        length, size = words.shape
        step = torch.arange(length, device=words.device)[:, None]
        real = step < lengths
        mirror = torch.where(real, lengths - 1 - step, step)
        direction = torch.tensor([0, 1])[:, None, None]
        places = 2 * torch.stack([words, words.gather(0, mirror)]) + direction
        states = self._states(vectors, places)
        rows = mirror * size + torch.arange(size)
        backwards = F.embedding(rows, states[1].reshape(length * size, -1))
        return torch.cat([states[0], backwards], dim=2) * real[..., None]

    def _states(self, vectors: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """Give the states (2, L, B, H) of both directions, the second read from the end."""
        gru = self.gru
        hidden = gru.hidden_size
        recurrent = torch.stack([gru.bias_hh_l0, gru.bias_hh_l0_reverse])
        inner = recurrent[:, 2 * hidden :]
        outer = torch.stack([gru.bias_ih_l0, gru.bias_ih_l0_reverse]) + F.pad(recurrent[:, : 2 * hidden], (0, hidden))
        weight = torch.cat([gru.weight_ih_l0, gru.weight_ih_l0_reverse])
        gates = F.linear(vectors, weight, outer.flatten()).view(-1, 3 * hidden)
        weight = torch.stack([gru.weight_hh_l0, gru.weight_hh_l0_reverse])
        return _Recurrence.apply(F.embedding(places, gates), weight, inner)


class _Recurrence(torch.autograd.Function):
    """The loop of the GRU and its gradient::

    r, z = s(gates_rz + W_rz h)     n = tanh(gates_n + r (W_n h + b))     h' = n + z (h - n)
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, gates: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Gates (2, L, B, 3 H), weight (2, 3 H, H), bias (2, H) of n: states (2, L, B, H)."""
        _, length, size, _ = gates.shape
        hidden = weight.shape[2]
        states = gates.new_zeros(2, length + 1, size, hidden)
        inner = torch.empty_like(gates)
        reset_update, new = torch.empty_like(gates[..., : 2 * hidden]), torch.empty_like(gates[..., :hidden])
        transposed = weight.transpose(1, 2).contiguous()
        offset = F.pad(bias, (2 * hidden, 0))[:, None].expand(2, size, 3 * hidden).contiguous()
        before, after = states[:, :-1].unbind(1), states[:, 1:].unbind(1)
        outer_rz, outer_n = gates[..., : 2 * hidden].unbind(1), gates[..., 2 * hidden :].unbind(1)
        inner_rz, inner_n = inner[..., : 2 * hidden].unbind(1), inner[..., 2 * hidden :].unbind(1)
        r, z = reset_update[..., :hidden].unbind(1), reset_update[..., hidden:].unbind(1)
        rz, n, all_inner = reset_update.unbind(1), new.unbind(1), inner.unbind(1)
        for t in range(length):
            torch.baddbmm(offset, before[t], transposed, out=all_inner[t])
            torch.add(outer_rz[t], inner_rz[t], out=rz[t]).sigmoid_()
            torch.addcmul(outer_n[t], r[t], inner_n[t], out=n[t]).tanh_()
            torch.lerp(n[t], before[t], z[t], out=after[t])
        ctx.save_for_backward(states, inner, reset_update, new, weight)
        return states[:, 1:]

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Go back through the steps; what does not depend on later steps is computed for all of them at once."""
        states, inner, reset_update, new, weight = ctx.saved_tensors
        hidden = weight.shape[2]
        r, z = reset_update.split(hidden, dim=3)
        of_new = (1 - z) * (1 - new * new)
        factor = torch.empty_like(inner)  # of the gradient of h' in that of W h, for r, z and n
        torch.mul(of_new * inner[..., 2 * hidden :], r * (1 - r), out=factor[..., :hidden])
        torch.mul(states[:, :-1] - new, z * (1 - z), out=factor[..., hidden : 2 * hidden])
        torch.mul(of_new, r, out=factor[..., 2 * hidden :])
        of_states = gradients[0].clone(memory_format=torch.contiguous_format)
        steps, kept = of_states.unbind(1), z.unbind(1)
        factors, products = factor.unflatten(3, (3, hidden)).unbind(1), factor.unbind(1)
        for t in range(of_states.shape[1] - 1, -1, -1):
            factors[t].mul_(steps[t][:, :, None])
            if t:
                steps[t - 1].addcmul_(steps[t], kept[t]).baddbmm_(products[t], weight)
        flat = factor.flatten(1, 2)
        of_weight = flat.transpose(1, 2) @ states[:, :-1].flatten(1, 2)
        of_bias = flat[..., 2 * hidden :].sum(1)
        torch.mul(of_states, of_new, out=factor[..., 2 * hidden :])
        return factor, of_weight, of_bias
