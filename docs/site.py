"""Hooks of MkDocs: pages of the repository that do not lie in docs/, and one page of the reference for each room.

README.md becomes the first page; CHANGELOG, CONTRIBUTING, SECURITY, the tables of benchmarks/ and the READMEs of
folders keep their names. Links are turned to where these pages stand; links to files that are no page become plain
text.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ROOT / "src" / "textaxa"
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")

REPOSITORY_PAGES = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie elsewhere, and those of the reference."""
    found = {"index.md": ROOT / "README.md"} | {name: ROOT / name for name in REPOSITORY_PAGES}
    found |= {
        _name(file): file for folder in ("benchmarks", "examples", "src") for file in ROOT.glob(f"{folder}/**/*.md")
    }
    for name, file in found.items():
        if "node_modules" not in file.parts and file.is_file():
            files.append(File.generated(config, name, content=_relinked(file.read_text(encoding="utf-8"), file, name)))
    rooms = _rooms()
    listed = "\n".join(f"- [textaxa.{room}]({room}.md): {about}" for room, about in rooms.items())
    first = (
        "# Python\n\nThe names of `textaxa` itself:\n\n"
        + listed
        + "\n\n::: textaxa\n    options:\n      members: false\n"
    )
    files.append(File.generated(config, "reference/index.md", content=first))
    for room in rooms:
        files.append(
            File.generated(config, f"reference/{room}.md", content=f"# textaxa.{room}\n\n::: textaxa.{room}\n")
        )
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of pages in docs/ that lead out of it."""
    source = page.file.abs_src_path
    if source is None or page.file.generated_by:
        return markdown
    return _relinked(markdown, Path(source), page.file.src_uri)


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix().replace("README.md", "about.md")


def _relinked(text: str, file: Path, name: str) -> str:
    """Turn the links of a page that was written for the repository."""

    def turned(found: re.Match[str]) -> str:
        target, hash_, anchor = found["target"].partition("#")
        if "://" in target or target.startswith("mailto:") or not target:
            return found[0]
        there = (file.parent / target).resolve()
        place = _place(there)
        if place is None:
            return found["text"]
        up = "../" * name.count("/")
        return f"{found['image']}[{found['text']}]({up}{place}{hash_}{anchor})"

    return _LINK.sub(turned, text)


def _place(file: Path) -> str | None:
    """Give where a file of the repository stands on the site."""
    if not file.is_file() or ROOT not in file.parents:
        return None
    inside = file.relative_to(ROOT).as_posix()
    if inside == "README.md":
        return "index.md"
    if inside.startswith("docs/"):
        return inside.removeprefix("docs/")
    if inside in REPOSITORY_PAGES:
        return inside
    if file.suffix == ".md" and inside.split("/")[0] in ("benchmarks", "examples", "src"):
        return _name(file)
    return None


def _rooms() -> dict[str, str]:
    """Give the public rooms with the first sentence of each."""
    found = {}
    for file in sorted([*ROOMS.glob("*/__init__.py"), *ROOMS.glob("[a-z]*.py")]):
        room = file.parent.name if file.name == "__init__.py" else file.stem
        about = re.match(r'"""(.+?)(?:\n\n|""")', file.read_text(encoding="utf-8"), re.DOTALL)
        if about and room not in ("cli", "demo_data"):
            found[room] = " ".join(about[1].split())
    return found
