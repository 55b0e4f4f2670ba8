"""The search: candidates are made, measured on rows that chose them and on rows that did not, timed, and one is chosen.

Choosing rows decide what is tried and combined. Proving rows decide nothing but whether a candidate passes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from textaxa.errors import ConfigError
from textaxa.guarantee._control import NEVER, Wanted
from textaxa.optimising._engines import engines
from textaxa.optimising._fast_paths import fast_path, is_proven, joined, pairs, proven_threshold
from textaxa.optimising._layers import layers
from textaxa.optimising._lengths import lengths
from textaxa.optimising._linear import linear
from textaxa.optimising._material import Candidate, Material, Rows, Workshop
from textaxa.optimising._measure import Measured, in_turn, loss_interval, measure, size_of
from textaxa.optimising._static import static
from textaxa.optimising._vocabulary import pruned

Maker = Callable[[Workshop], Iterator[Candidate]]

MAKERS: dict[str, Maker] = {
    "engine": engines,
    "length": lengths,
    "layers": layers,
    "static": static,
    "linear": linear,
}
"""What makes candidates, in the order in which they are made."""

FAST_PATH = "fast-path"

VOCABULARY = "vocabulary"

KINDS = (*MAKERS, FAST_PATH, VOCABULARY)

STANDARD = (*MAKERS, FAST_PATH)
"""What is tried where nothing is said; a smaller vocabulary makes nothing faster, so it has to be asked for."""

QUICK = ("engine", "length", "linear", FAST_PATH)
"""What is tried where nothing may be taught."""

_PAIRS = 6
"""Fast paths that are measured."""

_TIMED = 256
"""Texts that are timed."""

GIVEN = "as it is"


@dataclass(frozen=True)
class Bar:
    """What a candidate must pass.

    Attributes
    ----------
    max_loss
        Points (hundredths) of the score that may be lost.
    confidence
        With which it is proven on the proving rows that no more is lost, in (0, 1). None: what is measured on them, and
        on the choosing rows, must not be more.
    """

    max_loss: float
    confidence: float | None = None

    def wanted(self, tries: int) -> Wanted:
        """Give what is to be proven of each of so many candidates, so that it holds of all of them at once."""
        return Wanted(max(self.max_loss, _LEAST_LOSS) / 100, (1 - (self.confidence or 0.0)) / max(1, tries))

    def told(self) -> dict[str, float | None]:
        """Give what a model's summary keeps of it."""
        return dict(vars(self))


_LEAST_LOSS = 1e-6
"""No finite number of rows proves that nothing is lost."""


@dataclass(frozen=True)
class Point:
    """One candidate, measured.

    Attributes
    ----------
    name, kind, what
        Of the candidate.
    score
        Mean score of the proving rows, in [0, 1]: accuracy of the path; with several paths the mean F1 of rows.
    loss, low, high
        Points lost against the given model on the same rows, and the 95 % interval.
    chosen_on
        Points lost on the choosing rows.
    passes
        Whether it is good enough.
    texts_per_second, times
        Speed, and the ratio to the given model by PyTorch.
    size
        Bytes that prediction reads.
    on_frontier
        No other point is both faster and better.
    chosen
        It is the fastest that passes.
    cheap_share
        Of a fast path: the share of texts that the cheap model answers, on the proving rows.
    """

    name: str
    kind: str
    what: str
    score: float
    loss: float
    low: float
    high: float
    chosen_on: float
    passes: bool
    texts_per_second: float
    times: float
    size: int
    on_frontier: bool = False
    chosen: bool = False
    cheap_share: float | None = None

    def told(self) -> dict[str, Any]:
        """Give what the saved model's summary keeps of it."""
        kept = ("name", "what", "score", "texts_per_second", "times", "cheap_share")
        return {
            **{name: getattr(self, name) for name in kept},
            "loss_points": self.loss,
            "interval": [self.low, self.high],
        }


