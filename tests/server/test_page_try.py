"""Try: a text in, its category out; keys alone, hostile names, a service that is busy or gone, a phone."""

import gzip
import os
import re
import subprocess
import sys
import time
from importlib.resources import files

import pytest
from jobs.predicted_apps import WORDS
from server.http_service import KEY, threaded
from server.page import DESKTOP, FRONTEND, PHONE, chromium, expect, opened
from server.page_models import HOSTILE, wide_model
from server.served_models import with_evidence

from textaxa.feedback import open_feedback
from textaxa.linear.model import LinearModel
from textaxa.persistence import save_model
from textaxa.server import _page
from textaxa.taxonomy import Taxonomy

browser = pytest.fixture(scope="module")(chromium)

FOOTBALL = "football club match"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("try")


@pytest.fixture(scope="module")
def running(place):
    with threaded(wide_model(place / "wide"), feedback=place / "corrections.jsonl", max_characters=500) as found:
        yield found


def answered(page, text):
    """Type a text, and wait until its answer is there."""
    page.tab.fill("#text", text)
    page.tab.wait_for_selector(f'.answer[data-text="{text}"]')


def path(page):
    return page.tab.locator("#answer-name .way").inner_text().replace("\xa0", " ")


def kept(place):
    return open_feedback(place / "corrections.jsonl").last(1)[0]


def test_a_text_is_answered_as_one_types_with_a_number_a_level(browser, running):
    with opened(browser, running.port) as page:
        expect(page.tab.locator("#text")).to_be_focused()
        page.tab.keyboard.type(FOOTBALL, delay=15)
        page.tab.wait_for_selector(f'.answer[data-text="{FOOTBALL}"]')
        assert path(page) == "Games › Sports"
        levels = page.tab.locator(".answer-levels li")
        expect(levels).to_have_count(2)
        assert levels.first.inner_text().split("\n")[0] == "Games"
        assert "as exact as it gets" in page.tab.locator(".ends").inner_text()
        expect(page.tab.locator("[role=status].sr-only")).to_have_text(re.compile("^Answer: Games, Sports"))
        page.tab.fill("#text", "   ")
        page.tab.wait_for_selector("text=The answer appears here.")


def test_an_answer_that_is_outdated_is_never_shown(browser, running):
    with opened(browser, running.port) as page:

        def slow(route):
            if FOOTBALL in route.request.post_data:
                time.sleep(0.5)
            route.continue_()

        page.tab.route("**/v1/classify", slow)
        page.tab.fill("#text", FOOTBALL)
        page.tab.wait_for_timeout(230)
        answered(page, "poker cards deck")
        page.tab.wait_for_timeout(600)
        assert path(page) == "Games › Cards"


def test_it_is_corrected_with_two_keys_and_kept(browser, running, place):
    with opened(browser, running.port) as page:
        answered(page, "football cards")
        page.tab.keyboard.press("Escape")
        page.tab.wait_for_selector("#answer-name:focus")
        page.tab.keyboard.press("c")
        page.tab.keyboard.type("mon")
        page.tab.wait_for_selector("[role=option][aria-selected=true] >> text=Money")
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("text=You said: Money.")
        assert kept(place).text == "football cards"
        assert kept(place).paths == (("Money",),)
        assert kept(place).predicted[0] == "Games"
        assert 0 < kept(place).probability <= 1


def test_a_digit_chooses_a_runner_up_and_y_confirms(browser, running, place):
    with opened(browser, running.port) as page:
        answered(page, "football poker match")
        other = page.tab.locator(".others .way").first.inner_text().replace("\xa0", " ").split(" › ")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("1")
        page.tab.wait_for_selector(".said")
        assert kept(place).paths == (tuple(other),)
        answered(page, "bank money")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("y")
        page.tab.wait_for_selector("text=You said that this is right.")
        assert kept(place).paths == (("Money",),)
        page.tab.keyboard.press("t")
        expect(page.tab.locator("#text")).to_be_focused()
        page.tab.keyboard.type("y1c")
        expect(page.tab.locator("#text")).to_have_value("bank moneyy1c")


