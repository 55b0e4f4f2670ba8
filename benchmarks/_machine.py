"""Date, machine and versions, for the head of a results file."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def describe() -> str:
    """Give one line: date, processor, cores, versions of what was measured."""
    found = {}
    for name in ("textaxa", "torch", "transformers", "scikit-learn", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    versions = ", ".join(f"{name} {number}" for name, number in found.items())
    today = datetime.now(UTC).date().isoformat()
    return f"{today}; {processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}."


def processor() -> str:
    """Give the processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.is_file() else ():
        if line.startswith("model name"):
            return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()
