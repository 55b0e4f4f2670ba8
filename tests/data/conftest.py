from collections.abc import Callable
from pathlib import Path

import pytest

from textaxa.data import Columns


@pytest.fixture
def two_levels() -> Columns:
    return Columns(labels=("category", "subcategory"))


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write a file of this name and give its path."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return write
