"""Explore: search and walk the taxonomy by keyboard, read about a node, follow links; hostile names, 5,000 siblings."""

import re

import pytest
from server.http_service import KEY, threaded
from server.page import PHONE, chromium, expect, opened
from server.page_models import HOSTILE, WIDE, labelled_table, wide_model

browser = pytest.fixture(scope="module")(chromium)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    place = tmp_path_factory.mktemp("explore")
    folder = wide_model(place / "apps")
    with threaded(folder, labelled=labelled_table(place / "labelled.csv")) as running:
        yield running.port


def is_chosen(tab, name):
    """Wait until a node is the one that assistive technology is told of: the page may still have to fetch the way."""
    row = tab.locator(".tree-row.is-chosen", has=tab.get_by_text(name, exact=True))
    row.wait_for()
    expect(tab.locator("[role=tree]")).to_have_attribute("aria-activedescendant", row.get_attribute("id"))


def look_for(tab, words):
    tab.wait_for_selector(".tree-row")
    tab.keyboard.press("/")
    tab.keyboard.type(words)


def has_rows(tab, *names):
    expect(tab.locator(".tree-name")).to_have_text(names)


def test_the_tree_is_walked_by_keys(browser, port):
    with opened(browser, port, "#/explore") as page:
        tab = page.tab
        tab.wait_for_selector(".tree-row")
        has_rows(tab, "Games", "Money", "Hostile", "Wide")
        tab.focus("[role=tree]")
        is_chosen(tab, "Games")
        tab.keyboard.press("ArrowRight")
        tab.wait_for_selector(".tree-name >> text=Cards")
        expect(tab.locator(".is-chosen")).to_have_attribute("aria-expanded", "true")
        tab.keyboard.press("ArrowRight")
        is_chosen(tab, "Sports")
        tab.wait_for_selector("h2 >> text=Sports")
        assert re.search(r"#/explore/\d+$", tab.url)
        tab.keyboard.press("ArrowLeft")
        is_chosen(tab, "Games")
        tab.keyboard.press("ArrowLeft")
        has_rows(tab, "Games", "Money", "Hostile", "Wide")
        tab.keyboard.press("End")
        is_chosen(tab, "Wide")
        tab.keyboard.type("ho")
        is_chosen(tab, "Hostile")
        tab.keyboard.press("Home")
        is_chosen(tab, "Games")
        levels = tab.locator("[role=treeitem]").first
        told = [levels.get_attribute(f"aria-{name}") for name in ("level", "posinset", "setsize")]
        assert told == ["1", "1", "4"]


def test_five_thousand_siblings_draw_few_rows_and_all_can_be_reached(browser, port):
    with opened(browser, port, "#/explore") as page:
        tab = page.tab
        tab.wait_for_selector(".tree-row")
        tab.focus("[role=tree]")
        tab.keyboard.press("End")
        tab.keyboard.press("ArrowRight")
        tab.wait_for_selector("text=Branch 0000")
        assert tab.locator(".tree-row").count() < 80
        tab.keyboard.press("End")
        is_chosen(tab, f"Branch {WIDE - 1}")
        expect(tab.locator(".tree-row.is-chosen")).to_be_visible()
        assert tab.locator(".tree-row").count() < 80
        tab.keyboard.type("Branch 25")
        is_chosen(tab, "Branch 2500")
        tab.wait_for_selector("h2 >> text=Branch 2500")
        tab.keyboard.press("ArrowUp")
        tab.wait_for_selector("h2 >> text=Branch 2499")


