"""Draws the plots of docs/ideas.md: coherence, what the child level is fed, and depth that is guaranteed.

    python docs/ideas_plots.py

What comes in: the packaged demo data, on which ``linear`` is trained here (seconds), and ``ablation.md`` and
``heads.md`` as the benchmarks wrote them. What comes out: SVG files in docs/images; the numbers that the page names are
printed.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from plots import _DIFFERENCE, _save, plt, rows_of

from textaxa import HierarchicalTextClassifier
from textaxa.heads.chained import ChainedSettings, true_share

Path = tuple[str, ...]
Rows = tuple[list[str], list[Path]]
FEEDS = {
    "true": "#d6204e",
    "masked 0.5": "#1b7837",
    "scheduled": "#b35806",
    "predicted": "#2166ac",
    "nothing": "#777777",
}
TARGETS = (0.6, 0.7, 0.8, 0.9)
NAMED_FROM = 0.08
"""Boxes that are narrower have no room for a name."""


def demo_rows(split: str) -> Rows:
    """Give texts and paths of a split of the packaged apps."""
    table = (files("textaxa") / "demo_data" / "open-apps.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(table.splitlines()) if row["split"] == split]
    paths = [tuple(filter(None, (row["category"], row["subcategory"]))) for row in rows]
    return [row["text"] for row in rows], paths


def coherence_plot(model: HierarchicalTextClassifier, train: Rows, test: Rows) -> None:
    """Draw the probabilities of one text as boxes in boxes, and how often two models contradict each other."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), width_ratios=(2.6, 1))
    proba = model.predict_proba(test[0])
    place = _doubtful(model, proba)
    _boxes(left, model.classes_, proba[place])
    left.set_title(f"“{test[0][place]}”", fontsize=10)
    deep = [place for place, path in enumerate(test[1]) if len(path) == 2]
    texts = [test[0][place] for place in deep]
    shares = _contradictions(train, texts), 100 * np.mean([path not in model.classes_ for path in model.predict(texts)])
    print(f"contradictions on {len(texts)} test texts: {shares[0]:.1f} %, {shares[1]:.1f} %")  # noqa: T201 - a script
    right.bar(["two models,\none a level", "one coherent\nmodel"], shares, color=["#d6204e", "#1b7837"], width=0.6)
    for bar, height in enumerate(shares):
        right.text(bar, height, f"{height:.0f} %", ha="center", va="bottom")
    right.set_ylabel("test texts whose subcategory\nis not in their category, %")
    figure.tight_layout(w_pad=3)
    _save(figure, "ideas-coherence.svg")


def _doubtful(model: HierarchicalTextClassifier, proba: np.ndarray) -> int:
    """Give the first text whose surest category has between 55 and 65 %: one on which there is something to see."""
    tops = [column for column, path in enumerate(model.classes_) if len(path) == 1]
    surest = proba[:, tops].max(axis=1)
    return int(np.flatnonzero((surest > 0.55) & (surest < 0.65))[0])


def _boxes(axes: plt.Axes, nodes: Sequence[Path], proba: np.ndarray) -> None:
    """Draw every node as wide as it is probable: categories above, what is in them below."""
    value = dict(zip(nodes, proba, strict=True))
    tops = sorted((path for path in nodes if len(path) == 1), key=lambda path: -value[path])
    at = 0.0
    for number, top in enumerate(tops):
        colour = plt.get_cmap("tab20")(2 * number % 20)
        _box(axes, (at, 1.0), value[top], top[-1], colour)
        children = sorted((path for path in nodes if path[:-1] == top), key=lambda path: -value[path])
        inside = at
        for child in children:
            _box(axes, (inside, 0.0), value[child], child[-1], (*colour[:3], 0.45))
            inside += value[child]
        _box(axes, (inside, 0.0), value[top] - sum(value[child] for child in children), "ends here", "#eeeeee")
        at += value[top]
    axes.set(xlim=(0, 1), ylim=(0, 2), yticks=[0.5, 1.5], yticklabels=["subcategory", "category"])
    axes.set_xlabel("probability: children and “ends here” fill their parent, and all categories fill 1")


def _box(axes: plt.Axes, corner: tuple[float, float], width: float, name: str, colour: object) -> None:
    axes.add_patch(plt.Rectangle(corner, width, 1, facecolor=colour, edgecolor="white"))
    if width >= NAMED_FROM:
        told = f"{name.replace(' ', chr(10))}\n{width:.2f}"
        axes.text(corner[0] + width / 2, corner[1] + 0.5, told, ha="center", va="center", fontsize=8)