def test_the_answer_to_another_text_cannot_be_judged(browser, running, place):
    with opened(browser, running.port) as page:
        answered(page, FOOTBALL)
        page.tab.route("**/v1/classify", lambda route: None)  # never answered
        page.tab.fill("#text", "bank money")
        page.tab.wait_for_selector(".answer.is-old")
        before = open_feedback(place / "corrections.jsonl").last(100)
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("y")
        page.tab.wait_for_selector("text=The answer to this text is not there yet.")
        assert open_feedback(place / "corrections.jsonl").last(100) == before


def test_keys_are_listed_and_can_be_switched_off(browser, running):
    with opened(browser, running.port) as page:
        answered(page, FOOTBALL)
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("?")
        page.tab.wait_for_selector("dialog[open] >> text=Single letters are keys")
        page.tab.get_by_label("Single letters are keys").uncheck()
        page.tab.keyboard.press("Escape")
        page.tab.wait_for_selector("dialog", state="detached")
        page.tab.focus("#answer-name")
        page.tab.keyboard.press("c")
        page.tab.wait_for_timeout(100)
        assert page.tab.locator(".picker").count() == 0


def test_words_that_argued_are_marked_by_level(browser, running):
    text = "a football 😀 club for you"
    with opened(browser, running.port) as page:
        answered(page, text)
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("w")
        page.tab.wait_for_selector(".marked mark")
        shown = page.tab.evaluate(
            "(() => { const copy = document.querySelector('.marked').cloneNode(true);"
            " copy.querySelectorAll('.sr-only').forEach((one) => one.remove()); return copy.textContent })()"
        )
        assert shown == text
        marks = page.tab.locator(".marked mark[class^=for]").all_inner_texts()
        assert any("football" in one for one in marks)
        page.tab.get_by_role("group", name="The level to find reasons for").get_by_role("button", name="Games").click()
        page.tab.wait_for_selector("text=Why “Games”")


def test_hostile_names_are_text_and_nothing_runs(browser, running):
    with opened(browser, running.port) as page:
        answered(page, "danger markup script")
        assert path(page) == f"Hostile › {HOSTILE}"
        page.tab.wait_for_selector(".rings canvas")
        page.tab.get_by_role("button", name="Tree").click()
        page.tab.wait_for_selector(f".tree-name >> text={HOSTILE}")
        answered(page, f"{HOSTILE.replace('=', ' ')} prototype object key"[1:].replace(">", ""))
        page.tab.wait_for_selector(".answer-levels li")
        assert page.tab.locator("img").count() == 0
        assert page.tab.title() == "Try – textaxa"


def test_the_tree_is_lit_and_walked_by_keys(browser, running):
    with opened(browser, running.port) as page:
        answered(page, FOOTBALL)
        page.tab.get_by_role("button", name="Tree").focus()
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector(".tree-name >> text=Sports")
        first = page.tab.locator("[role=treeitem]")
        expect(first.nth(0).locator(".tree-name")).to_have_text("Games")
        expect(first.nth(1).locator(".tree-name")).to_have_text("Sports")
        page.tab.focus("[role=tree]")
        page.tab.keyboard.type("wide")
        page.tab.keyboard.press("ArrowRight")
        page.tab.wait_for_selector(".tree-name >> text=Branch 0000")
        page.tab.keyboard.press("End")
        page.tab.wait_for_selector(".is-chosen >> text=more, in Explore")
        assert page.tab.locator(".tree-row").count() < 80


