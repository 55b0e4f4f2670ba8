"""Training of a wide head on stored features.

Given the features, every sibling group is a problem of its own: its softmax sees only the texts that pass through it,
and shares no weight with another group. So an epoch goes group by group through the texts of each, in batches, and
touches the rows of that group alone: they stay in the processor's cache, and no gradient is wider than a group.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.errors import ConfigError, DataError
from textaxa.settings import Checked, setting
from textaxa.wide._head import WideHead
from textaxa.wide._options import Int32, Int64, Options
from textaxa.wide._row_adam import RowAdam
from textaxa.wide._rows import BLOCK, Float32
from textaxa.wide._sampled import BATCH, SAMPLED_FROM, draw

_SAMPLE = 1000
"""Texts whose features tell how long a feature vector is."""


@dataclass(frozen=True)
class WideTraining(Checked):
    """How a wide head is trained."""

    epochs: int = setting(20, "Most times that every text is seen.", at_least=1, at_most=10_000)
    learning_rate: float = setting(
        0.5,
        "By how many nats a step moves the logit of a text of average length at most.",
        at_least=1e-6,
        at_most=100,
    )
    batch_size: int = setting(32, "Texts of a group from which one step is made.", at_least=1, at_most=100_000)
    patience: int = setting(
        3, "Epochs without a better path accuracy on the validation texts before training stops.", at_least=1
    )
    beam: int = setting(10, "Width of the beam that reads the validation texts.", at_least=1, at_most=10_000)
    seed: int = setting(0, "Order of the texts.", at_least=0)
    negatives: int = setting(
        1024,
        f"Groups of more than {SAMPLED_FROM} times so many siblings are trained against so many of them, drawn anew "
        "for each step; more is slower and learns more from a step.",
        at_least=1,
        at_most=10_000_000,
    )
    keep_unseen: bool = setting(
        False,
        "Leave the rows that no text chooses as they are, instead of learning that they are never right. For heads "
        "that start from label names.",
    )


@dataclass(frozen=True)
class WideFit:
    """What training did.

    Attributes
    ----------
    losses
        Mean negative log-likelihood of the training paths in each epoch, nats a text, while it ran.
    accuracies
        Share of validation texts whose most probable path is right, after each epoch; empty without validation.
    epoch
        The epoch, from 1, whose weights the head has.
    stopped
        Whether it was told to stop before it was ready.
    """

    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    epoch: int
    stopped: bool = False


def fit_wide(
    head: WideHead,
    features: NDArray[np.floating],
    terminals: ArrayLike,
    *,
    validation: tuple[NDArray[np.floating], ArrayLike] | None = None,
    training: WideTraining | None = None,
    told: Callable[[int, float, float | None], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> WideFit:
    """Train a head in place, by softmax cross-entropy along the true paths and row-wise Adam.

    Memory beside head and features: as much again as the rows of the groups that are seen, about ten numbers a node of
    every path, and with validation a copy of the best rows.

    Parameters
    ----------
    head
        The head, with float32 rows that can be written.
    features
        Text vectors (B, D), float32 or float16, in memory or mapped from a file.
    terminals
        Node ids at which the labels end, (B,).
    validation
        Features and terminals of texts that choose the epoch; without them the last one stays.
    training
        Settings.
    told
        Is called after each epoch with its number, loss and accuracy.
    stop
        Is asked between groups whether to stop; an epoch that is cut short counts, too.

    Raises
    ------
    ConfigError
        The rows are no float32, or cannot be written.
    DataError
        No texts, features and labels that do not fit each other or the head, features that are not finite, labels at
        nodes where none may end.

    Source: Adam, Kingma and Ba (2015), with one second moment a row, the mean over its weights, in place of one a
    weight. Each group counts its own steps, so that a rare one starts as a frequent one does.

    Examples
    --------
    >>> from textaxa import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Chess"), ("Tools",)])
    >>> head = WideHead.zeros(taxonomy, width=2)
    >>> features, labels = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 0.0]] * 10), np.array([2, 3, 1] * 10)
    >>> fit = fit_wide(head, features, labels)
    >>> head.search(features[:3]).nodes[:, 0].tolist(), fit.losses[-1] < fit.losses[0]
    ([2, 3, 1], True)
    """
    settings = training or WideTraining()
    labels = _checked(head, features, np.asarray(terminals))
    if not (head.rows.values.dtype == np.float32 and head.rows.values.flags.writeable):
        raise ConfigError("Only float32 rows that can be written are trained: train first, store as another type then.")
    run = _Run(head, features, _Visits.of(head.options, head.options.paths(head.taxonomy, labels)), settings)
    judge = None if validation is None else _Judge.of(head, *validation, settings)
    losses: list[float] = []
    for epoch in range(1, settings.epochs + 1):
        losses.append(run.epoch(epoch, stop))
        accuracy = judge.look(epoch) if judge else None
        if told:
            told(epoch, losses[-1], accuracy)
        if run.stopped or (judge and judge.had_enough(epoch)):
            break
    if judge is None:
        return WideFit(tuple(losses), (), len(losses), run.stopped)
    judge.restore()
    return WideFit(tuple(losses), tuple(judge.accuracies), judge.epoch, run.stopped)


def group_gradient(
    rows: Float32, bias: Float32, features: Float32, chosen: NDArray[np.integer]
) -> tuple[float, Float32, Float32]:
    """Give the summed cross-entropy of one group (S options) on n texts, and the gradient of its mean.

    Parameters
    ----------
    rows, bias
        Weights (S, D) and (S,).
    features
        The texts that pass through the group, float32 (n, D).
    chosen
        The option that each takes, 0 to S - 1, (n,).

    Returns
    -------
    The loss in nats; gradients (S, D) and (S,).
    """
    logits = features @ rows.T
    logits += bias
    logits -= logits.max(axis=1, keepdims=True)
    proba = np.exp(logits)
    sums = proba.sum(axis=1, keepdims=True)
    text = np.arange(len(chosen))
    loss = float(np.log(sums).sum() - logits[text, chosen].sum())
    proba /= sums
    proba[text, chosen] -= 1
    proba /= len(chosen)
    return loss, proba.T @ features, proba.sum(axis=0)


@dataclass(frozen=True)
class _Visits:
    """Which texts pass through which groups, and what they choose there; the visits of a group lie side by side."""

    group: Int64
    begins: Int64
    text: Int32
    option: Int32

    @classmethod
    def of(cls, options: Options, paths: Int32) -> "_Visits":
        text, _ = np.nonzero(paths >= 0)
        option = paths[paths >= 0]
        group = options.group[option]
        order = np.argsort(group, kind="stable")
        groups, begins = np.unique(group[order], return_index=True)
        ends = np.append(begins, len(order)).astype(np.int64)
        return cls(groups.astype(np.int64), ends, text[order].astype(np.int32), option[order])


class _Run:
    """Head, data and the state of the optimizer."""

    def __init__(self, head: WideHead, features: NDArray[np.floating], visits: _Visits, settings: WideTraining) -> None:
        self.head, self.features, self.visits, self.settings = head, features, visits, settings
        self.stopped = False
        some = np.asarray(features[:_SAMPLE], dtype=np.float32)
        self._optimizer = RowAdam(head, settings.learning_rate, float(np.sqrt(np.mean(np.square(some)))))

    def epoch(self, epoch: int, stop: Callable[[], bool] | None = None) -> float:
        """Go once through all texts of all groups, unless told to stop; give the mean loss of a text."""
        random = np.random.default_rng((self.settings.seed, epoch))
        visits, start = self.visits, self.head.options.start
        total = 0.0
        bounds = zip(visits.group.tolist(), visits.begins[:-1].tolist(), visits.begins[1:].tolist(), strict=True)
        for group, a, b in bounds:
            if stop is not None and stop():
                self.stopped = True
                break
            size, order = int(start[group + 1] - start[group]), a + random.permutation(b - a)
            if size > SAMPLED_FROM * self.settings.negatives:
                total += self._large_group(group, order, random)
            elif size > 1:  # where there is nothing to choose there is nothing to learn
                total += self._group(group, order)
        return total / len(self.features)

    def _group(self, group: int, order: Int64) -> float:
        own = slice(*self.head.options.start[group : group + 2].tolist())
        rows, bias = (weights[own] for weights in _weights(self.head))
        loss, size = 0.0, self.settings.batch_size
        unseen = self._unseen(own, order) if self.settings.keep_unseen else None
        for at in range(0, len(order), size):
            visit = order[at : at + size]
            features = self.features[self.visits.text[visit]].astype(np.float32, copy=False)
            new, of_rows, of_bias = group_gradient(rows, bias, features, self.visits.option[visit] - own.start)
            loss += new
            if unseen is not None:
                of_rows[unseen] = 0
                of_bias[unseen] = 0
            self._optimizer.step(group, own, of_rows, of_bias)
        return loss

    def _large_group(self, group: int, order: Int64, random: np.random.Generator) -> float:
        """Learn a group against some of its options; gives an estimate of the loss."""
        start, stop = self.head.options.start[group : group + 2].tolist()
        rows, bias = _weights(self.head)
        unseen = self._unseen(slice(start, stop), order) if self.settings.keep_unseen else None
        loss = 0.0
        for at in range(0, len(order), BATCH):
            visit = order[at : at + BATCH]
            features = self.features[self.visits.text[visit]].astype(np.float32, copy=False)
            some = draw(self.visits.option[visit] - start, stop - start, self.settings.negatives, random)
            places = some.places + start
            logit_bias = bias[places] + some.log_weight
            new, of_rows, of_bias = group_gradient(rows[places], logit_bias, features, some.taken)
            loss += new
            learns = slice(None) if unseen is None else ~unseen[some.places]
            self._optimizer.step_some(places[learns], of_rows[learns], of_bias[learns])
        return loss

    def _unseen(self, own: slice, visits: Int64) -> NDArray[np.bool_]:
        """Mark the options of a group that none of its texts takes."""
        taken = self.visits.option[visits] - own.start
        return np.asarray(np.bincount(taken, minlength=own.stop - own.start) == 0)


class _Judge:
    """Keeps the weights of the epoch with the best path accuracy on validation texts."""

    def __init__(
        self, head: WideHead, features: NDArray[np.floating], labels: NDArray[np.integer], settings: WideTraining
    ) -> None:
        self._head, self._features, self._labels, self._settings = head, features, labels, settings
        self._best = [weights.copy() for weights in _weights(head)]
        self.accuracies: list[float] = []
        self.epoch = 0

    @classmethod
    def of(
        cls, head: WideHead, features: NDArray[np.floating], terminals: ArrayLike, settings: WideTraining
    ) -> "_Judge":
        return cls(head, features, _checked(head, features, np.asarray(terminals)), settings)

    def look(self, epoch: int) -> float:
        found = self._head.search(self._features, width=self._settings.beam).nodes[:, 0]
        accuracy = float(np.mean(found == self._labels))
        if accuracy > max(self.accuracies, default=-1.0):
            self.epoch = epoch
            _copy(_weights(self._head), self._best)
        self.accuracies.append(accuracy)
        return accuracy

    def had_enough(self, epoch: int) -> bool:
        return epoch - self.epoch >= self._settings.patience

    def restore(self) -> None:
        _copy(self._best, _weights(self._head))


def _weights(head: WideHead) -> list[Float32]:
    """Give what is learnt. That the rows are float32 has been checked."""
    return [head.rows.values, head.rows.bias]  # type: ignore[list-item]


def _copy(source: list[Float32], target: list[Float32]) -> None:
    for there, here in zip(source, target, strict=True):
        np.copyto(here, there)


def _checked(head: WideHead, features: NDArray[np.floating], labels: NDArray[np.integer]) -> NDArray[np.integer]:
    """Give the labels, when features and labels fit each other and the head."""
    if features.ndim != 2 or features.shape[1] != head.rows.width or not np.issubdtype(features.dtype, np.floating):
        raise DataError(
            f"Features are numbers (texts, {head.rows.width}) for this head, not {features.dtype} of shape "
            f"{features.shape}: another encoder's?"
        )
    if len(features) != len(labels) or not len(labels):
        raise DataError(f"There are {len(features):,} texts and {len(labels):,} labels: one label a text is needed.")
    for at in range(0, len(features), BLOCK):
        if not np.isfinite(features[at : at + BLOCK]).all():
            raise DataError(f"Features between rows {at} and {at + BLOCK} are not finite: drop or encode them anew.")
    return labels
