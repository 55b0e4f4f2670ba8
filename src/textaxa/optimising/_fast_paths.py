"""Two models, of which the cheap one answers where it is sure enough: from which confidence on that costs too little.

Choosing rows pair the models and set the threshold. Where a confidence is asked for, other rows then set it, by
fixed-sequence testing: thresholds are tested from the top down, each with the exact binomial test, until one fails.
"""

from collections.abc import Sequence

import numpy as np

from textaxa.fast_path import FastPathModel
from textaxa.guarantee._control import NEVER, Walk, Wanted, lowest_safe
from textaxa.optimising._material import Candidate
from textaxa.optimising._measure import Floats, Measured

_LEAST_SHARE = 0.05
"""A cheap model that answers fewer of the texts than this is not worth a second model."""


_CHEAPER = 0.6
"""A cheap model that takes a larger share of the time of the strong one saves next to nothing."""


def joined(cheap: Measured, strong: Measured, threshold: float) -> Measured:
    """Give what a fast path of two models answers, from what each of them answered to the same rows."""
    sure = cheap.confidence >= threshold
    share = float((~sure).mean())
    return Measured(
        np.where(sure, cheap.score, strong.score),
        np.where(sure, cheap.confidence, strong.confidence),
        cheap.seconds + share * strong.seconds,
    )


def net_threshold(base: Floats, cheap: Measured, strong: Measured, max_loss: float) -> float:
    """Give the lowest threshold down to which no more is lost than allowed, what is gained counted against it.

    Parameters
    ----------
    base
        Scores of the given model on the rows, (B,).
    cheap, strong
        What the two models answer to them.
    max_loss
        The mean score that may be lost, in [0, 1].

    Returns
    -------
    The threshold; infinite where even the surest text may not be answered cheaply.
    """
    order = np.argsort(-cheap.confidence, kind="stable")
    confidence = cheap.confidence[order]
    already = float((base - strong.score).sum())
    lost = already + np.cumsum((strong.score - cheap.score)[order])
    last = np.append(confidence[1:] != confidence[:-1], True)
    failed = last & (lost > max_loss * len(base) + 1e-9)
    end = int(np.argmax(failed)) if failed.any() else len(order)
    passed = np.flatnonzero(last[:end])
    return float(confidence[passed[-1]]) if len(passed) else NEVER


def proven_threshold(base: Floats, cheap: Measured, strong: Measured, wanted: Wanted, *, task: str) -> float:
    """Give the lowest threshold at which it is proven that no more is lost than allowed; gains count nothing.

    Source: fixed-sequence testing of Angelopoulos et al., Learn then Test (2021), with the test of Clopper & Pearson.

    Parameters
    ----------
    base, cheap, strong
        As in `net_threshold`, of rows that chose nothing.
    wanted
        The loss that is allowed, and the error of the test.
    task
        ``single``: scores are 0 or 1.
    """
    order = np.argsort(-cheap.confidence, kind="stable")
    confidence, cheaply = cheap.confidence[order], np.maximum(base - cheap.score, 0)[order]
    otherwise = np.maximum(base - strong.score, 0)[order]
    lost = otherwise.sum() + np.cumsum(cheaply - otherwise)
    last = np.append(confidence[1:] != confidence[:-1], True)
    # Before the first threshold no text is answered cheaply: the walk begins there, whatever the rows are.
    thresholds = np.append(NEVER, confidence[last])
    losses = np.append(otherwise.sum(), np.maximum(lost[last], 0))
    rows = np.full(len(thresholds), len(base), dtype=np.int64)
    threshold, _ = lowest_safe(Walk(thresholds, rows, losses, task), NEVER, wanted)
    return threshold


def is_proven(base: Floats, found: Floats, wanted: Wanted, *, task: str) -> bool:
    """Tell whether rows prove that no more is lost than allowed; gains count nothing."""
    lost = np.array([np.maximum(base - found, 0).sum()])
    return bool(wanted.p_values(lost, np.array([len(base)]), task=task)[0] <= wanted.error)


def pairs(
    tried: Sequence[tuple[Candidate, Measured]],
    base: Floats,
    *,
    max_loss: float,
    most: int,
) -> list[tuple[Candidate, Candidate, float]]:
    """Pair a cheap with a strong model; give the pairs that promise to be fastest, with their thresholds.

    Parameters
    ----------
    tried
        Candidates with what they answer to the choosing rows.
    base
        Scores of the given model on these.
    max_loss
        The mean score that may be lost on them, in [0, 1].
    most
        How many pairs.
    """
    found = []
    for small, of_small in tried:
        for big, of_big in tried:
            if of_small.seconds > _CHEAPER * of_big.seconds:
                continue
            threshold = net_threshold(base, of_small, of_big, max_loss)
            if _LEAST_SHARE <= float((of_small.confidence >= threshold).mean()) < 1:
                found.append((joined(of_small, of_big, threshold).seconds, small, big, threshold))
    found.sort(key=lambda one: one[0])
    return [(small, big, threshold) for _, small, big, threshold in found[:most]]


def fast_path(cheap: Candidate, strong: Candidate, threshold: float) -> Candidate:
    """Put two candidates together."""
    return Candidate(
        f"{cheap.name} > {strong.name}",
        "fast-path",
        f"{cheap.name} answers from {min(threshold, 1):.3f} on, {strong.name} the rest",
        FastPathModel(cheap.model, strong.model, min(threshold, 1.0)),
        parts=(cheap, strong),
        threshold=threshold,
    )
