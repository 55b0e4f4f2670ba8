"""Packages as an installer would leave them in a folder: modules, and metadata with entry points."""

from pathlib import Path


def make_package(folder: Path, name: str, entry_points: dict[str, dict[str, str]], **modules: str) -> None:
    """Lay a distribution ``name`` 0.5 into a folder that stands on ``sys.path``."""
    info = folder / f"{name.replace('-', '_')}-0.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.5\n", encoding="utf-8")
    lines = [
        line
        for group, parts in entry_points.items()
        for line in (f"[{group}]", *(f"{part} = {value}" for part, value in parts.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for module, code in modules.items():
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