def _contradictions(train: Rows, texts: list[str]) -> float:
    """Give the share of texts, in %, for which two models, one a level and each trained alone, do not fit together."""
    parent = {path[1]: path[0] for path in train[1] if len(path) == 2}
    deep = [place for place, path in enumerate(train[1]) if len(path) == 2]
    tops = _trained(train[0], [path[:1] for path in train[1]]).predict(texts)
    below = _trained([train[0][place] for place in deep], [train[1][place][1:] for place in deep]).predict(texts)
    return 100 * float(np.mean([parent[child] != top for (top,), (child,) in zip(tops, below, strict=True)]))


def _trained(texts: list[str], paths: list[Path]) -> HierarchicalTextClassifier:
    return HierarchicalTextClassifier(head="linear", valid_share=0.3).fit(texts, paths)


def feeds_plot() -> None:
    """Draw how many rows see the true parent while training goes on, and what each feed changes in the end."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(1, 1.5))
    done = np.linspace(0, 1, 101)
    settings = ChainedSettings()
    shares = {"true": np.ones(101), "masked 0.5": np.full(101, 1 - settings.mask_rate), "predicted": np.zeros(101)}
    shares["scheduled"] = np.array([true_share(x / settings.schedule_share, settings.schedule_curve) for x in done])
    for feed, share in shares.items():
        left.plot(100 * done, 100 * share, color=FEEDS[feed], label=feed, linewidth=2)
    left.set(xlabel="training steps done, %", ylabel="rows whose child level\nsees the true parent, %")
    _differences(right)
    figure.legend(
        *right.get_legend_handles_labels(), loc="lower center", ncols=5, frameon=False, bbox_to_anchor=(0.5, 1)
    )
    figure.tight_layout(w_pad=3)
    _save(figure, "ideas-feed.svg")


def _differences(axes: plt.Axes) -> None:
    """Draw the differences of path accuracy to ``masked``, with their intervals, a group of lines a data set."""
    found: dict[str, dict[str, tuple[float, float, float]]] = defaultdict(dict)
    for row in rows_of("ablation.md", "| data | child level is fed |"):
        difference = _DIFFERENCE.search(row["to masked, equal"])
        if row["level weights"] == "equal" and row["child level is fed"] in FEEDS and difference:
            low, middle, high = float(difference[2]), float(difference[1]), float(difference[3])
            found[row["data"]][row["child level is fed"]] = low, middle, high
    axes.axvline(0, color=FEEDS["masked 0.5"], linewidth=2, label="masked 0.5")
    for place, feeds in enumerate(found.values()):
        for line, (feed, colour) in enumerate((feed, FEEDS[feed]) for feed in FEEDS if feed in feeds):
            low, middle, high = feeds[feed]
            y = -place + 0.27 - 0.18 * line
            axes.plot([low, high], [y, y], color=colour, linewidth=1.4)
            axes.scatter(middle, y, color=colour, s=16, label=feed if place == 0 else None)
    axes.set_yticks([-place for place in range(len(found))], list(found))
    axes.set_xlabel("points of path accuracy against masked (95 % interval)")


def depth_plot(model: HierarchicalTextClassifier, test: Rows) -> None:
    """Draw how deep the answers to the test texts go when more and more of them have to be right."""
    figure, axes = plt.subplots(figsize=(8, 3.4))
    for place, target in enumerate(TARGETS):
        answers = model.predict(test[0], accuracy=target)
        shares = [100 * np.mean([len(answer) == depth for answer in answers]) for depth in (2, 1, 0)]
        given = [(answer, true) for answer, true in zip(answers, test[1], strict=True) if answer]
        right = 100 * np.mean([true[: len(answer)] == answer for answer, true in given])
        print(f"{target:.0%}: {shares[0]:.0f} subcategories, {shares[1]:.0f} categories only, {right:.1f} right")  # noqa: T201
        left = 0.0
        for share, colour in zip(shares, ("#1b7837", "#a6dba0", "#dddddd"), strict=True):
            axes.barh(-place, share, left=left, color=colour, height=0.62)
            axes.text(
                left + share / 2,
                -place,
                f"{share:.0f} %",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if colour == "#1b7837" else "black",
            )
            left += share
        axes.text(102, -place, f"{right:.0f} %", va="center", weight="bold")
    axes.text(102, 0.6, "were right", va="center")
    axes.set_yticks([-place for place in range(len(TARGETS))], [f"{target:.0%} promised" for target in TARGETS])
    axes.set(xlim=(0, 100), xlabel="test texts, %")
    for name, colour in {
        "down to the subcategory": "#1b7837",
        "category only": "#a6dba0",
        "no answer": "#dddddd",
    }.items():
        axes.bar(0, 0, color=colour, label=name)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.06), ncols=3, frameon=False)
    _save(figure, "ideas-depth.svg")


if __name__ == "__main__":
    training, testing = demo_rows("train"), demo_rows("test")
    fitted = _trained(*training)
    coherence_plot(fitted, training, testing)
    feeds_plot()
    depth_plot(fitted, testing)
