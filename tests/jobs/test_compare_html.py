"""The page of a comparison, from made-up runs: it stands alone, and shows hostile text as text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from textaxa.config import Config
from textaxa.data import Examples
from textaxa.errors import ConfigError
from textaxa.evaluation import answers_of
from textaxa.jobs.comparison._html import WIDTH, html_page, write_html
from textaxa.jobs.comparison._models import ComparedModel
from textaxa.jobs.comparison._plan import Material
from textaxa.jobs.comparison._result import compared
from textaxa.jobs.comparison._runs import Run
from textaxa.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B",)])
LABELS = [((("A", "X"), ("A", "Y"), ("B",))[i % 3],) for i in range(60)]
HOSTILE = '<script>alert("x")<b>&amp;'


def examples(source="apps.csv"):
    return Examples([f"text {i}" for i in range(60)], LABELS, list(range(60)), source=source)


def run(name, seed, share, seconds):
    generator = np.random.default_rng(seed)
    predicted = [(("B",),) if generator.random() < share else labels for labels in LABELS]
    proba = np.zeros((60, len(TAXONOMY)))
    for row, paths in enumerate(predicted):
        for depth in range(len(paths[0])):
            proba[row, TAXONOMY.index(paths[0][: depth + 1])] = 1
    answers = answers_of(TAXONOMY, LABELS, predicted, proba)
    return Run(name, seed, seconds, 1000 / seconds, 10_000, seconds, False, 3.0, {}, answers)


@pytest.fixture
def comparison():
    names = {"linear": (0.3, 0.5), "chained:feed=true,level_weights=[1,2]": (0.1, 300.0), "flat": (0.32, 280.0)}
    return compared(
        Material(examples(f"/data/{HOSTILE}.csv"), examples(), examples(), TAXONOMY, "single"),
        {name: [run(name, seed, *how) for seed in (0, 1)] for name, how in names.items()},
        models=[ComparedModel(name, Config()) for name in names],
        folders={name: f"compare/models/{name}" for name in names},
        seeds=(0, 1),
        failed={"hiagm-la": HOSTILE},
        left_out={"binary": "other task"},
    )


class Tags(HTMLParser):
    """Gathers tags and text, and makes sure that every tag is closed."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_the_page_stands_alone(comparison):
    page = html_page(comparison)
    found = Tags(page)
    assert {tag for tag, _ in found.tags} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert not [attributes for _, attributes in found.tags if attributes.keys() & {"src", "href", "onload", "style"}]
    assert "http:" not in page
    assert "https:" not in page
    assert "@import" not in page
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    assert page.startswith("<!doctype html>")


def test_hostile_text_is_shown_as_text(comparison):
    page = html_page(comparison)
    assert "<script" not in page
    found = Tags(page)
    assert found.text.count('<script>alert("x")') >= 2, "the source in the title and the heading, and the reason"
    assert "binary was left out: other task" in found.text


def test_the_page_holds_the_numbers_and_the_advice(comparison):
    found = Tags(html_page(comparison))
    assert comparison.recommendation.text.replace("`", "") in found.text
    best, other = comparison.models[0], comparison.models[1]
    assert best.name.startswith("chained")
    assert f"{100 * best.evaluation.path_accuracy:.1f}" in found.text
    assert f"{100 * other.against_best.test.difference:+.1f}" in found.text
    assert f"{other.against_best.p_corrected:.3f}" in found.text
    assert "60 rows to train on" in found.text
    rows = [attributes for tag, attributes in found.tags if tag == "tr"]
    assert len(rows) == 2 * (1 + len(comparison.models))
    assert rows.count({"class": "chosen"}) == 2


def test_the_plot_has_a_dot_a_model_inside_the_picture(comparison):
    page = html_page(comparison)
    dots = {name: (float(x), float(y)) for name, x, y in DOT.findall(page)}
    assert set(dots) == {one.name for one in comparison.models}
    assert all(0 < x < WIDTH for x, _ in dots.values())
    linear, chained = dots["linear"], dots["chained:feed=true,level_weights=[1,2]"]
    assert linear[0] < chained[0], "half a second is left of five minutes"
    assert linear[1] > chained[1], "a better model is higher, and heights count from the top"
    names = sorted(float(y) for y in re.findall(r'y="([\d.]+)">[^<]+</text></g>', page))
    assert min(np.diff(names)) >= 15.9, "names do not lie on each other"


DOT = re.compile(r'<g><title>([^<]+)</title>.*?<circle cx="([\d.]+)" cy="([\d.]+)"', re.DOTALL)


def test_a_single_model_without_spread_can_be_drawn(comparison):
    (one,) = comparison.models[:1]
    for seconds in (0.0, 1.0, 10.0, 86_400.0):
        Tags(html_page(replace(comparison, models=(replace(one, train_seconds=seconds),), failed={}, left_out={})))


def test_only_its_own_page_is_replaced(comparison, tmp_path):
    file = tmp_path / "report.html"
    write_html(comparison, file)
    assert '<meta name="generator" content="textaxa compare">' in file.read_text(encoding="utf-8")
    write_html(comparison, file)
    file.write_text("<html>mine</html>")
    with pytest.raises(ConfigError, match="is not a page of textaxa compare"):
        write_html(comparison, file)
    with pytest.raises(ConfigError, match="there is no folder"):
        write_html(comparison, tmp_path / "nowhere" / "report.html")
    with pytest.raises(ConfigError, match="is not a page"):
        write_html(comparison, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_the_recommendation_of_the_whole(comparison):
    assert comparison.recommendation.model == comparison.models[0].name
    assert comparison.majority == pytest.approx(1 / 3)
    told = comparison.to_dict()
    assert [one["model"] for one in told["models"]] == [one.name for one in comparison.models]
    assert told["models"][0]["against_best"] is None
    assert told["models"][1]["against_best"]["p_corrected"] >= told["models"][1]["against_best"]["p"]
    assert told["models"][0]["intervals"]["path_accuracy"][0] < told["models"][0]["path_accuracy"]
    assert told["failed"] == {"hiagm-la": HOSTILE}
