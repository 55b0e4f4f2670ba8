"""Makes the picture of the page in ``docs/images``, from the packaged app descriptions: `page.png`.

    python docs/page_pictures.py

A linear model is trained on the training rows, served, and a text is tried. Needs Playwright, Chromium, and Pillow,
which makes the file small.
"""

import csv
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

IMAGE = Path(__file__).parent / "images" / "page.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = {"width": 1280, "height": 1140}
TEXT = (
    "Keep your notes encrypted on all of your devices. Markdown, tags, full text search and reminders; synchronises "
    "with your own server."
)


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split in ("train", "validation"):
            _write_split(folder / f"{split}.csv", split)
        labels = ("--text", "text", "--labels", "category,subcategory")
        train = ("train", "train.csv", "--valid", "validation.csv", *labels, "--head", "linear", "--out", "apps")
        subprocess.run(_command(*train), cwd=folder, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
        with _served(folder) as address:
            _take(address)


def _write_split(file: Path, split: str) -> None:
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(table.splitlines()) if row["split"] == split]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "textaxa", *arguments]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    serve = _command("serve", "apps", "--port", str(port), "--feedback", "corrections.jsonl", "--quiet")
    running = subprocess.Popen(serve, cwd=folder)  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address)
        yield address
    finally:
        running.terminate()
        running.wait()


def _wait(address: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/health/ready", timeout=2).close()  # noqa: S310 -- the scheme is ours
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"{address} does not answer.")


def _take(address: str) -> None:
    program = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE)
        tab.goto(address)
        tab.fill("#text", TEXT)
        tab.wait_for_selector(".rings canvas")
        tab.get_by_role("button", name="Show").click()
        tab.wait_for_selector(".marked")
        tab.wait_for_selector(".recent li")
        tab.screenshot(path=IMAGE)
        browser.close()
    with Image.open(IMAGE) as taken:
        taken.convert("RGB").quantize(colors=96, dither=Image.Dither.NONE).save(IMAGE, optimize=True)


if __name__ == "__main__":
    main()
