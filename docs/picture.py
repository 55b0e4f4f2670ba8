"""Makes ``docs/images/demo.svg``, the picture in the README, from a real run of ``textaxa demo --frozen``.

    python docs/picture.py

What goes in: the command's output, colours and all. What comes out: an SVG without outside references, so that it looks
the same wherever it is shown.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

IMAGE = Path(__file__).parent / "images" / "demo.svg"
TYPED = "Online football game: build your club, play league matches against friends"
COMMAND = f"$ echo '{TYPED}' | textaxa demo --frozen"

WIDTH = 120
"""What the command line takes where there is no terminal."""

_WEB_FONT = re.compile(r"@font-face\s*\{[^}]*\}\s*")


def output_of_demo() -> str:
    """Run the demo in a temporary folder and give what it wrote, with its colours."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "textaxa", "demo", "--frozen", "--quiet", "--out", "demo-model"],
            cwd=folder,
            input=TYPED + "\n",
            env={**os.environ, "FORCE_COLOR": "1"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return done.stdout


def picture(output: str) -> str:
    """Draw the output of a terminal as SVG."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(Text(COMMAND, style="bold"))
        for line in output.splitlines():
            console.print(Text.from_ansi(line.rstrip()), soft_wrap=True)
        drawn = console.export_svg(title="textaxa demo", theme=MONOKAI, unique_id="textaxa-demo")
    return _WEB_FONT.sub("", drawn).replace("font-family: Fira Code, monospace", "font-family: monospace")


if __name__ == "__main__":
    IMAGE.parent.mkdir(exist_ok=True)
    IMAGE.write_text(picture(output_of_demo()), encoding="utf-8")