@dataclass(frozen=True)
class Trial:
    """A candidate with what it answers to both parts of the rows."""

    candidate: Candidate
    choosing: Measured
    proving: Measured


def check_kinds(wanted: tuple[str, ...]) -> None:
    """Refuse names that are no candidates.

    Raises
    ------
    ConfigError
        With the names that are.
    """
    odd = [name for name in wanted if name not in KINDS]
    if odd or not wanted:
        raise ConfigError(f"There is no candidate {', '.join(odd) or 'named'!r}. Name some of: {', '.join(KINDS)}.")


class Search:
    """Candidates of one model, made and measured once, for any number of bars.

    Parameters
    ----------
    material
        The model and the rows that fit and choose.
    proving
        Rows that choose nothing.
    kinds
        What is tried, of `KINDS`.
    max_loss
        Points that may be lost by the engine and the length that other candidates are made with.
    """

    def __init__(self, material: Material, proving: Rows, *, kinds: tuple[str, ...], max_loss: float) -> None:
        self.material, self.proving, self.kinds = material, proving, kinds
        given = Candidate(GIVEN, "given", "the given model by PyTorch", material.model, source=material.model)
        material.tell(f"the given model answers {len(material.choosing) + len(proving):,} validation rows")
        self.base = Trial(given, measure(given.model, material.choosing), measure(given.model, proving))
        if VOCABULARY in kinds:
            texts = [*material.fitting.texts, *material.unlabelled, *material.choosing.texts]
            material = replace(material, model=pruned(material.model, texts))
        tried = _tried(material, self.base, max_loss, kinds)
        self.singles = [self.base, *(Trial(one, found, measure(one.model, proving)) for one, found in tried)]

    def points(self, bar: Bar, *, rounds: int) -> tuple[list[Point], Candidate]:
        """Give all candidates, fastest first, and the fastest that passes: the given model where none does."""
        trials = [*self.singles, *_fast_paths(self.singles, bar, self.kinds)]
        passes = _passing(trials, bar, self.kinds)
        texts = self.proving.texts[:_TIMED]
        self.material.tell(f"timing {len(trials)} ways in turn on {len(texts):,} texts")
        seconds = in_turn([one.candidate.model for one in trials], texts, rounds=rounds)
        able = [i for i in range(1, len(trials)) if passes[i] and seconds[i] < seconds[0]]
        chosen = min(able, key=lambda i: seconds[i]) if able else 0
        points = _points(trials, seconds, passes, chosen, len(texts))
        return sorted(points, key=lambda point: -point.texts_per_second), trials[chosen].candidate


def _tried(
    material: Material, base: Trial, max_loss: float, kinds: tuple[str, ...]
) -> list[tuple[Candidate, Measured]]:
    """Make candidates, those of a kind after those of another; what is good enough is what the next are made with."""
    workshop = Workshop(material)
    found: list[tuple[Candidate, Measured]] = []
    for kind, maker in MAKERS.items():
        if kind not in kinds and not (kind == "linear" and FAST_PATH in kinds):
            continue
        for candidate in maker(workshop):
            answers = measure(candidate.model, material.choosing)
            found.append((candidate, answers))
            rate = len(material.choosing) / answers.seconds
            material.tell(f"{candidate.name}: {100 * answers.mean:.1f} % on choosing rows, about {rate:,.0f} texts/s")
        good = [pair for pair in found if pair[0].kind == kind and _lost(base.choosing, pair[1]) <= max_loss]
        if kind == "engine" and good:
            workshop.fast = _fastest([one for one, _ in good], material.choosing.texts)
            workshop.precision = workshop.fast.name
        if kind == "length" and good:
            workshop.limit = good[-1][0].source.encoder.settings.max_length
    return found


def _fastest(candidates: list[Candidate], texts: list[str]) -> Candidate:
    """Give the fastest of some candidates: all others are made with it, so it is timed with more care than they."""
    times = in_turn([one.model for one in candidates], texts[:_TIMED], rounds=3)
    return candidates[times.index(min(times))]


