"""Are explanations faithful? Words that they call strongest are deleted, and the model is asked again.

For every level of the predicted path that has a runner-up among its siblings: by how much do the log-odds of the node
against that runner-up fall when the k words that argued most for it are taken out of the text? Rivals: random words
(mean of 5 draws), plain gradient × input (the slope at the text, times the embeddings or the vector), and leaving out
one word after the other, which asks the model once a word and is the best possible answer for k = 1.

    python benchmarks/decisions/explain.py                     # writes results/explain.md

Finished cells (a data set and a model) lie in ``explain`` under ``$TEXTAXA_RUNS`` and are not measured again.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "accuracy"))

from _corpora import Split, load
from _machine import describe
from _runs import AS_TRAINED, MAX_LENGTH, RESULTS, RUNS, known_vectors, task_of, taxonomy_of

from textaxa.explanation import Explanation, LevelExplanation, Word, explain_many
from textaxa.explanation._explain import _explainer
from textaxa.explanation._targets import Target
from textaxa.explanation._words import Parts, by_word
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.training import train_model

DATA = ("open-apps", "trec")
TEXTS = {"linear": 200, "chained": 50}
"""Test texts, evenly spread; all of them long enough that something is left when three words are deleted."""

WORDS = (1, 3)
DRAWS = 5
LEAST_WORDS = 5
RESAMPLES = 2000
WAYS = ("explain", "gradient × input", "leave one out", "random")


def main() -> None:
    """Measure every cell and write the page."""
    for name in DATA:
        for model in TEXTS:
            measured(name, model)
    page = "\n".join(_page())
    (RESULTS / "explain.md").write_text(page + "\n", encoding="utf-8")
    print(page)


def measured(name: str, head: str) -> dict[str, Any]:
    """Give what came out for a data set and a model, from disk where it was measured before."""
    file = _file(name, head)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        found = _measure(load(name), head)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(found), encoding="utf-8")
        partial.rename(file)
    return json.loads(file.read_text(encoding="utf-8"))


def _file(name: str, head: str) -> Path:
    return RUNS / "explain" / f"{name}-{head}.json"


def _measure(data: Split, head: str) -> dict[str, Any]:
    model = _trained(data, head)
    long = [text for text in data.test[0] if len(text.split()) >= LEAST_WORDS]
    texts = [long[i] for i in np.linspace(0, len(long) - 1, TEXTS[head]).astype(int)]
    began = time.monotonic()
    explanations = explain_many(model, texts)
    seconds = (time.monotonic() - began) / len(texts)
    explainer, rng = _explainer(model, False), np.random.default_rng(0)
    drops: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    errors = [abs(level.error) / max(1, abs(level.score - level.baseline)) for e in explanations for level in e.levels]
    for found in explanations:
        levels = [level for level in found.levels if level.kind == "runner-up"]
        if levels:
            of_levels = [_drops(model, explainer, found, level, rng) for level in levels]
            for way in WAYS:
                drops[way].append(np.mean([one[way] for one in of_levels], axis=0).tolist())
    print(data.name, head, {way: np.mean(of, axis=0).round(2).tolist() for way, of in drops.items()}, flush=True)
    return {"drops": drops, "seconds": seconds, "errors": errors, "machine": describe()}


def _trained(data: Split, head: str) -> Any:
    neural: dict[str, Any] = {
        "encoder": EncoderSettings(frozen=True, max_length=MAX_LENGTH),
        "vectors": known_vectors(data),
    }
    return train_model(
        *data.train,
        taxonomy_of(data),
        task=task_of(data),
        head=head,
        training=TrainingSettings(seed=0, **AS_TRAINED),  # not calibrated: that is what is explained
        valid=data.valid,
        **({} if head == "linear" else neural),
    )


def _drops(
    model: Any, explainer: Any, found: Explanation, level: LevelExplanation, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Give for each way of choosing words the fall of the log-odds when the first k are deleted."""
    target = Target(level.path, model.taxonomy.index(level.path), level.kind, model.taxonomy.index(level.against or ()))
    words = list(level.words)
    alone = _score(model, [_without(found.text, [word]) for word in words], target)
    slopes = by_word(found.text, _gradient_times_input(explainer, found.text, target))[0]
    orders: list[tuple[str, Sequence[int]]] = [
        ("explain", np.argsort([-word.weight for word in words], kind="stable").tolist()),
        ("gradient × input", np.argsort([-word.weight for word in slopes], kind="stable").tolist()),
        ("leave one out", np.argsort(alone, kind="stable").tolist()),
        *(("random", rng.permutation(len(words)).tolist()) for _ in range(DRAWS)),
    ]
    cut = [_without(found.text, [words[i] for i in order[:k]]) for _, order in orders for k in WORDS]
    scores = _score(model, [found.text, *cut], target)
    fallen = (scores[0] - scores[1:]).reshape(len(orders), len(WORDS))
    ways = [way for way, _ in orders]
    return {way: fallen[[i for i, one in enumerate(ways) if one == way]].mean(0).tolist() for way in WAYS}