def test_a_busy_service_is_asked_again(browser, running):
    with opened(browser, running.port) as page:
        left = [2]

        def busy(route):
            if left[0]:
                left[0] -= 1
                told = {"error": {"code": "too_busy", "message": "full"}}
                return route.fulfill(status=429, headers={"Retry-After": "1"}, json=told)
            return route.continue_()

        page.tab.route("**/v1/classify", busy)
        page.tab.fill("#text", FOOTBALL)
        page.tab.wait_for_selector("text=The service has much to do.")
        page.tab.wait_for_selector(".answer")
        assert path(page) == "Games › Sports"
        page.said[:] = [line for line in page.said if "429" not in line]


def test_a_service_that_is_gone_is_told_and_the_text_stays(browser, running):
    with opened(browser, running.port) as page:
        answered(page, FOOTBALL)
        page.tab.context.set_offline(True)
        page.tab.fill("#text", "poker cards")
        page.tab.wait_for_selector("[role=alert] >> text=cannot be reached")
        expect(page.tab.locator(".answer")).to_have_count(0)
        assert page.tab.input_value("#text") == "poker cards"
        page.tab.context.set_offline(False)
        page.tab.wait_for_selector('.answer[data-text="poker cards"]')
        expect(page.tab.locator("[role=alert]")).to_have_count(0)
        page.said[:] = [line for line in page.said if "ERR_INTERNET_DISCONNECTED" not in line]


def test_a_text_that_is_too_long_is_not_sent(browser, running):
    with opened(browser, running.port) as page:
        asked = []
        page.tab.on("request", lambda request: asked.append(request.url) if "classify" in request.url else None)
        page.tab.fill("#text", "x" * 501)
        page.tab.wait_for_selector("[role=alert] >> text=at most 500")
        page.tab.wait_for_timeout(300)
        assert asked == []
        answered(page, "😀" * 400)


def test_a_key_is_asked_for_and_a_wrong_one_told(browser, place):
    with threaded(place / "wide", keys=(KEY,)) as found, opened(browser, found.port) as page:
        page.tab.get_by_label("Key", exact=True).fill("wrong-key-of-nobody")
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("text=That key was not accepted.")
        page.tab.get_by_label("Key", exact=True).fill(KEY)
        page.tab.keyboard.press("Enter")
        page.tab.wait_for_selector("dialog", state="detached")
        answered(page, FOOTBALL)
        assert path(page) == "Games › Sports"
        page.said[:] = [line for line in page.said if "401" not in line]


def test_recent_texts_stay_in_the_tab(browser, running):
    with opened(browser, running.port) as page:
        answered(page, FOOTBALL)
        page.tab.wait_for_selector(".recent li")
        page.tab.reload()
        page.tab.locator(".recent li button").click()
        page.tab.wait_for_selector(f'.answer[data-text="{FOOTBALL}"]')
        page.tab.get_by_role("button", name="Forget them").click()
        expect(page.tab.locator(".recent")).to_have_count(0)
        assert page.tab.evaluate("localStorage.length + (JSON.parse(sessionStorage['textaxa-recent']).length)") == 1


def test_a_promise_is_asked_for_where_the_model_can(browser, place):
    with threaded(with_evidence(place / "sure")) as found, opened(browser, found.port) as page:
        answered(page, next(iter(WORDS.values())))
        assert page.tab.locator(".promise-told").count() == 0
        page.tab.get_by_label("Answer only as exactly as the model can promise").check()
        page.tab.wait_for_selector(".promise-told >> text=at least 90% of all answers are right")
        page.tab.get_by_role("slider").press("ArrowLeft")
        page.tab.wait_for_selector(".promise-told >> text=at least 89%")
        # No corrections are kept here, so none are offered.
        assert page.tab.locator("[data-key=c]").count() == 0


