"""The pages, the blocks of code in them, and the script that fills their generated parts."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))}

NOT_RUN = {
    "make demo": "sets up an environment from the network and fine-tunes for minutes; the demo is tested in tests/jobs",
    "make test": "would run this test again",
    'pip install "textaxa[minilm]"': "needs the network",
    'pip install "textaxa[audit]"': "needs the network",
    'pip install "textaxa[export]"': "needs the network",
    'pip install "textaxa[runtime]"': "needs the network",
    'pip install "textaxa[serve]"': "needs the network",
    'pip install "textaxa[tracking]"': "needs the network",
}
"""Lines of bash blocks that no test runs, and why."""

_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its code, and the line of the page on which the code begins."""

    language: str
    code: str
    line: int


def blocks(page: str) -> list[Block]:
    text = PAGES[page].read_text(encoding="utf-8")
    return [
        Block(found["language"], found["code"], text.count("\n", 0, found.start("code")) + 1)
        for found in _BLOCK.finditer(text)
    ]


def without_blocks(page: str) -> str:
    return _BLOCK.sub("", PAGES[page].read_text(encoding="utf-8"))


def generator() -> ModuleType:
    """Import ``docs/generate.py``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
