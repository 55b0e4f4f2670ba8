"""Elements, JSON and the skeleton of pages: whatever text goes in comes out as text."""

import base64
import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textaxa.errors import ConfigError
from textaxa.report import Html, check_page_file, document, element, json_block, write_page

ANY = st.text(st.characters(exclude_categories=("Cs",)))


@given(ANY)
def test_text_is_escaped_wherever_it_goes_in(text):
    page = element("p", text, ["and ", text], title=text)
    assert page.count("<") == 2
    assert page.count(">") == 2
    assert '"' not in page.removeprefix('<p title="').split('">')[0]


def test_only_html_goes_in_as_it_is():
    inside = element("b", "1 < 2")
    assert element("p", inside, "<b>", None, [inside]) == "<p><b>1 &lt; 2</b>&lt;b&gt;<b>1 &lt; 2</b></p>"
    assert isinstance(inside, Html)
    assert element("details", "x", open=True, hidden=False, id=None) == "<details open>x</details>"
    assert element("td", "x", data_sort="", class_="a") == '<td data-sort="" class="a">x</td>'


@given(st.dictionaries(ANY, st.lists(ANY)))
def test_the_data_comes_back_whatever_it_holds(value):
    block = json_block("data", value)
    inside = block.removeprefix('<script type="application/json" id="data">').removesuffix("</script>")
    assert json.loads(inside) == value
    assert not set(inside) & set("<>&\u2028\u2029")


def test_the_data_has_no_number_that_json_lacks():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_block("data", {"value": float("nan")})


def test_the_policy_lets_only_the_pages_own_script_run():
    page = document("a <title>", element("p", "x"), command="evaluate", script="let a = 1 < 2;")
    known = base64.b64encode(hashlib.sha256(b"let a = 1 < 2;").digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{known}';" in policy
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")
    assert "<script>let a = 1 < 2;</script>" in page
    assert "<title>a &lt;title&gt;</title>" in page
    without = document("t", element("p", "x"), command="compare")
    assert "script" not in without


def test_only_its_own_page_is_replaced(tmp_path):
    file = tmp_path / "report.html"
    page = document("t", element("p", "x"), command="evaluate")
    write_page(page, file, command="evaluate")
    write_page(page, file, command="evaluate")
    assert file.read_text(encoding="utf-8") == page
    with pytest.raises(ConfigError, match="is not a page of textaxa compare"):
        check_page_file(file, command="compare")
    file.write_text("mine")
    with pytest.raises(ConfigError, match="is not a page of textaxa evaluate"):
        write_page(page, file, command="evaluate")
    assert file.read_text() == "mine"
    with pytest.raises(ConfigError, match="there is no folder"):
        check_page_file(tmp_path / "nowhere" / "report.html", command="evaluate")
    with pytest.raises(ConfigError, match="is not a page"):
        check_page_file(tmp_path, command="evaluate")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_half_a_pair_of_surrogates_is_written_all_the_same(tmp_path):
    file = tmp_path / "report.html"
    write_page(document("t", json_block("data", {"a": "\ud800"}), command="evaluate"), file, command="evaluate")
    inside = re.search(r'id="data">(.*?)</script>', file.read_text(encoding="utf-8"))
    assert json.loads(inside[1]) == {"a": "\ud800"}
