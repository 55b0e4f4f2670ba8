"""The page in Chromium, over a service that runs in a thread; what the console says against it is kept."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
FRONTEND = Path(__file__).parents[2] / "frontend" / "service"
AXE = FRONTEND / "node_modules" / "axe-core" / "axe.min.js"

DESKTOP, PHONE = (1280, 800), (360, 740)

TIMEOUT = 20_000
"""Milliseconds that something may take to appear: long, for machines that do other work, too."""


def expect(what: Any) -> Any:
    """Give Playwright's assertions, which wait: what follows on a click or a key is drawn a little later."""
    from playwright import sync_api

    sync_api.expect.set_options(timeout=TIMEOUT)
    return sync_api.expect(what)


def chromium() -> Iterator[Any]:
    """Give a browser, for a fixture of a module; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """A page that is open.

    Attributes
    ----------
    tab
        Playwright's page.
    said
        Errors and warnings of the console, and errors of scripts.
    """

    tab: Any
    address: str
    said: list[str] = field(default_factory=list)

    def go(self, place: str) -> None:
        """Go to a part of the page, such as ``#/explore``."""
        self.tab.goto(f"{self.address}/{place}")

    def axe(self) -> list[str]:
        """Give what an accessibility check finds that is serious; skip where it is not installed."""
        if not AXE.is_file():
            pytest.skip("axe-core is not installed: run npm ci in frontend/service")
        # By the debugger, which the page's policy does not bind; a script tag would be refused.
        self.tab.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]

    def is_wider_than_window(self) -> bool:
        """Whether one would have to scroll sideways."""
        return bool(self.tab.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@contextlib.contextmanager
def opened(
    browser: Any, port: int, place: str = "", *, size: tuple[int, int] = DESKTOP, **context: Any
) -> Iterator[Seen]:
    """Open the page; at the end nothing may have been said against it.

    Parameters
    ----------
    browser
        From `chromium`.
    port
        Of the service.
    place
        A part of the page, such as ``#/explore``.
    size
        Of the window.
    context
        What Playwright's ``new_context`` takes, such as ``color_scheme="dark"``.
    """
    held = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context)
    seen = Seen(held.new_page(), f"http://127.0.0.1:{port}")
    seen.tab.set_default_timeout(TIMEOUT)
    seen.tab.on("console", lambda line: seen.said.append(line.text) if line.type in ("error", "warning") else None)
    seen.tab.on("pageerror", lambda error: seen.said.append(str(error)))
    seen.go(place)
    try:
        yield seen
        assert seen.said == []
    finally:
        held.close()