def test_several_paths_are_corrected_together(browser, place):
    paths = [("Art",), ("Social", "Chat"), ("Social", "News"), ("Money",)]
    words = dict(
        zip(paths, ("draw comics paint", "talk friends chat", "news press daily", "bank pay note"), strict=True)
    )
    texts = [f"{words[one]} {words[other]}" for one in paths for other in paths]
    labels = [tuple(dict.fromkeys((one, other))) for one in paths for other in paths]
    model = LinearModel.fit(texts * 3, labels * 3, Taxonomy.from_paths(paths), task="multi")
    folder = save_model(model, place / "several")
    with threaded(folder, feedback=place / "several.jsonl") as found, opened(browser, found.port) as page:
        answered(page, "draw comics paint talk friends chat")
        assert page.tab.locator(".answer h3 .way").count() == 2
        page.tab.wait_for_selector("[role=tree]")
        page.tab.keyboard.press("Escape")
        page.tab.keyboard.press("c")
        page.tab.get_by_role("button", name="Leave out Art").click()
        page.tab.get_by_role("button", name="Add one").click()
        page.tab.keyboard.type("money")
        page.tab.wait_for_selector("[role=option] >> text=Money")
        page.tab.keyboard.press("Enter")
        page.tab.get_by_role("button", name="Save").click()
        page.tab.wait_for_selector(".said")
        (one,) = open_feedback(place / "several.jsonl").last(5)
        assert set(one.paths) == {("Social", "Chat"), ("Money",)}


def test_a_table_that_is_dropped_goes_to_batch(browser, running):
    with opened(browser, running.port) as page:
        page.tab.wait_for_selector("text=The answer appears here.")
        page.tab.evaluate(
            "(() => { const files = new DataTransfer(); files.items.add(new File(['text\\nfootball\\n'], 'a.csv'));"
            " const drop = (kind) => document.querySelector('.try').dispatchEvent("
            "new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true}));"
            " drop('dragover'); drop('drop'); })()"
        )
        page.tab.wait_for_url("**/#/batch")
        page.tab.wait_for_selector("text=a.csv")


@pytest.mark.parametrize(("size", "colours"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_it_is_accessible_and_fits(browser, running, size, colours, capsys):
    with opened(browser, running.port, size=size, color_scheme=colours) as page:
        answered(page, f"{FOOTBALL} poker")
        page.tab.wait_for_selector(".rings canvas")
        page.tab.get_by_role("button", name="Show").click()
        page.tab.wait_for_selector(".marked")
        page.tab.wait_for_selector(".recent li")
        assert not page.is_wider_than_window()
        assert page.axe() == []
        page.tab.get_by_role("button", name="Tree").click()
        page.tab.wait_for_selector(".tree-row")
        page.tab.get_by_role("button", name="Correct it").click()
        page.tab.wait_for_selector("[role=option]")
        assert not page.is_wider_than_window()
        assert page.axe() == []
        paint = page.tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    with capsys.disabled():
        sys.stdout.write(f" first contentful paint {paint:.0f} ms ")


def test_the_page_asks_nobody_else(browser, running):
    with opened(browser, running.port) as page:
        asked = []
        page.tab.on("request", lambda request: asked.append(request.url))
        page.tab.reload()
        answered(page, FOOTBALL)
        page.tab.wait_for_selector(".rings canvas")
        assert any(url.endswith("/chart.js") for url in asked)
        assert all(url.startswith(f"http://127.0.0.1:{running.port}/") for url in asked)


def test_files_come_with_their_policy_and_tag(running):
    status, headers, body = running.ask("/")
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "<script src=" in body
    assert running.ask("/", headers={"If-None-Match": headers["ETag"]})[0] == 304
    for address in _page.FILES:
        assert running.ask(f"/{address}")[0] == 200


def test_the_files_are_what_the_sources_build_and_small(tmp_path):
    if not (FRONTEND / "node_modules" / "echarts").is_dir():
        pytest.skip("its packages are not installed: run npm ci in frontend/service")
    command = ["node", "build.mjs"]
    subprocess.run(command, cwd=FRONTEND, env={**os.environ, "OUT": str(tmp_path)}, check=True, capture_output=True)
    static = files("textaxa.server") / "static"
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (static / file.name).read_bytes(), f"{file.name}: run make frontend"
    assert sum(len(gzip.compress(file.read_bytes())) for file in tmp_path.iterdir()) < 1_000_000
