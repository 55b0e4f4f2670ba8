"""Batch: tables of every encoding in, answers out; what comes down is what `textaxa predict` writes."""

import csv
import json

import pytest
from jobs.predicted_apps import linear_model
from server.http_service import threaded
from server.page import PHONE, chromium, expect, opened
from server.page_models import HOSTILE, WORDS, wide_model, write_csv
from server.served_models import with_evidence

from textaxa.decisions import Choice
from textaxa.feedback import read_feedback
from textaxa.jobs.predict import predict

browser = pytest.fixture(scope="module")(chromium)
ALL_WORDS = " ".join(WORDS.values()).split()
AWKWARD = ["plain", 'a "quote"', "two\nlines", "a, comma; more", "", "ü😀", "=1+1", "\u2028", f"{HOSTILE}"]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    place = tmp_path_factory.mktemp("batch")
    folder = wide_model(place / "apps")
    kept = place / "feedback.jsonl"
    with threaded(folder, feedback=kept) as running:
        yield running.port, folder, kept


def table_rows(count):
    words = [" ".join(ALL_WORDS[(i * 7 + k) % 15] for k in range(1 + i % 6)) for i in range(count)]
    texts = ["  " if i % 97 == 5 else f"{words[i]} {i}" for i in range(count)]
    return [("path", "text", "note"), *((str(i), texts[i], AWKWARD[i % len(AWKWARD)]) for i in range(count))]


def choose(tab, file):
    tab.wait_for_selector(".drop")
    tab.set_input_files("input[type=file]", file)


def categorise(tab):
    tab.wait_for_selector(".preview")
    tab.get_by_role("button", name="Categorise").click()
    tab.wait_for_selector("#progress-name >> text=done", timeout=30_000)


def downloaded(tab, name, place):
    with tab.expect_download() as coming:
        tab.get_by_role("button", name=name).click()
    coming.value.save_as(place)
    return coming.value.suggested_filename


