"""Planted features for the benchmarks of the wide head, and exact search to compare with.

A node has a vector, and a text is the sum of those on its path and noise; a million nodes need no table of vectors.
"""

from pathlib import Path

import numpy as np

from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead

WIDTH = 384
FAN_OUT = 30
NOISES = {"clear": 4.0, "hard": 8.0}
"""Of clear texts about 95 % find their leaf; of hard ones fewer than half at many leaves, and the beam stays full."""
BEAM = 10


class Planted:
    """A taxonomy of about ``leaves`` leaves, with a vector for every node that is computed when it is asked for."""

    def __init__(self, leaves: int, noise: float = NOISES["clear"]) -> None:
        self.noise = noise
        rng = np.random.default_rng(0)
        levels = max(1, round(np.log(leaves) / np.log(FAN_OUT)))
        mean = leaves ** (1 / levels)
        paths: list[tuple[str, ...]] = [()]
        for _ in range(levels):
            # Fan-outs differ by up to a third; the same mean at every level.
            counts = rng.integers(round(mean * 2 / 3), round(mean * 4 / 3) + 1, len(paths))
            if levels == 1 or len(paths) == 1:
                counts[:] = round(mean)
            paths = [(*path, str(i)) for path, n in zip(paths, counts.tolist(), strict=True) for i in range(n)]
        self.taxonomy = Taxonomy.from_paths(paths)
        n = len(self.taxonomy)
        self._low, self._high = (rng.standard_normal((size, WIDTH), dtype=np.float32) for size in (1021, n // 1021 + 1))
        self._high = np.sign(self._high)

    def vectors(self, nodes: np.ndarray) -> np.ndarray:
        return self._low[nodes % 1021] * self._high[nodes // 1021]

    def leaves(self, n: int, seed: int) -> np.ndarray:
        return np.random.default_rng((1, seed)).choice(np.flatnonzero(self.taxonomy.is_leaf), n)

    def features(self, nodes: np.ndarray, seed: int) -> np.ndarray:
        texts = self.noise * np.random.default_rng((2, seed)).standard_normal((len(nodes), WIDTH), dtype=np.float32)
        at = nodes.copy()
        while (rows := np.flatnonzero(at >= 0)).size:
            texts[rows] += self.vectors(at[rows])
            at[rows] = self.taxonomy.parent[at[rows]]
        return texts / np.float32(np.sqrt(self.taxonomy.n_levels + self.noise**2))

    def head(self) -> WideHead:
        head = WideHead.zeros(self.taxonomy, WIDTH)
        scale = np.float32(np.sqrt(self.taxonomy.n_levels + self.noise**2) / self.noise**2)
        for at in range(0, len(head.options), 1 << 16):
            nodes = head.options.node[at : at + (1 << 16)]
            rows = self.vectors(nodes)
            head.rows.values[at : at + len(nodes)] = scale * rows
            head.rows.bias[at : at + len(nodes)] = -0.5 / self.noise**2 * np.square(rows).sum(1)
        return head


class Everything:
    """Finds the most probable terminal of every text by scoring every option; what does not change is computed once."""

    def __init__(self, head: WideHead) -> None:
        options = self._options = head.options
        self._rows, self._bias = head.rows.values, head.rows.bias
        self._sizes = np.diff(options.start)
        above = np.full(options.n_groups, -1)
        above[options.below[options.below >= 0]] = np.flatnonzero(options.below >= 0)
        # Groups come after the options that lead to them, level by level, so that one pass from the top adds all up.
        depth = np.append(0, np.asarray(head.taxonomy.depth))[head.taxonomy.parent[options.node] + 1]
        below_top = (np.flatnonzero(depth == level) for level in range(1, int(depth.max()) + 1))
        self._levels = [(columns, above[options.group[columns]]) for columns in below_top]
        self._inner = np.flatnonzero(options.below >= 0)

    def __call__(self, features: np.ndarray, batch: int = 16) -> np.ndarray:
        found = [self._best(features[at : at + batch]) for at in range(0, len(features), batch)]
        return np.concatenate(found)

    def _best(self, features: np.ndarray) -> np.ndarray:
        start = self._options.start[:-1]
        logits = features @ self._rows.T
        logits += self._bias
        logits -= np.repeat(np.maximum.reduceat(logits, start, axis=1), self._sizes, axis=1)
        sums = np.add.reduceat(np.exp(logits), start, axis=1)
        logits -= np.repeat(np.log(sums), self._sizes, axis=1)
        for columns, above in self._levels:
            logits[:, columns] += logits[:, above]
        logits[:, self._inner] = -np.inf
        return self._options.node[logits.argmax(1)]


def exact(head: WideHead, features: np.ndarray) -> np.ndarray:
    """Give the most probable terminal of every text by scoring every option."""
    return Everything(head)(features)


def resident_mb() -> dict[str, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return {name: int(next(x for x in lines if x.startswith(name)).split()[1]) // 1000 for name in ("VmRSS", "VmHWM")}
