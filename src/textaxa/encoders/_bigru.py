"""A bidirectional GRU that is fast on a CPU: both directions and all texts of a batch in one step of the loop."""

from dataclasses import dataclass
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
        direction = torch.tensor([0, 1], device=words.device)[:, None, None]
        places = 2 * torch.stack([words, words.gather(0, mirror)]) + direction
        mirrored = (mirror * size + torch.arange(size, device=words.device)).flatten()
        return _Recurrence.apply(*self._gates(vectors), _Order(places, mirrored, real[..., None]))

    def _gates(self, vectors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Give what words alone add to the gates (2 U, 3 H), directions in turn, and weight and bias of the rest."""
        hidden = self.gru.hidden_size
        of = dict(self.gru.named_parameters())
        recurrent = torch.stack([of["bias_hh_l0"], of["bias_hh_l0_reverse"]])
        inner = recurrent[:, 2 * hidden :]
        outer = torch.stack([of["bias_ih_l0"], of["bias_ih_l0_reverse"]])
        outer = outer + F.pad(recurrent[:, : 2 * hidden], (0, hidden))
        weight = torch.cat([of["weight_ih_l0"], of["weight_ih_l0_reverse"]])
        gates = F.linear(vectors, weight, outer.flatten()).view(-1, 3 * hidden)
        weight = torch.stack([of["weight_hh_l0"], of["weight_hh_l0_reverse"]])
        return gates, weight, inner


@dataclass(frozen=True)
class _Order:
    """Which words' gates stand where, int64 (2, L, B); where each of the L B places lies when a text is read from its
    end, int64; and which places are real (L, B, 1).
    """

    places: torch.Tensor
    mirrored: torch.Tensor
    real: torch.Tensor


class _Recurrence(torch.autograd.Function):
    """The loop of the GRU and its gradient, s the logistic function::

        r, z = s(g_rz + W_rz h)     n = tanh(g_n + r (W_n h + b))     h' = n + z (h - n)

    Every operation of a step is on few numbers, which stay in the cache of the processor.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)  # type: ignore[untyped-decorator]
    def forward(ctx: Any, gates: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, order: _Order) -> torch.Tensor:
        """Run both directions, the second from the end, and bring its states back into order: (L, B, 2 H).

        Gates (2 U, 3 H), weight (2, 3 H, H), bias (2, H) of n.
        """
        places = order.places
        _, length, size = places.shape
        hidden = weight.shape[2]
        states = gates.new_zeros(2, length + 1, size, hidden)
        reset_update = gates.new_empty(2, length, size, 2 * hidden)
        new, inner_new = gates.new_empty(2, 2, length, size, hidden)
        inner, outer = gates.new_empty(2, 2, size, 3 * hidden)
        offset = F.pad(bias, (2 * hidden, 0))[:, None].expand_as(inner).contiguous()
        transposed = weight.transpose(1, 2).contiguous()
        rz, (r, z) = reset_update.unbind(1), (part.unbind(1) for part in reset_update.split(hidden, dim=3))
        h, n, w = states.unbind(1), new.unbind(1), inner_new.unbind(1)
        rows = places.transpose(0, 1).flatten(1).unbind(0)
        outer_rz, outer_n = outer.split([2 * hidden, hidden], dim=2)
        inner_rz, inner_n = inner.split([2 * hidden, hidden], dim=2)
        looked_up = outer.view(-1, 3 * hidden)
        for t in range(length):
            torch.index_select(gates, 0, rows[t], out=looked_up)
            torch.baddbmm(offset, h[t], transposed, out=inner)
            torch.add(outer_rz, inner_rz, out=rz[t]).sigmoid_()
            torch.addcmul(outer_n, r[t], w[t].copy_(inner_n), out=n[t]).tanh_()
            torch.lerp(n[t], h[t], z[t], out=h[t + 1])
        ctx.save_for_backward(states, reset_update, new, inner_new, weight)
        ctx.order, ctx.rows = order, len(gates)
        backwards = states[1, 1:].flatten(0, 1).index_select(0, order.mirrored).view(length, size, hidden)
        return torch.cat([states[0, 1:], backwards], dim=2).mul_(order.real)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Go back through the steps; weights and gates get their gradient of all steps at once."""
        states, reset_update, new, inner_new, weight = ctx.saved_tensors
        order: _Order = ctx.order
        hidden = weight.shape[2]
        of_new = torch.empty_like(new)
        of_inner = new.new_empty(*new.shape[:3], 3 * hidden)
        h, n, w = states.unbind(1), new.unbind(1), inner_new.unbind(1)
        r, z = (part.unbind(1) for part in reset_update.split(hidden, dim=3))
        dn, (dr, dz, dw) = of_new.unbind(1), (part.unbind(1) for part in of_inner.split(hidden, dim=3))
        forwards, backwards = (gradients[0] * order.real).split(hidden, dim=2)
        backwards = backwards.flatten(0, 1).index_select(0, order.mirrored).view_as(forwards)  # the mirror of a mirror
        products, given = of_inner.unbind(1), torch.stack([forwards, backwards], dim=1).unbind(0)
        dh, scratch = torch.zeros_like(h[0]), torch.empty_like(h[0])
        for t in range(new.shape[1] - 1, -1, -1):
            dh += given[t]
            torch.addcmul(dh, dh, z[t], value=-1, out=scratch)
            _tanh_backward(scratch, n[t], grad_input=dn[t])
            _sigmoid_backward(torch.mul(dn[t], w[t], out=scratch), r[t], grad_input=dr[t])
            _sigmoid_backward(torch.sub(h[t], n[t], out=scratch).mul_(dh), z[t], grad_input=dz[t])
            torch.mul(dn[t], r[t], out=dw[t])
            dh.mul_(z[t]).baddbmm_(products[t], weight)
        flat = of_inner.flatten(1, 2)
        before = states[:, :-1]
        of_weight = torch.stack([part.T @ before[i].flatten(0, 1) for i, part in enumerate(flat)])
        of_bias = flat[..., 2 * hidden :].sum(1)
        of_inner[..., 2 * hidden :] = of_new
        of_gates = torch.ops.aten.embedding_dense_backward(of_inner, order.places, ctx.rows, -1, False)
        return of_gates, of_weight, of_bias, None


_tanh_backward = torch.ops.aten.tanh_backward.grad_input
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
