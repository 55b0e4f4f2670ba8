"""What the pages say of the code is true of the code: options, settings, heads, metrics, formats, rooms, links."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pages import PAGES, ROOT, blocks, generator, without_blocks

import textaxa
from textaxa.cli import _door, app
from textaxa.evaluation import evaluate_paths
from textaxa.heads import HEADS, head_settings
from textaxa.heads.chained import ChainedSettings
from textaxa.settings import rules
from textaxa.taxonomy import Taxonomy
from textaxa.taxonomy._formats import FORMATS

SOURCE = ROOT / "src" / "textaxa"


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_those_that_would_be_generated_now(page):
    text = PAGES[page].read_text(encoding="utf-8")
    assert generator().filled(text) == text, "run: python docs/generate.py"


def test_every_setting_is_listed():
    listed = "".join(PAGES[f"docs/{name}.md"].read_text(encoding="utf-8") for name in ("settings", "heads"))
    parts = generator().PARTS
    assert all(f"<!-- generated: {name} -->" in listed for name in parts if name.startswith("settings"))
    for settings in map(head_settings, HEADS):
        assert all(f"**`{name}`**" in listed for name in rules(settings))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_blocks(page)):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        file = (PAGES[page].parent / name).resolve() if name else PAGES[page]
        assert file.is_file(), f"{page} links to {target}"
        assert not anchor or anchor in set(_anchors(file)), f"{page} links to {target}"


OF_OTHERS = {
    "docs/distributed.md": {"--use", "--standalone", "--nproc-per-node", "--nnodes", "--node-rank", "--master-addr"}
    | {"--master-port", "--multi", "--num"},  # torchrun's; accelerate's --multi_gpu and --num_processes
    "docs/reproduce.md": {"--nproc-per-node"},
    "docs/tracking.md": {"--logdir"},
}
"""Options of the programs that start ours."""


@pytest.mark.parametrize("page", PAGES)
def test_every_option_and_command_exists(page):
    text = PAGES[page].read_text(encoding="utf-8")
    commands = dict(_commands())
    options = {option for names in commands.values() for option in names} | {"--help"} | OF_OTHERS.get(page, set())
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text)) <= options
    code = "\n".join([*re.findall(r"`([^`\n]+)`", without_blocks(page)), *(block.code for block in blocks(page))])
    assert set(re.findall(r"^textaxa ([a-z]+)", code, re.MULTILINE)) <= set(commands)


def test_every_head_and_feed_is_told():
    readme, heads = (PAGES[name].read_text(encoding="utf-8") for name in ("README.md", "docs/heads.md"))
    for head in HEADS:
        assert f"| `{head}` |" in readme
        assert f"\n## {head}\n" in heads
    told = re.findall(r"^\| `(\w+)` \|", readme.partition("| `feed` |")[2].partition("\n\n")[0], re.MULTILINE)
    assert tuple(told) == rules(ChainedSettings)["feed"].choices


def _evaluation():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("C",)])
    true = [("A", "B"), ("C",)]
    return evaluate_paths(taxonomy, true, true, node_proba=[[1, 0, 1], [0, 1, 0]])


def test_every_metric_is_defined():
    first_table, _, _ = PAGES["docs/metrics.md"].read_text(encoding="utf-8").partition("## Calibration")
    listed = re.findall(r"^\| `([\w.]+)` \|", first_table, re.MULTILINE)
    assert set(listed) == {re.sub(r"\.\d\.", ".L.", name) for name in _evaluation().values()} | {"calibration.L.ece"}


def test_the_json_that_is_shown_has_the_shape_of_the_real_one():
    (shown,) = (json.loads(block.code) for block in blocks("docs/metrics.md") if block.language == "json")
    assert shown.pop("references") == {}
    real = _evaluation().to_dict()
    for found in (real, real["intervals"]):
        del found["levels"][1:], found["calibration"][1:]
    assert _shape(shown) == _shape(real)


def _shape(value):
    if isinstance(value, dict):
        return {key: _shape(below) for key, below in value.items()}
    return [_shape(below) for below in value] if isinstance(value, list) else "number"


def test_exit_statuses_and_taxonomy_formats_are_told():
    usage = PAGES["docs/usage.md"].read_text(encoding="utf-8")
    statuses = {int(status) for status in re.findall(r"^\| (\d+) \|", usage, re.MULTILINE)}
    assert statuses == {0, 1, _door.MISTAKE, _door.INTERRUPTED, _door.PIPE_CLOSED}
    rows = usage.partition("| format |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in rows.splitlines()[2:]))) == set(FORMATS)


def test_the_readme_names_the_real_names():
    readme = PAGES["README.md"].read_text(encoding="utf-8")
    for name in set(re.findall(r"`textaxa\.(\w+)`", readme)):
        assert name in textaxa.__all__


ENTRANCES = {"__init__", "__main__", "_version"}


def test_every_room_is_told():
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert there - ENTRANCES <= set(_rooms())


def test_imports_run_one_way():
    order = _rooms()
    for room in order:
        files = [SOURCE / f"{room}.py"] if (SOURCE / f"{room}.py").is_file() else (SOURCE / room).rglob("*.py")
        for file in files:
            for other in _imported(file):
                assert order.index(other) <= order.index(room), f"{file.relative_to(SOURCE)} imports {other}"


def test_the_picture_stands_alone():
    picture = (ROOT / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    assert "textaxa&#160;demo" in picture
    assert "url(http" not in picture
    assert "href" not in picture


def _rooms() -> list[str]:
    """Give the rooms in the order of the table of docs/architecture.md."""
    text = PAGES["docs/architecture.md"].read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.partition("| room |")[2].partition("\n\n")[0].splitlines()[2:]]
    return [name for row in rows for name in re.findall(r"`(\w+)(?:\.py|/)`", row)]


def _imported(file: Path) -> set[str]:
    """Give the rooms that a file imports, lazy imports and those for type checkers included."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textaxa."):
            found.add(node.module.split(".")[1])
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("textaxa.")}
    return found - ENTRANCES


def _anchors(file: Path) -> Iterator[str]:
    """Give the anchors that GitHub makes of headings."""
    for heading in re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _commands() -> Iterator[tuple[str, set[str]]]:
    """Give every command with its options; those of ``taxonomy`` count as its."""
    for name, command in typer.main.get_command(app).commands.items():
        below = getattr(command, "commands", {"": command}).values()
        yield name, {option for one in below for parameter in one.params for option in parameter.opts}
