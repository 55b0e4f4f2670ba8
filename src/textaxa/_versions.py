"""Versions of what a model is made with, for its summary. Nothing is imported to ask."""

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from textaxa._version import __version__


def versions(*packages: str) -> dict[str, str]:
    """Give the versions of textaxa, Python and those of the packages that are installed.

    Examples
    --------
    >>> sorted(versions("numpy", "no-such-package"))
    ['numpy', 'python', 'textaxa']
    """
    found = {"textaxa": __version__, "python": python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
