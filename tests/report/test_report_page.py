"""The page: it stands alone, shows hostile text as text, says everything without its script, and stays small."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest
from made_up import BREAKOUT, HOSTILE, HOSTILE_PATHS, PATHS, UNEVEN, material, words_of

from textaxa.report import html_page, payload

HEADINGS = [
    "Coverage against accuracy",
    "Where it is right",
    "Do the probabilities mean what they say?",
    "Worst confusions",
    "Rare categories",
    "Labels to check",
    "What to do next",
    "How this was made",
]
VOID = {"meta", "br", "input"}


class Page(HTMLParser):
    """Gathers tags and text, and makes sure that every tag is closed in its turn."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.text, self.scripts, self.headings = [], [], "", [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.scripts.append(data)
        elif inside != "style":
            self.text += data
        if inside == "h2":
            self.headings.append(data)


def page_of(*args, **more):
    told = payload(material(*args, **more))
    return told, html_page(told)


@pytest.fixture(scope="module")
def both():
    return page_of(explain=words_of)


def test_the_page_asks_for_nothing_outside_itself(both):
    page = Page(both[1])
    assert {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "form", "base", "embed"} == set()
    for tag, attributes in page.tags:
        assert not attributes.keys() & {"src", "srcset", "action", "background", "data"}, tag
        assert not [name for name in attributes if name.startswith("on")], "no inline handlers: the policy forbids them"
        assert attributes.get("href", "#").startswith("#")
        assert "url(" not in attributes.get("style", "")
    style = re.search(r"<style>(.*?)</style>", both[1], re.DOTALL)[1]
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style
    script = page.scripts[-1]
    for way in ("fetch(", "XMLHttpRequest", "sendBeacon", "WebSocket", "importScripts", "import(", "eval("):
        assert way not in script, way


def test_the_json_in_the_page_is_the_payload(both):
    told, page = both
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page, re.DOTALL)[1]
    assert json.loads(found) == json.loads(json.dumps(told))


def test_sections_stand_in_their_order(both):
    told, page = both
    found = Page(page)
    assert found.headings == HEADINGS
    places = [attributes["href"][1:] for tag, attributes in found.tags if tag == "a"]
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert set(places) <= set(ids)
    assert len(ids) == len(set(ids))
    assert found.text.index(told["coverage"]["headline"]["sentence"]) < found.text.index(HEADINGS[0])


def test_the_page_says_its_numbers_without_a_script(both):
    told, page = both
    text = Page(page).text
    for level in told["levels"]:
        assert f"{100 * level['accuracy']['value']:.1f}" in text
    for branch in told["branches"]["rows"]:
        assert branch["name"] in text
        assert f"{100 * branch['f1']:.1f}" in text
    for step in told["advice"]["steps"]:
        assert step["why"] in text
    for pair in told["confusions"]["pairs"]:
        assert pair["true"] in text
    assert f"{100 * told['reliability']['levels'][0]['after']['ece']:.1f}" in text


def test_tables_and_charts_can_be_read_aloud(both):
    tags = Page(both[1]).tags
    count = {name: sum(tag == name for tag, _ in tags) for name in ("table", "caption", "thead", "main", "h1", "nav")}
    assert count["table"] == count["caption"] == count["thead"] > 8
    assert (count["main"], count["h1"], count["nav"]) == (1, 1, 1)
    assert {attributes["scope"] for tag, attributes in tags if tag == "th"} == {"col", "row"}
    charts = [attributes for _, attributes in tags if "chart" in (attributes.get("class") or "").split()]
    assert len(charts) == 2 + 3, "shares, tree map, a diagram for each of three levels"
    assert {chart["role"] for chart in charts} == {"img"}
    assert all(re.search("tables? below", chart["aria-label"]) for chart in charts)
    (slider,) = [attributes for tag, attributes in tags if tag == "input"]
    assert ("label", {"for": slider["id"]}) in tags


@pytest.mark.parametrize("task", ["single", "multi"])
def test_hostile_names_and_texts_are_shown_as_text(task):
    texts = [f"{HOSTILE} {BREAKOUT} نص {i}" for i in range(80)]
    told, page = page_of(
        HOSTILE_PATHS,
        n=80,
        skill=0.0,
        task=task,
        texts=texts,
        explain=words_of,
        facts={HOSTILE: {BREAKOUT: HOSTILE}},
    )
    found = Page(page)
    assert "img" not in {tag for tag, _ in found.tags}
    assert len(found.scripts) == 2, "the data and the page's own script"
    assert page.count("alert(2)</script>") == 0
    assert HOSTILE in found.text
    assert any(attributes.get("dir") == "auto" for tag, attributes in found.tags if tag == "p")
    assert told["charts"]["tiles"]


@pytest.mark.parametrize(
    ("paths", "n", "task"),
    [
        (PATHS, 10, "single"),
        (PATHS, 1, "single"),
        (UNEVEN, 60, "multi"),
        (PATHS, 5, "multi"),
        ([("A",), ("B",)], 40, "single"),
        ([("A",)], 12, "single"),
        ([("A",)], 12, "multi"),
        ([tuple("abcdefg"[: i + 1]) for i in range(7)], 50, "single"),
    ],
)
def test_every_kind_of_model_has_a_page(paths, n, task):
    _, page = page_of(paths, n=n, task=task)
    found = Page(page)
    assert found.headings == HEADINGS
    assert ("That is few" in found.text) == (n < 100)
    if task == "multi":
        assert "A text may have several paths" in found.text
    assert "nan" not in found.text.lower().split()


def test_without_training_rows_the_section_and_its_link_are_gone():
    _, page = page_of(PATHS, n=40, counts=())
    found = Page(page)
    assert [name for name in HEADINGS if name != "Rare categories"] == found.headings
    assert "#rare" not in [attributes.get("href") for _, attributes in found.tags]


def test_long_texts_and_names_make_no_long_page():
    long = "a" * 100_000
    paths = [(long, "x"), (long, "y"), ("B" * 5000,)]
    _, page = page_of(paths, n=60, skill=0.0, texts=[long] * 60, explain=words_of)
    assert len(page) < 1_000_000


def test_before_and_after_calibration_stand_side_by_side():
    made = material(PATHS)
    page = Page(html_page(payload(dataclasses.replace(made, uncalibrated=made.node_proba**0.5))))
    assert "Before (diamonds, dashed)" in page.text
    assert "Before, corrected" in page.text


def test_a_sample_is_told():
    _, page = page_of(PATHS, n=120, total_rows=50_000)
    assert "They are a random sample of 50,000 rows." in Page(page).text