def test_five_thousand_rows_come_down_as_predict_writes_them(browser, served, tmp_path):
    port, folder, _ = served
    table = write_csv(tmp_path / "apps.csv", table_rows(5000))
    predict(folder, table, tmp_path / "expected.csv")
    with opened(browser, port, "#/batch") as page:
        choose(page.tab, table)
        categorise(page.tab)
        assert page.tab.locator(".row").count() < 60
        assert downloaded(page.tab, "For programs (CSV)", tmp_path / "got.csv") == "apps.answers.csv"
        assert (tmp_path / "got.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()
        downloaded(page.tab, "For Excel", tmp_path / "excel.csv")
    raw = (tmp_path / "excel.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    with (tmp_path / "excel.csv").open(encoding="utf-8-sig", newline="") as stream:
        sheet = list(csv.DictReader(stream))
    with (tmp_path / "expected.csv").open(encoding="utf-8", newline="") as stream:
        expected = list(csv.DictReader(stream))
    assert [row["path"] for row in sheet] == [row["path"] for row in expected]
    assert {row["note"] for row in sheet} - set(AWKWARD) == {"'=1+1"}


def test_a_promise_several_ranks_and_several_paths_are_written_as_predict_writes_them(browser, tmp_path):
    table = write_csv(tmp_path / "apps.csv", table_rows(120))
    single, several = with_evidence(tmp_path / "single"), linear_model(tmp_path / "several", task="multi")
    ways = {
        "Accuracy": ("0.9", Choice(accuracy=0.9)),
        "Categories per text": ("3", Choice(top=3)),
        None: ("", Choice()),
    }
    with threaded(single) as one, threaded(several) as other:
        for label, (value, choice) in ways.items():
            folder, port = (several, other.port) if label is None else (single, one.port)
            predict(folder, table, tmp_path / "expected.csv", choice=choice, overwrite=True)
            with opened(browser, port, "#/batch") as page:
                choose(page.tab, table)
                if label is not None:
                    page.tab.get_by_label(label).select_option(value)
                categorise(page.tab)
                downloaded(page.tab, "For programs", tmp_path / "got.csv")
            assert (tmp_path / "got.csv").read_text("utf-8") == (tmp_path / "expected.csv").read_text("utf-8"), label


def test_least_sure_first_corrections_by_keys_reach_the_service_and_the_file(browser, served, tmp_path):
    port, _, kept = served
    table = write_csv(tmp_path / "apps.csv", table_rows(200))
    with opened(browser, port, "#/batch") as page:
        tab = page.tab
        choose(tab, table)
        categorise(tab)
        tab.focus("[role=grid]")
        first = tab.locator(".row.is-chosen .row-text").inner_text()
        tab.keyboard.press("c")
        # As fast as one types: no letter is lost, and Enter waits for what was searched.
        tab.keyboard.type("money")
        expect(tab.get_by_label("The right category")).to_have_value("money")
        tab.keyboard.press("Enter")
        tab.wait_for_selector(".row.is-done >> text=corrected")
        second = tab.locator(".row.is-chosen .row-text").inner_text()
        assert second != first
        tab.keyboard.press("y")
        tab.wait_for_selector(".row.is-done >> text=✓ right")
        tab.get_by_label("least sure first", exact=True).check()
        downloaded(tab, "For programs", tmp_path / "got.csv")
    with (tmp_path / "got.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["text"] for row in rows[:2]] == [first, second]
    assert [row["review"] for row in rows[:3]] == ["corrected", "right", ""]
    assert rows[0]["reviewed_path"] == "Money"
    assert rows[1]["reviewed_path"] == rows[1]["path"]
    assert next(iter(rows[0])) == "input_path"
    sure = [float(row["probability"]) for row in rows if row["probability"]]
    assert sure == sorted(sure)
    assert [row["stopped"] for row in rows[-2:]] == ["no text", "no text"]
    said, _ = read_feedback([kept])
    second_path = tuple(rows[1]["path"].split(" > "))
    assert {(one.text, one.paths[0]) for one in said} == {(first, ("Money",)), (second, second_path)}


def test_filters_and_summary_lead_to_rows(browser, served, tmp_path):
    port, _, _ = served
    table = write_csv(tmp_path / "apps.csv", table_rows(300))
    with opened(browser, port, "#/batch") as page:
        tab = page.tab
        choose(tab, table)
        categorise(tab)
        tab.get_by_label("Ends because").select_option("no text")
        tab.wait_for_selector(".filters [role=status] >> text=4 rows")
        tab.get_by_label("Ends because").select_option("")
        counted = tab.locator(".summary .bars li", has=tab.get_by_role("button", name="Hostile", exact=True))
        rows = counted.locator(".count").inner_text().split()[0]
        counted.get_by_role("button", name="Hostile", exact=True).click()
        tab.wait_for_selector(f".filters [role=status] >> text={rows} rows")
        assert all(path.startswith("Hostile") for path in tab.locator(".row-path").all_inner_texts())
        counted.get_by_role("button", name="Categories below Hostile").click()
        tab.get_by_role("button", name="Show all categories").wait_for()
        assert set(tab.locator(".summary .bars").last.locator(".bar-name").all_inner_texts()) <= {HOSTILE, "__proto__"}
        assert tab.locator("img").count() == 0
        tab.get_by_role("button", name="Show all categories").click()
        tab.get_by_label("Contains").fill("__PROTO__")
        tab.wait_for_selector(".row-path >> text=__proto__")


ENCODINGS = [("utf-8-sig", ";"), ("cp1252", ";"), ("utf-16", "\t"), ("utf-8", "|")]


def test_encodings_and_delimiters_are_found(browser, served, tmp_path):
    rows = [("Größe", "text"), ("ü", "Fußball, football"), ("é", "poker; cards\tdeck | x")]
    with opened(browser, served[0], "#/batch") as page:
        tab = page.tab
        for i, (encoding, delimiter) in enumerate(ENCODINGS):
            choose(tab, write_csv(tmp_path / f"{i}.csv", rows, encoding=encoding, delimiter=delimiter))
            tab.wait_for_selector("td >> text=Fußball, football")
            expect(tab.locator("th")).to_have_text(["Größe", "text"])
            assert tab.locator("text=Windows-1252").count() == (encoding == "cp1252")
            assert tab.get_by_label("Cells are separated by a").input_value() == delimiter
            tab.get_by_role("button", name="Another file").click()


BAD_FILES = [
    ("a.csv", b"", "a.csv is empty"),
    ("a.csv", b'id,text\n1,x\n2,"open\nand open', "line 3: a quote"),
    ("a.csv", b"PK\x03\x04rest", "Excel workbook"),
    ("a.csv", b"text\n\x81\x90", "neither UTF-8 nor Western Windows text: line 2"),
    ("a.csv", b"a,b,a\n1,2,3\n", "two columns named"),
    ("a.json", b'[{"text": "x"}]', "one JSON array"),
]


def test_files_that_cannot_be_read_say_why(browser, served, tmp_path):
    with opened(browser, served[0], "#/batch") as page:
        for name, content, told in BAD_FILES:
            (tmp_path / name).write_bytes(content)
            choose(page.tab, tmp_path / name)
            page.tab.wait_for_selector(f"[role=alert] >> text={told}")
        # What was wrong is forgotten with the next file.
        choose(page.tab, write_csv(tmp_path / "good.csv", [("text",), ("football",)]))
        page.tab.wait_for_selector(".preview")


def test_ragged_rows_are_named_by_line_and_left_out(browser, served, tmp_path):
    (tmp_path / "a.csv").write_bytes(b'id,text\n1,football\n2\n"3\n",poker,more\n4,cards\n')
    with opened(browser, served[0], "#/batch") as page:
        choose(page.tab, tmp_path / "a.csv")
        page.tab.wait_for_selector("text=2 rows of the file cannot be read")
        expect(page.tab.locator(".problem li strong")).to_have_text(["Line 3", "Line 4"])
        categorise(page.tab)
        downloaded(page.tab, "For programs", tmp_path / "got.csv")
    rows = list(csv.DictReader((tmp_path / "got.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["id"] for row in rows] == ["1", "4"]


def test_json_lines_come_down_as_json_lines(browser, served, tmp_path):
    port, folder, _ = served
    rows = [{"text": "football club", "n": 1.5, "path": ["a"]}, {"text": "", "more": None}, {"text": "poker deck"}]
    table = tmp_path / "apps.jsonl"
    table.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    predict(folder, table, tmp_path / "expected.jsonl")
    with opened(browser, port, "#/batch") as page:
        choose(page.tab, table)
        categorise(page.tab)
        downloaded(page.tab, "JSON lines", tmp_path / "got.jsonl")
    read = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("got.jsonl", "expected.jsonl")]
    assert list(map(json.loads, read[0])) == list(map(json.loads, read[1]))


def test_a_busy_service_a_pause_and_leaving(browser, served, tmp_path):
    table = write_csv(tmp_path / "apps.csv", table_rows(2000))
    busy = [True] * 3

    def answer(route):
        if busy:
            busy.pop()
            body = json.dumps({"error": {"code": "too_busy", "message": "full"}})
            route.fulfill(status=429, headers={"Retry-After": "0.2"}, content_type="application/json", body=body)
        else:
            route.continue_()

    with opened(browser, served[0], "#/batch") as page:
        tab = page.tab
        tab.route("**/v1/classify", answer)
        choose(tab, table)
        tab.get_by_role("button", name="Categorise").click()
        tab.get_by_role("button", name="Pause").click()
        tab.wait_for_selector("#progress-name >> text=paused")
        asked = []
        tab.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
        with tab.expect_event("dialog"):
            tab.close(run_before_unload=True)
        assert asked == ["beforeunload"]
        tab.get_by_role("link", name="Explore").click()
        tab.wait_for_selector(".tree-row")
        tab.get_by_role("link", name="Batch").click()
        tab.get_by_role("button", name="Go on").click()
        tab.wait_for_selector("#progress-name >> text=done", timeout=30_000)
        expect(tab.locator(".progress-line")).to_contain_text("2,000 of 2,000 rows")
        assert {"429" in line for line in page.said} <= {True}
        page.said.clear()


def test_what_failed_is_tried_again(browser, served, tmp_path):
    table = write_csv(tmp_path / "apps.csv", [("text",), *((f"football {i}",) for i in range(12))])
    broken = [True]

    def answer(route):
        route.abort() if broken else route.continue_()

    with opened(browser, served[0], "#/batch") as page:
        tab = page.tab
        # Waiting between tries is not what is tested.
        tab.add_init_script("const late = setTimeout; window.setTimeout = (f, ms, ...a) => late(f, ms / 50, ...a)")
        tab.reload()
        tab.route("**/v1/classify", answer)
        choose(tab, table)
        tab.get_by_role("button", name="Categorise").click()
        tab.wait_for_selector("#progress-name >> text=some rows failed")
        tab.get_by_text("12 rows have no answer", exact=True).click()
        tab.wait_for_selector("text=Lines 2 to 13: The service cannot be reached.")
        broken.clear()
        tab.get_by_role("button", name="Try 12 failed rows again").click()
        tab.wait_for_selector("#progress-name >> text=: done")
        page.said.clear()


def test_accessible_in_light_and_dark_and_on_a_phone(browser, served, tmp_path):
    table = write_csv(tmp_path / "apps.csv", table_rows(100))
    for look in ({}, {"color_scheme": "dark"}, {"size": PHONE}):
        with opened(browser, served[0], "#/batch", **look) as page:
            tab = page.tab
            choose(tab, table)
            if not look:
                tab.wait_for_selector(".preview")
                assert page.axe() == []
            categorise(tab)
            tab.focus("[role=grid]")
            tab.keyboard.press("c")
            assert page.axe() == []
            assert not page.is_wider_than_window()
