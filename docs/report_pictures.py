"""Makes the pictures of a report in ``docs/images``, from the packaged app descriptions: `report*.png`.

    python docs/report_pictures.py

A linear model is trained on the training rows, and the report is of the test rows. Needs Chromium, and Pillow, which
makes the files small.
"""

import csv
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from PIL import Image

IMAGES = Path(__file__).parent / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1000

PICTURES = {
    "report.png": ("", 1108),
    "report-branches.png": ("scores", 1180),
    "report-confusions.png": ("confusions", 760),
}
"""By file: the section that the picture begins with, and its height in pixels."""


def main() -> None:
    """Make every picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for split in ("train", "validation", "test"):
            _write_split(folder / f"{split}.csv", split)
        labels = ("--text", "text", "--labels", "category,subcategory")
        _run(folder, "train", "train.csv", "--valid", "validation.csv", *labels, "--head", "linear", "--out", "model")
        _run(folder, "evaluate", "model", "test.csv", "--html", "report.html")
        for file, (section, height) in PICTURES.items():
            _take(folder / "report.html", section, height, IMAGES / file)


def _write_split(file: Path, split: str) -> None:
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(table.splitlines()) if row["split"] == split]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _run(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "textaxa", *arguments]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)  # noqa: S603


def _take(page: Path, section: str, height: int, image: Path) -> None:
    """Take a picture of the top of the page, or of one section of a copy that shows nothing else."""
    shown = page.with_name("shown.html")
    alone = f"header, nav, section:not(#{section}) {{ display: none }}" if section else ""
    shown.write_text(page.read_text(encoding="utf-8").replace("</style>", f"{alone}</style>", 1), encoding="utf-8")
    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    size = (f"--window-size={WIDTH},{height}", "--hide-scrollbars", "--virtual-time-budget=3000")
    command = [browser, "--headless=new", "--no-sandbox", *size, f"--screenshot={image}", shown.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603
    with Image.open(image) as taken:
        taken.convert("RGB").quantize(colors=64, dither=Image.Dither.NONE).save(image, optimize=True)


if __name__ == "__main__":
    main()
