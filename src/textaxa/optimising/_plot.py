"""The frontier as a picture: speed to the right, the score upwards; SVG that stands alone."""

import math
from collections.abc import Sequence

from textaxa.optimising._search import Point
from textaxa.report._document import document
from textaxa.report._html import Html, element

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 24, 48
_COLOURS = {"chosen": "#c2410c", "frontier": "#1d4ed8", "other": "#9ca3af"}
_STEPS = (1, 2, 5)
_LINES = 4


def svg(points: Sequence[Point], metric: str) -> str:
    """Give the picture of points as SVG.

    Parameters
    ----------
    points
        All candidates, the given model among them.
    metric
        What the score is called.
    """
    across, up = _Across(points), _Up(points)
    parts = [
        element("rect", width=_WIDTH, height=_HEIGHT, fill="white"),
        *_grid(across, up, metric),
        _frontier(points, across, up),
        *(_dot(point, across, up) for point in points),
    ]
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        width=_WIDTH,
        height=_HEIGHT,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        font_family="system-ui, sans-serif",
        font_size=12,
        role="img",
    )


def page(points: Sequence[Point], metric: str, picture: str) -> str:
    """Give a page with the picture and the table under it."""
    head = ["", metric, "points lost", "95 % interval", "texts/s", "times", "MB", ""]
    rows = [element("tr", (element("td", cell) for cell in cells_of(point))) for point in points]
    table = element("table", element("thead", element("tr", (element("th", one) for one in head))), rows)
    title = "Less work for the same answer"
    body = element("main", element("h1", title), element("figure", Html(picture)), table)
    return document(title, body, command="optimise")


def cells_of(point: Point) -> list[str]:
    """Give what a table shows of a point."""
    given = point.kind == "given"
    mark = "chosen" if point.chosen else "passes" if point.passes and not given else ""
    return [
        point.name,
        f"{100 * point.score:.2f}",
        "" if given else f"{0.0 + point.loss:.2f}",
        "" if given else f"{point.low:.2f} to {point.high:.2f}",
        f"{point.texts_per_second:,.0f}",
        f"{point.times:.1f}",
        f"{point.size / 1e6:.1f}",
        mark,
    ]


class _Across:
    """Texts per second to pixels, on a logarithmic scale."""

    def __init__(self, points: Sequence[Point]) -> None:
        speeds = [point.texts_per_second for point in points]
        self.low, self.high = math.log10(min(speeds) / 1.3), math.log10(max(speeds) * 2)

    def __call__(self, speed: float) -> float:
        share = (math.log10(speed) - self.low) / (self.high - self.low)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def marks(self) -> list[float]:
        """Give round speeds within the picture."""
        tens = range(math.floor(self.low), math.ceil(self.high) + 1)
        return [m * 10.0**ten for ten in tens for m in _STEPS if self.low <= math.log10(m * 10.0**ten) <= self.high]


class _Up:
    """Scores to pixels."""

    def __init__(self, points: Sequence[Point]) -> None:
        scores = [100 * point.score for point in points]
        room = max(0.5, 0.1 * (max(scores) - min(scores)))
        self.low, self.high = min(scores) - room, max(scores) + room

    def __call__(self, score: float) -> float:
        share = (100 * score - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def marks(self) -> list[float]:
        """Give scores, in hundredths, at even distances."""
        return [self.low + (self.high - self.low) * i / _LINES for i in range(_LINES + 1)]


def _grid(across: _Across, up: _Up, metric: str) -> list[Html]:
    found = []
    for speed in across.marks():
        x = across(speed)
        found.append(_line(x, _TOP, x, _HEIGHT - _BOTTOM))
        found.append(_text(f"{speed:,.0f}", x, _HEIGHT - _BOTTOM + 16, anchor="middle"))
    for score in up.marks():
        y = up(score / 100)
        found.append(_line(_LEFT, y, _WIDTH - _RIGHT, y))
        found.append(_text(f"{score:.1f}", _LEFT - 6, y + 4, anchor="end"))
    found.append(_text("texts per second", _WIDTH / 2, _HEIGHT - 10, anchor="middle"))
    return [*found, _text(f"{metric}, %", 8, 14, anchor="start")]


def _frontier(points: Sequence[Point], across: _Across, up: _Up) -> Html:
    best = sorted((point for point in points if point.on_frontier), key=lambda point: point.texts_per_second)
    way = " ".join(f"{across(point.texts_per_second):.1f},{up(point.score):.1f}" for point in best)
    return element("polyline", points=way, fill="none", stroke=_COLOURS["frontier"], stroke_dasharray="4 3")


def _dot(point: Point, across: _Across, up: _Up) -> Html:
    x, y = across(point.texts_per_second), up(point.score)
    kind = "chosen" if point.chosen else "frontier" if point.on_frontier else "other"
    told = f"{point.name}: {100 * point.score:.1f} %, {point.texts_per_second:,.0f} texts/s ({point.times:.1f} times)"
    circle = element(
        "circle", element("title", told), cx=f"{x:.1f}", cy=f"{y:.1f}", r=7 if point.chosen else 4, fill=_COLOURS[kind]
    )
    named = point.chosen or point.on_frontier
    return element("g", circle, _text(point.name, x + 8, y - 7, anchor="start") if named else None)


def _line(x1: float, y1: float, x2: float, y2: float) -> Html:
    return element("line", x1=f"{x1:.1f}", y1=f"{y1:.1f}", x2=f"{x2:.1f}", y2=f"{y2:.1f}", stroke="#e5e7eb")


def _text(text: str, x: float, y: float, *, anchor: str) -> Html:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor, fill="#374151")
