"""What the accuracy benchmarks share: hits of predicted paths, means over seeds, differences with intervals."""

from collections.abc import Sequence

import numpy as np

RESAMPLES = 2000


def hits(found: Sequence, labels: Sequence) -> dict[str, np.ndarray]:
    """Mark for each text whether its major and its whole path are right, as int (B,)."""
    true = [paths[0] for paths in labels]
    pairs = [(tuple(a), tuple(b)) for a, b in zip(found, true, strict=True)]
    return {
        "major": np.array([int(a[:1] == b[:1]) for a, b in pairs]),
        "path": np.array([int(a == b) for a, b in pairs]),
    }


def mean_and_deviation(found: np.ndarray) -> str:
    """Write hits (seeds, B) as a percentage, with the standard deviation over seeds where there are several."""
    means = 100 * found.mean(1)
    return f"{means.mean():.1f}" + (f" ± {means.std(ddof=1):.1f}" if len(means) > 1 else "")


def gap(ours: np.ndarray, theirs: np.ndarray) -> str:
    """Write the difference of two systems' hits (seeds, B) in points, with the 95 % interval over texts and seeds."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(RESAMPLES):
        texts = rng.integers(0, ours.shape[1], ours.shape[1])
        sides = [side[rng.integers(0, len(side), len(side))][:, texts].mean() for side in (ours, theirs)]
        draws.append(sides[0] - sides[1])
    low, high = 100 * np.percentile(draws, [2.5, 97.5])
    return f"{100 * (ours.mean() - theirs.mean()):+.1f} ({low:+.1f} to {high:+.1f})"
