"""The skeleton of every page that textaxa writes: head, security policy, stylesheet, script; and its file.

In come a body and a script; out goes one page that asks for nothing outside itself.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path

from textaxa.errors import ConfigError
from textaxa.report._html import Html, element

_HEAD = 1000
"""Characters within which a page names what made it."""


def generator(command: str) -> Html:
    """Give the line by which a page is known as one that may be replaced.

    >>> generator("compare")
    '<meta name="generator" content="textaxa compare">'
    """
    return element("meta", name="generator", content=f"textaxa {command}")


def document(title: str, body: Html, *, command: str, script: str = "") -> str:
    """Give a whole page.

    Its security policy forbids every request, and every script but the one that is given here, known by its hash.

    Parameters
    ----------
    title
        As text.
    body
        What is shown.
    command
        The command that writes it.
    script
        JavaScript that runs when the page is there; it must not hold ``</script``.
    """
    head = [
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        generator(command),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        Html(f"<style>{static('page.css')}</style>"),
    ]
    end = Html(f"<script>{script}</script>\n") if script else Html("")
    shown = "\n".join(head)
    return f'<!doctype html>\n<html lang="en">\n<head>\n{shown}\n</head>\n<body>\n{body}\n{end}</body>\n</html>\n'


@cache
def static(name: str) -> str:
    """Give the text of a file that comes with the package: ``page.css`` or ``report.js``."""
    return (files("textaxa.report") / "static" / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """Forbid what is not in the page. Styles are allowed where they stand, since charts are placed by them."""
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    scripts = f" script-src 'sha256-{known}';" if script else ""
    return f"default-src 'none';{scripts} style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def check_page_file(file: str | Path, *, command: str) -> None:
    """Make sure that a page may be written there: told before the work, not after.

    Raises
    ------
    ConfigError
        Something else is there, or there is no such folder.
    """
    place = Path(file)
    if not place.absolute().parent.is_dir():
        raise ConfigError(f"The page {str(place)!r} cannot be written: there is no folder {str(place.parent)!r}.")
    if place.is_dir() or (place.is_file() and not _is_ours(place, command)):
        raise ConfigError(
            f"{str(place)!r} is there and is not a page of textaxa {command}, so it is left alone. Name another file."
        )


def write_page(page: str, file: str | Path, *, command: str) -> None:
    """Write a page; an earlier one of the same command is replaced.

    Raises
    ------
    ConfigError
        As for `check_page_file`.
    """
    check_page_file(file, command=command)
    place = Path(file)
    fresh = place.with_name(f".{place.name}.new")
    fresh.write_text(page, encoding="utf-8", errors="backslashreplace")
    fresh.replace(place)


def _is_ours(file: Path, command: str) -> bool:
    with file.open(encoding="utf-8", errors="replace") as stream:
        return generator(command) in stream.read(_HEAD)
