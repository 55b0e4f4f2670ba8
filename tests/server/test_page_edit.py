"""The page's part "Edit" in a real browser: every edit by keyboard, hostile names, two editors, 5,000 categories."""

import re
import shutil

import pytest
from server.http_service import TOKEN, model_folder, threaded
from server.page import PHONE, chromium, expect, opened
from server.page_models import wide_model

from textaxa.persistence import load_model

HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def browser():
    yield from chromium()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def service(trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "apps")
    with threaded(folder, edit=True) as running:
        running_folder = folder
        yield running, running_folder


def tree(seen):
    found = seen.tab.get_by_role("tree", name="Categories, as they will be")
    found.focus()
    return found


def row(seen, name):
    return seen.tab.get_by_role("treeitem").filter(has=seen.tab.get_by_text(name, exact=True))


def go_to(seen, name):
    """Choose a row by typing the beginning of its name."""
    tree(seen)
    seen.tab.keyboard.press("Home")
    seen.tab.keyboard.type(name)
    seen.tab.get_by_role("heading", name=name, exact=True).wait_for()


def edits(seen, count):
    words = "No edits yet" if not count else "1 edit" if count == 1 else f"{count} edits"
    seen.tab.get_by_role("toolbar", name="Draft").get_by_text(words, exact=True).wait_for()


def draft(running):
    return running.ask("/v1/edit")[1 + 1]


def names(running):
    return [node["name"] for node in draft(running)["nodes"]]


def press(seen, *keys):
    for key in keys:
        seen.tab.keyboard.press(key)


