"""The documentation as pages: built without a warning, asks nothing of other hosts, and leaves no page out."""

import os
import re
import subprocess
import sys

import pytest
from pages import PAGES, ROOT

pytest.importorskip("material", reason="the extra docs is not installed")
pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    place = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(place)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return place


def test_every_page_is_there_and_can_be_reached(site):
    home = (site / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        if page.startswith("docs/"):
            name = page.removeprefix("docs/").replace(".md", ".html")
            assert (site / name).is_file()
            assert f'href="{name}"' in home, f"{page} is not in the nav of mkdocs.yml"


def test_nothing_is_asked_of_other_hosts(site):
    asked = re.compile(
        r"<(?:script|img|iframe)[^>]+src=[\"']?https?:|<link[^>]+rel=[\"']?(?:stylesheet|preload)[^>]+https?:"
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    assert [page.name for page in pages if asked.search(page.read_text(encoding="utf-8"))] == []


def test_links_out_of_the_folder_are_turned(site):
    page = (site / "performance.html").read_text(encoding="utf-8")
    assert 'href="benchmarks/results/where_time_goes.html"' in page
    assert (site / "benchmarks/results/heads.html").is_file()


def test_the_reference_has_docstrings(site):
    page = (site / "reference/taxonomy.html").read_text(encoding="utf-8")
    assert "from_paths" in page
    assert "Raises" in page
