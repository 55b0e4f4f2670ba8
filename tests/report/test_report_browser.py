"""The page in a browser, where one is installed: its script runs, and the page's own policy does not stop it."""

import os
import re
import shutil
import subprocess

import pytest
from made_up import BREAKOUT, HOSTILE, HOSTILE_PATHS, material, words_of

from textaxa.report import html_page, payload

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(NAMES)} is installed")


def opened(page, folder, *, fragment=""):
    """Give the document after the script, and what the console said."""
    file = folder / "report.html"
    file.write_text(page, encoding="utf-8", errors="backslashreplace")
    done = subprocess.run(
        [
            BROWSER,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder / 'profile'}",
            "--enable-logging=stderr",
            "--virtual-time-budget=3000",
            "--dump-dom",
            f"{file.as_uri()}{fragment}",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HOME": str(folder)},
    )
    return done.stdout.replace("&nbsp;", "\u00a0"), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_script_draws_every_chart_and_tells_no_error(tmp_path):
    told = payload(material(explain=words_of))
    told["charts"]["coverage"]["start"] = 0
    node = told["branches"]["rows"][0]["node"]
    page, console = opened(html_page(told), tmp_path, fragment=f"#branch-{node}")
    assert console == []
    assert 'data-ready="true"' in page
    assert page.count("<svg") == 2 + len(told["charts"]["reliability"])
    assert "viewBox" in page
    first = told["charts"]["coverage"]["sentences"][0]
    assert re.search(r'id="target-sentence"[^>]*>([^<]*)<', page)[1] == first
    shown = told["charts"]["coverage"]["shown"][0][0]
    assert re.search(r'id="share-number-0"[^>]*>([^<]*)<', page)[1] == f"{shown}\u00a0%"
    assert re.search(rf'<details[^>]*id="branch-{node}"[^>]*open', page), "the link's branch is open"
    assert page.count('class="sort"') > 10


def test_hostile_names_run_nothing(tmp_path):
    texts = [f"{HOSTILE} {BREAKOUT}" for _ in range(60)]
    page, console = opened(
        html_page(payload(material(HOSTILE_PATHS, n=60, skill=0.0, texts=texts, explain=words_of))), tmp_path
    )
    assert console == []
    assert "<img" not in page
    assert 'data-ready="true"' in page
    assert len(re.findall(r"<script", page)) == 2


def test_a_model_of_one_level_and_several_paths_is_drawn(tmp_path):
    page, console = opened(html_page(payload(material([("A",), ("B",)], n=10, task="multi"))), tmp_path)
    assert console == []
    assert 'data-ready="true"' in page
