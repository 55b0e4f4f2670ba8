"""How fast the page is there, and how fast it draws an answer; how large its files are.

    python benchmarks/serve/page.py

The page of `textaxa serve`, with the fine-tuned model, in Chromium: first contentful paint of a first visit (nothing in
the browser's cache), and from the moment at which the response is there to the frame that shows the answer. Aims: under
1 s, and under 150 ms. Needs Playwright and Chromium.
"""

import gzip
import shutil
import sys
from importlib.resources import files
from statistics import median
from typing import Any

from _serving import keep, options, percentile, served_model, textaxa_serve, texts_of

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

WATCH = """
window.drawn = [];
const ask = window.fetch;
window.fetch = async (...how) => {
  const answer = await ask(...how);
  if (String(how[0]).endsWith('v1/classify')) {
    await answer.clone().arrayBuffer();
    window.there = performance.now();
  }
  return answer;
};
new MutationObserver(() => {
  const text = document.querySelector('.answer')?.dataset.text;
  if (!text || text === window.last) return;
  window.last = text;
  const there = window.there;
  // The frame after the next one: by then the change has been painted.
  requestAnimationFrame(() => requestAnimationFrame(() => window.drawn.push(performance.now() - there)));
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-text']});
"""
"""Sees from outside what the page does; it changes nothing."""


def main() -> None:
    """Measure, and write the results."""
    found = options(__doc__.splitlines()[0], visits=(int, 15, 3), texts=(int, 60, 5))
    folder = served_model(found.set, found.precision)
    with textaxa_serve(folder, "--quiet") as (port, _):
        paints, drawn = _measured(f"http://127.0.0.1:{port}/", texts_of(found.set, found.texts), found.visits)
    result = {
        "model": folder.name,
        "first_contentful_paint_ms": [round(one, 1) for one in paints],
        "drawn_ms": [round(one, 1) for one in drawn],
        "bytes": _sizes(),
    }
    keep("serve_page", result, _table(result), dry=found.dry)


def _measured(address: str, texts: list[str], visits: int) -> tuple[list[float], list[float]]:
    """Give milliseconds to the first paint of each visit, and from response to drawn answer of each text."""
    from playwright.sync_api import sync_playwright

    program = next((place for name in BROWSERS if (place := shutil.which(name))), None)
    if program is None:
        sys.exit(f"None of {', '.join(BROWSERS)} is installed.")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        paints = [_first_paint(browser, address) for _ in range(visits)]
        drawn = _drawn(browser, address, texts)
        browser.close()
    return paints, drawn


def _first_paint(browser: Any, address: str) -> float:
    held = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = held.new_page()
    tab.goto(address)
    tab.wait_for_selector("#text")
    shown = tab.evaluate(
        "new Promise((give) => requestAnimationFrame(() => requestAnimationFrame(() => give("
        "performance.getEntriesByName('first-contentful-paint')[0].startTime))))"
    )
    held.close()
    return float(shown)


def _drawn(browser: Any, address: str, texts: list[str]) -> list[float]:
    held = browser.new_context(viewport={"width": 1280, "height": 800})
    tab = held.new_page()
    tab.add_init_script(WATCH)
    tab.goto(address)
    tab.wait_for_selector("#text")
    for i, text in enumerate(texts):
        tab.fill("#text", text)
        # Not wait_for_function: it evaluates strings inside the page, which the page's policy forbids.
        while tab.evaluate("window.drawn.length") <= i:
            tab.wait_for_timeout(20)
    found = tab.evaluate("window.drawn")
    held.close()
    return [float(one) for one in found]


def _sizes() -> dict[str, list[int]]:
    """Give the bytes of each file, as it is and compressed."""
    static = files("textaxa.server") / "static"
    bodies = {file.name: file.read_bytes() for file in static.iterdir() if file.is_file()}
    return {name: [len(body), len(gzip.compress(body))] for name, body in sorted(bodies.items())}


def _table(found: dict[str, Any]) -> list[str]:
    paints, drawn = found["first_contentful_paint_ms"], found["drawn_ms"]
    slow = percentile([one / 1000 for one in drawn], 0.95)
    lines = [
        "The page of the service",
        "",
        "| what | median | slowest | aim |",
        "|---|---|---|---|",
        _row(f"first contentful paint, nothing cached ({len(paints)} visits)", paints, "1,000"),
        _row(f"from response to drawn answer ({len(drawn)} texts)", drawn, "150"),
        "",
        f"95 of 100 answers were drawn within {slow:.0f} ms. The first answer "
        "may wait for the script that draws the rings.",
        "",
        "| file | KB | KB compressed |",
        "|---|---|---|",
    ]
    for name, (whole, small) in found["bytes"].items():
        lines.append(f"| {name} | {whole / 1000:.1f} | {small / 1000:.1f} |")
    whole, small = (sum(pair[i] for pair in found["bytes"].values()) for i in (0, 1))
    return [*lines, f"| all | {whole / 1000:.1f} | {small / 1000:.1f} |"]


def _row(what: str, found: list[float], aim: str) -> str:
    return f"| {what} | {median(found):.0f} ms | {max(found):.0f} ms | < {aim} ms |"


if __name__ == "__main__":
    main()