def _lost(base: Measured, found: Measured) -> float:
    return 100 * (base.mean - found.mean)


def _fast_paths(trials: list[Trial], bar: Bar, kinds: tuple[str, ...]) -> list[Trial]:
    base, rest = trials[0], trials[1:]
    if FAST_PATH not in kinds or base.candidate.model.task == "multi":
        return []
    by_name = {one.candidate.name: one for one in rest}
    best = pairs(
        [(one.candidate, one.choosing) for one in rest], base.choosing.score, max_loss=bar.max_loss / 100, most=_PAIRS
    )
    found = []
    for small, big, hoped in best:
        cheap, strong = by_name[small.name], by_name[big.name]
        threshold = hoped
        if bar.confidence is not None:
            wanted = bar.wanted(_tests(trials, bar, kinds))
            threshold = proven_threshold(base.proving.score, cheap.proving, strong.proving, wanted, task="single")
        if threshold < NEVER:
            both = [
                joined(cheap.choosing, strong.choosing, threshold),
                joined(cheap.proving, strong.proving, threshold),
            ]
            found.append(Trial(fast_path(small, big, threshold), *both))
    return found


def _tests(trials: list[Trial], bar: Bar, kinds: tuple[str, ...]) -> int:
    """Count what is tested on the proving rows: single models that choosing rows let hope for, and fast paths."""
    single = [one for one in trials[1:] if not one.candidate.parts]
    pairs_tested = _PAIRS if FAST_PATH in kinds else 0
    return pairs_tested + sum(_lost(trials[0].choosing, one.choosing) <= bar.max_loss for one in single)


def _passing(trials: list[Trial], bar: Bar, kinds: tuple[str, ...]) -> list[bool]:
    base, rest = trials[0], trials[1:]
    task = base.candidate.model.task
    if bar.confidence is None:
        close = bar.max_loss + 1e-9
        lost = [(_lost(base.choosing, one.choosing), _lost(base.proving, one.proving)) for one in rest]
        return [True, *(max(pair) <= close for pair in lost)]
    wanted = bar.wanted(_tests(trials, bar, kinds))
    return [True, *(_proven(base, one, bar, wanted, task) for one in rest)]


def _proven(base: Trial, one: Trial, bar: Bar, wanted: Wanted, task: str) -> bool:
    hoped = one.candidate.parts is not None or _lost(base.choosing, one.choosing) <= bar.max_loss
    return hoped and is_proven(base.proving.score, one.proving.score, wanted, task=task)


def _points(trials: list[Trial], seconds: list[float], passes: list[bool], chosen: int, n_texts: int) -> list[Point]:
    """Give what is shown of every candidate."""
    base, found = trials[0], []
    for i, (one, took, good) in enumerate(zip(trials, seconds, passes, strict=True)):
        loss, low, high = (100 * value for value in loss_interval(base.proving.score, one.proving.score))
        candidate = one.candidate
        better = [j for j in range(len(trials)) if seconds[j] < took and trials[j].proving.mean >= one.proving.mean]
        found.append(
            Point(
                name=candidate.name,
                kind=candidate.kind,
                what=candidate.what,
                score=one.proving.mean,
                loss=loss,
                low=low if i else 0.0,
                high=high if i else 0.0,
                chosen_on=_lost(base.choosing, one.choosing),
                passes=good,
                texts_per_second=n_texts / took,
                times=seconds[0] / took,
                size=size_of(candidate),
                on_frontier=not better,
                chosen=i == chosen,
                cheap_share=_cheap_share(trials, candidate),
            )
        )
    return found


def _cheap_share(trials: list[Trial], candidate: Candidate) -> float | None:
    if candidate.parts is None or candidate.threshold is None:
        return None
    cheap = next(one for one in trials if one.candidate is candidate.parts[0])
    return float((cheap.proving.confidence >= candidate.threshold).mean())