def test_a_node_tells_scores_mix_ups_and_examples_and_leads_on(browser, port):
    with opened(browser, port, "#/explore") as page:
        tab = page.tab
        look_for(tab, "cards")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("h2 >> text=Cards")
        tab.wait_for_selector("text=Of 4 texts that belong here, 3 were put here.")
        tab.wait_for_selector("#node-name:focus")
        expect(tab.locator(".scores strong").nth(0)).to_have_text("75 %")
        expect(tab.locator(".scores strong").nth(1)).to_have_text("100 %")
        is_chosen(tab, "Cards")
        examples = tab.locator(".examples li")
        expect(examples).to_have_count(4)
        expect(tab.locator(".examples .is-wrong blockquote")).to_have_text("football club match")
        tab.get_by_label("only those that went wrong").check()
        expect(examples).to_have_count(1)
        tab.get_by_role("link", name="Games › Sports").click()
        tab.wait_for_selector("h2 >> text=Sports")
        is_chosen(tab, "Sports")
        tab.get_by_role("navigation", name="Path").get_by_role("link", name="Games").click()
        tab.wait_for_selector("h2 >> text=Games")
        expect(tab.locator(".numbers dd").first).to_have_text("16")
        below = tab.locator("section:has(#below) .bars a")
        expect(below).to_have_count(2)
        assert sorted(below.all_inner_texts()) == ["Cards", "Sports"]
        tab.go_back()
        tab.wait_for_selector("h2 >> text=Sports")


def test_a_deep_link_opens_the_way_to_its_node(browser, port):
    with opened(browser, port, "#/explore") as page:
        tab = page.tab
        look_for(tab, "branch 4321")
        tab.wait_for_selector("[role=option]")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("h2 >> text=Branch 4321")
        link = tab.url
        tab.goto("about:blank")
        tab.goto(link)
        tab.wait_for_selector("h2 >> text=Branch 4321")
        tab.wait_for_selector(".tree-row.is-chosen")
        is_chosen(tab, "Branch 4321")
        expect(tab.locator(".tree-row.is-chosen")).to_have_attribute("aria-posinset", "4322")


def test_a_node_that_is_not_there_is_told(browser, port):
    with opened(browser, port, "#/explore/999999") as page:
        page.tab.wait_for_selector("[role=alert] >> text=There is no node 999,999")
        assert all("404" in line for line in page.said)
        page.said.clear()
        page.go("#/explore/nonsense")
        page.tab.wait_for_selector(".tree-row")


def test_hostile_names_are_text(browser, port):
    with opened(browser, port, "#/explore") as page:
        tab = page.tab
        look_for(tab, "img")
        tab.wait_for_selector("[role=option]")
        expect(tab.locator(".result-name")).to_have_text(HOSTILE)
        tab.keyboard.press("Enter")
        tab.wait_for_selector("#node-name")
        tab.wait_for_selector(".examples li")
        expect(tab.locator("#node-name")).to_have_text(HOSTILE)
        assert tab.locator("img").count() == 0
        assert tab.title() == "Explore – textaxa"


def test_accessible_in_light_and_dark_and_on_a_phone(browser, port):
    for look in ({}, {"color_scheme": "dark"}, {"size": PHONE}):
        with opened(browser, port, "#/explore", **look) as page:
            tab = page.tab
            tab.wait_for_selector(".tree-row")
            tab.get_by_role("treeitem", name="Games").click()
            tab.wait_for_selector(".scores")
            assert page.axe() == []
            assert not page.is_wider_than_window()
            if look.get("size") == PHONE:
                expect(tab.locator("[role=tree]")).to_be_hidden()
                tab.get_by_role("link", name="All categories").click()
                expect(tab.locator("[role=tree]")).to_be_visible()


def test_without_a_labelled_table_it_says_how_to_get_scores_and_a_key_is_asked_for(browser, tmp_path):
    with (
        threaded(wide_model(tmp_path / "apps"), keys=(KEY,)) as running,
        opened(browser, running.port, "#/explore/0") as page,
    ):
        tab = page.tab
        tab.wait_for_selector("dialog[open]")
        tab.keyboard.type("wrong")
        tab.keyboard.press("Enter")
        tab.wait_for_selector("dialog[open]")
        assert page.axe() == []
        tab.wait_for_selector("text=That key was not accepted.")
        tab.get_by_role("textbox", name="Key").fill(KEY)
        tab.keyboard.press("Enter")
        tab.wait_for_selector("code >> text=textaxa serve MODEL --labelled")
        assert {"401" in line for line in page.said} == {True}
        page.said.clear()