def test_every_edit_by_keyboard(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Games")
        press(seen, "F2")
        seen.tab.keyboard.type("Play")
        press(seen, "Enter")
        edits(seen, 1)
        expect(seen.tab.get_by_role("tree")).to_be_focused()  # the keys go on there

        press(seen, "Insert")
        seen.tab.get_by_role("dialog", name="New category").wait_for()
        seen.tab.keyboard.type("Board")
        press(seen, "Tab")
        seen.tab.keyboard.type("chess and draughts")
        press(seen, "Tab", "Tab", "Enter")
        edits(seen, 2)
        seen.tab.get_by_role("heading", name="Board").wait_for()
        expect(seen.tab.get_by_label("What belongs here")).to_have_value("chess and draughts")

        tree(seen)
        press(seen, "Control+x")
        go_to(seen, "Money")
        press(seen, "Control+v")
        edits(seen, 3)
        assert {"Money > Board"} <= {" > ".join(path) for path in paths(running)}

        go_to(seen, "Sports")
        press(seen, "Control+m")
        seen.tab.get_by_role("dialog").wait_for()
        seen.tab.keyboard.type("card")
        press(seen, "Enter")
        edits(seen, 4)
        assert "Sports" not in names(running)

        go_to(seen, "Media")
        press(seen, "Delete")
        seen.tab.get_by_role("dialog", name="Remove “Media”?").wait_for()
        seen.tab.get_by_label("go up to its place").check()
        press(seen, "Enter")
        edits(seen, 5)
        assert ["Photo"] in paths(running)

        tree(seen)
        press(seen, "Control+z")
        edits(seen, 4)
        tree(seen)
        press(seen, "Control+y")
        edits(seen, 5)
    told = draft(running)["sentences"]
    assert told[0] == "Renamed: Games is now called Play"
    assert told[3] == "Merged: Play > Sports into Play > Cards"


def paths(running):
    nodes, found = draft(running)["nodes"], []
    for node in nodes:
        found.append([*(found[node["parent"]] if node["parent"] is not None else []), node["name"]])
    return found


def test_split_order_description_and_ends(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Money")
        seen.tab.get_by_role("button", name="Split …").click()
        seen.tab.get_by_label("New categories, one a line").fill("Banks: accounts and cards\n\nTaxes")
        seen.tab.get_by_label("In its place").check()
        seen.tab.get_by_role("button", name="Split", exact=True).click()
        edits(seen, 1)
        seen.tab.get_by_role("heading", name="Banks").wait_for()
        seen.tab.get_by_label("What belongs here").fill("accounts")
        press(seen, "Control+Enter")
        edits(seen, 2)
        go_to(seen, "Taxes")
        press(seen, "Alt+ArrowUp")
        edits(seen, 3)
        go_to(seen, "Media")
        seen.tab.get_by_label("Texts may end here").click()
        edits(seen, 4)
        seen.tab.get_by_role("tab", name="Edits").click()
        seen.tab.get_by_text("Labels may end at Media").wait_for()
    nodes = [node for node in draft(running)["nodes"] if node["depth"] == 1]
    assert [node["name"] for node in nodes] == ["Games", "Media", "Taxes", "Banks"]
    assert nodes[3]["description"] == "accounts"
    assert nodes[1]["terminal"]


def test_drag_and_drop_moves(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        tree(seen)
        row(seen, "Cards").drag_to(row(seen, "Money"))
        edits(seen, 1)
    assert ["Money", "Cards"] in paths(running)


def test_what_is_refused_is_told_where_one_looks(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Games")
        press(seen, "Insert")
        seen.tab.keyboard.type("Sports")
        press(seen, "Enter")
        seen.tab.get_by_role("dialog").get_by_text("merge the two").wait_for()
        press(seen, "Escape")
        seen.tab.get_by_role("dialog").wait_for(state="hidden")
        tree(seen)
        press(seen, "F2")
        seen.tab.keyboard.type("   ")
        press(seen, "Enter")
        seen.tab.get_by_text("A category needs a name.").wait_for()
        press(seen, "F2", "Escape")
        edits(seen, 0)
        assert [line for line in seen.said if "409" not in line] == []
        seen.said.clear()
    assert draft(running)["revision"] == 0


def test_names_that_are_code_are_only_text(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Money")
        press(seen, "F2")
        seen.tab.keyboard.type(HOSTILE)
        press(seen, "Enter")
        edits(seen, 1)
        row(seen, HOSTILE).wait_for()
        for tab in ("Edits", "What changes", "Save"):
            seen.tab.get_by_role("tab", name=tab).click()
        seen.tab.get_by_role("tab", name="What changes").click()
        seen.tab.get_by_role("cell", name=HOSTILE).first.wait_for()
        tree(seen)
        press(seen, "Delete")
        seen.tab.get_by_role("dialog").wait_for()
        assert seen.tab.locator("img").count() == 0
        assert seen.tab.title() == "Edit – textaxa"


def test_preview_try_save_and_switch(browser, service):
    running, folder = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Sports")
        press(seen, "F2")
        seen.tab.keyboard.type("Athletics")
        press(seen, "Enter")
        edits(seen, 1)
        seen.tab.get_by_role("tab", name="What changes").click()
        seen.tab.get_by_text("Renamed or moved, with all that they learned: Games > Athletics.").wait_for()
        seen.tab.get_by_role("tab", name="Try").click()
        seen.tab.get_by_label("Texts, one a line").fill("football club match\ncards poker deck")
        press(seen, "Control+Enter")
        first = seen.tab.get_by_role("row").filter(has_text="football")
        first.wait_for(timeout=60_000)
        cells = [re.sub(r"\s+", " ", cell) for cell in first.get_by_role("cell").all_inner_texts()]
        assert cells[1].startswith("Games > Sports ")
        assert cells[2].startswith("Games > Athletics ")
        seen.tab.get_by_role("tab", name="Save").click()
        seen.tab.get_by_label("Name of the new version").fill("../evil")
        seen.tab.get_by_role("button", name="Save as a new version").click()
        seen.tab.get_by_role("alert").filter(has_text="is no name for a version").wait_for()
        seen.said.clear()
        seen.tab.get_by_label("Name of the new version").fill("better")
        seen.tab.get_by_label("Let the service answer with it").check()
        seen.tab.get_by_role("button", name="Save as a new version").click()
        seen.tab.get_by_text("The service answers with it now.").wait_for(timeout=60_000)
        edits(seen, 0)
        assert seen.axe() == []
    assert ("Games", "Athletics") in load_model(folder.parent / "better").taxonomy
    assert running.ask("/v1/classify", {"text": "football club match"})[2]["answers"][0]["path"] == "Games > Athletics"


def test_two_editors_see_each_other(browser, service):
    running, _ = service
    with opened(browser, running.port, "#/edit") as seen:
        go_to(seen, "Money")
        other = {"revision": 0, "edit": {"edit": "add", "path": ["Travel"]}}
        assert running.ask("/v1/edit", other)[0] == 200
        press(seen, "F2")
        seen.tab.keyboard.type("Finance")
        press(seen, "Enter")
        seen.tab.get_by_text("Someone else has changed the draft.").wait_for()
        row(seen, "Travel").wait_for()
        assert [line for line in seen.said if "409" not in line] == []
        seen.said.clear()
        go_to(seen, "Money")
        press(seen, "F2")
        seen.tab.keyboard.type("Finance")
        press(seen, "Enter")
        edits(seen, 2)
    assert {"Travel", "Finance"} <= set(names(running))


def test_the_admin_token_is_asked_for(browser, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "apps")
    with threaded(folder, edit=True, admin_token=TOKEN) as running, opened(browser, running.port, "#/edit") as seen:
        seen.tab.get_by_label("Admin token").fill(TOKEN)
        press(seen, "Enter")
        edits(seen, 0)
        assert [line for line in seen.said if "403" not in line] == []
        seen.said.clear()


def test_without_edit_the_part_is_not_offered(browser, trained):
    with threaded(trained) as running, opened(browser, running.port, "") as seen:
        seen.tab.get_by_role("link", name="Explore").wait_for()
        assert seen.tab.get_by_role("link", name="Edit").count() == 0


@pytest.mark.parametrize(("size", "colours"), [((1280, 800), "light"), (PHONE, "dark")])
def test_accessible_and_as_wide_as_the_window(browser, service, size, colours):
    running, _ = service
    with opened(browser, running.port, "#/edit", size=size, color_scheme=colours) as seen:
        go_to(seen, "Games")
        press(seen, "F2")
        assert seen.axe() == []
        press(seen, "Escape")
        for tab in ("Edits", "What changes", "Try", "Save", "Category"):
            seen.tab.get_by_role("tab", name=tab).click()
            assert not seen.is_wider_than_window()
        tree(seen)
        for key in ("Insert", "Delete", "Control+m"):
            press(seen, key)
            seen.tab.get_by_role("dialog").wait_for()
            assert seen.axe() == []
            press(seen, "Escape")


def test_five_thousand_categories(browser, tmp_path):
    folder = wide_model(tmp_path)
    with threaded(folder, edit=True) as running, opened(browser, running.port, "#/edit") as seen:
        tree(seen)
        press(seen, "End")
        assert seen.tab.get_by_role("treeitem").count() < 100, "only rows in sight are drawn"
        press(seen, "F2")
        seen.tab.keyboard.type("The last one")
        press(seen, "Enter")
        edits(seen, 1)
        assert "The last one" in names(running)
        press(seen, "Control+x", "Home")
        press(seen, "Control+m")
        edits(seen, 2)
