"""A network learns to answer as the given model does, from texts alone, in a bounded time.

A student comes in, and what the teacher says of the texts; the student goes out, trained. Its loss is the cross-entropy
between the node probabilities of both, and, where their text vectors have one width, how far these lie apart.

Source: soft targets of Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network (2015), on node
probabilities; the distance of hidden states of Sanh et al., DistilBERT (2019), without the cosine.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from textaxa.encoders import Pieces, length_of
from textaxa.model import Model
from textaxa.optimising._material import Teacher

_BATCH = 32
_GROUP = 50
"""Batches that are sorted by length together, as in training."""

_LEAST = 1e-5
"""Probabilities are kept this far from 0 and 1, or one wrong certainty would be all of the loss."""

_WARM_UP = 0.05


@dataclass(frozen=True)
class Lesson:
    """How long and how fast to learn.

    Attributes
    ----------
    epochs
        Passes over the texts, at most.
    seconds
        At most; rates fall to 0 towards the end of whichever comes first.
    encoder_rate, head_rate
        Learning rates (AdamW).
    """

    epochs: int
    seconds: float
    encoder_rate: float
    head_rate: float
    batch: int = _BATCH


def teach(student: Model, teacher: Teacher, lesson: Lesson, *, seed: int) -> int:
    """Train a student in place; give how many steps it made.

    Parameters
    ----------
    student
        Its head is trained along; its feature scale stays.
    teacher
        Texts, their vectors and node probabilities.
    lesson
        How long and how fast.
    seed
        Of the order of the texts.
    """
    pieces = student.encoder.tokenise(teacher.texts)
    random = np.random.default_rng(seed)
    began, step = time.monotonic(), 0
    steps = lesson.epochs * -(-len(pieces) // lesson.batch)
    student.eval().requires_grad_(True)  # without dropout: it is to give the teacher's very numbers
    _hold_embeddings(student)
    optimizer = _optimizer(student, lesson)
    for rows in _orders(pieces, random, lesson.batch, lesson.epochs):
        done = max(step / steps, (time.monotonic() - began) / lesson.seconds)
        if done >= 1:
            break
        _set_rates(optimizer, lesson, done)
        _step(student, optimizer, [pieces[i] for i in rows], teacher, rows)
        step += 1
    return step


def _hold_embeddings(student: Model) -> None:
    """Leave the token embeddings of a transformer as they are: half of its weights, and hardly any of what is lost."""
    backbone = getattr(student.encoder, "backbone", None)
    if backbone is not None:
        backbone.get_input_embeddings().requires_grad_(False)


def _optimizer(student: Model, lesson: Lesson) -> torch.optim.Optimizer:
    encoder = [one for one in student.encoder.parameters() if one.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": encoder, "lr": lesson.encoder_rate},
        {"params": [*student.head.parameters()]},
    ]
    return torch.optim.AdamW(groups, lr=lesson.head_rate, weight_decay=0.01, fused=True)


def _set_rates(optimizer: torch.optim.Optimizer, lesson: Lesson, done: float) -> None:
    share = min(done / _WARM_UP, 1 - done, 1.0) if done < _WARM_UP else 1 - done
    for group, rate in zip(optimizer.param_groups, (lesson.encoder_rate, lesson.head_rate), strict=True):
        group["lr"] = share * rate


def _orders(pieces: list[Pieces], random: np.random.Generator, batch: int, epochs: int) -> Iterator[np.ndarray]:
    """Give batches of row numbers, epoch by epoch: random, with texts of like length together."""
    lengths = np.array([length_of(one) for one in pieces])
    for _ in range(epochs):
        order = random.permutation(len(lengths))
        batches = []
        for start in range(0, len(order), batch * _GROUP):
            group = order[start : start + batch * _GROUP]
            group = group[np.argsort(lengths[group], kind="stable")]
            batches += [group[i : i + batch] for i in range(0, len(group), batch)]
        for i in random.permutation(len(batches)):
            yield batches[i]


def _step(
    student: Model, optimizer: torch.optim.Optimizer, pieces: list[Pieces], teacher: Teacher, rows: np.ndarray
) -> None:
    tokens = student.encoder.collate(pieces)
    with _precision():
        vectors = student.encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)
    loss = _loss(student, vectors.float(), teacher, rows)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_([one for group in optimizer.param_groups for one in group["params"]], 1.0)
    optimizer.step()


def _loss(student: Model, vectors: torch.Tensor, teacher: Teacher, rows: np.ndarray) -> torch.Tensor:
    features = student.scale(vectors)
    proba = student.head.node_proba(student.head(features)).clamp(_LEAST, 1 - _LEAST)
    wanted = torch.from_numpy(teacher.proba[rows]).clamp(0, 1)
    loss = nn.functional.binary_cross_entropy(proba, wanted, reduction="sum") / len(rows)
    if teacher.vectors.shape[1] == features.shape[1]:
        aim = student.scale(torch.from_numpy(teacher.vectors[rows]))
        loss = loss + nn.functional.mse_loss(features, aim)
    return loss


def _precision() -> AbstractContextManager[object]:
    """Compute in bf16 where the processor has matrix instructions for it; it is slower where it has none."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.autocast("cpu", dtype=torch.bfloat16) if capabilities.get("amx_bf16") else nullcontext()