def _without(text: str, words: Sequence[Word]) -> str:
    for word in sorted(words, key=lambda one: -one.start):
        text = text[: word.start] + text[word.end :]
    return text


def _score(model: Any, texts: Sequence[str], target: Target) -> np.ndarray:
    proba = np.log(np.maximum(model.node_proba(texts).astype(float), 1e-30))
    return proba[:, target.node] - proba[:, target.against]


def _gradient_times_input(explainer: Any, text: str, target: Target) -> Parts:
    """Give the slope at the text times what is there: nothing is integrated."""
    reading = explainer.read(text)
    if hasattr(reading, "margins"):
        _, slope = explainer.scores(explainer.scaled(reading.margins[None]), target)
        values = (
            reading.model.weights.of_features(reading.features.indices, slope[0] * _scale(explainer))
            * reading.features.data
        )
        return reading._grams.shared(reading.features.indices, values)
    return _of_network(reading, target)


def _scale(explainer: Any) -> np.ndarray:
    return explainer.lines.lines[explainer.model.options.level, 0]


def _of_network(reading: Any, target: Target) -> Parts:
    import torch

    from textaxa.explanation._network import _parts, _score_of

    vectors = reading.text.vectors[None].clone().requires_grad_(True)
    reading.model.eval()
    score: Callable[[Any], Any] = _score_of(reading.model.taxonomy, target)
    (slope,) = torch.autograd.grad(score(reading._node_proba(reading.text.features(vectors))).sum(), vectors)
    return _parts(reading.text, (slope * vectors)[0].detach().sum(-1).double().numpy())


def _page() -> list[str]:
    lines = ["# Are explanations faithful?", "", f"Written by `benchmarks/decisions/explain.py`. {describe()}", ""]
    lines += [
        "Fall of the log-odds (nats) of the predicted node against its runner-up when the k words that argue most for",
        f"it are deleted from a test text of at least {LEAST_WORDS} words; mean over texts (levels of a text are",
        "averaged). In brackets: 95 % bootstrap interval of the paired difference to `textaxa explain`. Leaving one",
        "out asks the model once a word and is the best possible for k = 1.",
        "",
    ]
    ways = WAYS[1:]
    lines += [f"| data, model | texts | k | explain | {' | '.join(ways)} |", f"| --- | --: | --: | --: |{' --: |' * 3}"]
    for name in DATA:
        for head in TEXTS:
            found = measured(name, head)
            drops = {way: np.array(found["drops"][way]) for way in WAYS}
            for i, k in enumerate(WORDS):
                own = drops["explain"][:, i]
                cells = [f"{drops[way][:, i].mean():.2f} ({_interval(drops[way][:, i] - own)})" for way in ways]
                lines.append(f"| {name}, {head} | {len(own)} | {k} | **{own.mean():.2f}** | {' | '.join(cells)} |")
    lines += ["", "| data, model | seconds a text | error of the sum, mean | largest |", "| --- | --: | --: | --: |"]
    for name in DATA:
        for head in TEXTS:
            found = measured(name, head)
            errors = np.array(found["errors"])
            told = f"{found['seconds']:.3f} | {100 * errors.mean():.3f} % | {100 * errors.max():.2f} %"
            lines.append(f"| {name}, {head} | {told} |")
    lines += [
        "",
        "`chained` reads the frozen packaged MiniLM, `linear` TF-IDF only. Seconds on one core, beside other work. The",
        "baseline of integrated gradients (padding tokens) was chosen on validation rows of open-apps.",
    ]
    return lines


def _interval(differences: np.ndarray) -> str:
    rng = np.random.default_rng(0)
    means = differences[rng.integers(0, len(differences), (RESAMPLES, len(differences)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{low:+.2f} to {high:+.2f}"


if __name__ == "__main__":
    main()
