"""The steps that `taxonomy.py` times, each in a process of its own: ``python _taxonomy_steps.py STEP FOLDER LEAVES``.

A step prints one JSON object: seconds of processor time by what was done, and megabytes. It uses no more of textaxa
than earlier versions had, so that it can time them too; what they lack is left out.
"""

import csv
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

FAN_OUT = 30
LOOKED_UP = 100_000
ROWS = 1_000_000
KINDS = ["steel", "wooden", "organic", "used", "medical", "household", "marine", "digital", "frozen", "leather"]
KINDS += [
    "optical",
    "plastic",
    "cotton",
    "electric",
    "musical",
    "printed",
    "agricultural",
    "ceramic",
    "dental",
    "rubber",
]
THINGS = ["fittings", "furniture", "vegetables", "vehicles", "instruments", "appliances", "engines", "cameras", "fish"]
THINGS += [
    "footwear",
    "lenses",
    "containers",
    "fabrics",
    "motors",
    "books",
    "machinery",
    "tiles",
    "tools",
    "belts",
    "pumps",
]
JOBS = ["Manufacture of", "Wholesale of", "Retail sale of", "Repair of", "Rental of", "Installation of", "Design of"]


def paths(leaves: int) -> Iterator[tuple[str, ...]]:
    """Give the paths of the leaves of a tree in which every node has 30 children, with names like industries'."""
    depth = max(1, int(np.ceil(np.log(leaves) / np.log(FAN_OUT) - 1e-9)))
    sizes = [FAN_OUT**level for level in reversed(range(depth))]
    for first in range(0, leaves, FAN_OUT):
        above = tuple([_name(first // size) for size in sizes[:-1]])
        for leaf in range(first, min(first + FAN_OUT, leaves)):
            yield (*above, _name(leaf))


def _name(number: int) -> str:
    """Give the name of the node of this number on its level; siblings, whose numbers are near, have different ones."""
    job, kind = JOBS[number % 7], KINDS[number * 3 % 20]
    thing, other = THINGS[number * 7 % 20], THINGS[number * 11 // 20 % 20]
    return (
        f"{job} {kind} {thing} and {other}, not elsewhere classified"
        if number % 3
        else f"{job} {kind} {thing}, {other}"
    )


def description(path: tuple[str, ...]) -> str:
    """Give what belongs under a node."""
    return f"This class includes what is known as {path[-1].lower()}, whether or not under contract."


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """Give the result and the seconds of processor time (one thread), which other work on the machine changes less."""
    start = time.process_time()
    result = what()
    return result, round(time.process_time() - start, 4)


def memory(entry: str) -> float:
    """Give a line of this process's status in MB: ``VmHWM`` most resident memory, ``RssAnon`` private memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(entry):
            return round(int(line.split()[1]) / 1000, 1)
    return float("nan")


def from_paths(folder: Path, leaves: int) -> dict[str, Any]:
    """Build from paths, map a million rows of labels to nodes, save in every way that there is."""
    from textaxa.data._label_nodes import label_nodes
    from textaxa.taxonomy import Taxonomy

    listed = list(paths(leaves))
    described = {path: description(path) for path in listed[::5]}
    labels = [[listed[at]] for at in random.Random(0).choices(range(leaves), k=min(ROWS, 20 * leaves))]  # noqa: S311
    before = memory("VmHWM")
    taxonomy, built = timed(lambda: Taxonomy.from_paths(listed, descriptions=described))
    more = round(memory("VmHWM") - before, 1)
    _, first = timed(lambda: label_nodes(taxonomy, labels))
    _, again = timed(lambda: label_nodes(taxonomy, labels))
    # As a model folder keeps it.
    _, saved = timed(lambda: _save_json(taxonomy, folder / "json"))
    found = {"from_paths": built, "rows_to_nodes": first, "rows_to_nodes_again": again, "save_json": saved}
    if hasattr(taxonomy, "to_arrays"):
        _, found["save_arrays"] = timed(lambda: taxonomy.to_arrays(folder / "arrays"))
    return {"nodes": len(taxonomy), "levels": taxonomy.n_levels, "rows": len(labels), "seconds": found, "more_mb": more}


def _save_json(taxonomy: Any, file: Path) -> None:
    file.write_text(json.dumps(taxonomy.to_dict(), ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")


def from_codes(folder: Path, _: int) -> dict[str, Any]:
    """Read a ``code,parent,name`` CSV, look it over, compare it with a changed version."""
    from textaxa.taxonomy import check_taxonomy, diff_taxonomies, read_taxonomy

    before = memory("VmHWM")
    taxonomy, read = timed(lambda: read_taxonomy(folder / "codes.csv"))
    reading = round(memory("VmHWM") - before, 1)
    report, checked = timed(lambda: check_taxonomy(taxonomy))
    _, closed = timed(lambda: taxonomy.ancestors)
    changed = read_taxonomy(folder / "changed.csv")
    found, compared = timed(lambda: diff_taxonomies(taxonomy, changed))
    return {
        "nodes": len(taxonomy),
        "findings": len(report.findings),
        "changes": found.counts,
        "seconds": {"read_codes": read, "check": checked, "ancestors": closed, "diff": compared},
        "more_mb": reading,
        "peak_mb": memory("VmHWM"),
    }


def load_json(folder: Path, _: int) -> dict[str, Any]:
    """Load what a model folder has kept so far."""
    from textaxa.taxonomy import Taxonomy

    return _loaded(lambda: Taxonomy.from_dict(json.loads((folder / "json").read_text(encoding="utf-8"))))


def load_arrays(folder: Path, _: int) -> dict[str, Any]:
    """Load mapped arrays; their sums are taken first, as loading a model does."""
    from textaxa.persistence._files import fingerprints
    from textaxa.taxonomy import Taxonomy

    _, sums = timed(lambda: fingerprints(folder / "arrays"))
    found = _loaded(lambda: Taxonomy.from_arrays(folder / "arrays"))
    found["seconds"]["sums"] = sums
    return found


def _loaded(load: Callable[[], Any]) -> dict[str, Any]:
    private, peak = memory("RssAnon"), memory("VmHWM")
    taxonomy, loading = timed(load)
    taxonomy.children, taxonomy.terminals  # noqa: B018 - what a search needs, too
    more, higher = memory("RssAnon") - private, memory("VmHWM") - peak
    nodes = random.Random(1).choices(range(len(taxonomy)), k=min(LOOKED_UP, len(taxonomy)))  # noqa: S311
    seconds = {"load": loading}
    some, seconds["paths_of_100k"] = timed(lambda: [taxonomy.path(node) for node in nodes])
    answering = memory("RssAnon") - private
    _, seconds["find_100k_first"] = timed(lambda: [taxonomy.find(path) for path in some])
    _, seconds["find_100k_again"] = timed(lambda: [taxonomy.find(path) for path in some])
    _, seconds["fingerprint"] = timed(lambda: taxonomy.fingerprint)
    _, seconds["names"] = timed(lambda: taxonomy.names)
    _, seconds["all_paths"] = timed(lambda: list(taxonomy.nodes))
    _, seconds["ancestors"] = timed(lambda: taxonomy.ancestors)
    pairs = np.random.default_rng(1).integers(0, len(taxonomy), (2, 1_000_000))
    _, seconds["lca_of_1m"] = timed(lambda: taxonomy.lca(*pairs))
    return {
        "seconds": seconds,
        "private_mb": round(more, 1),
        "private_answering_mb": round(answering, 1),
        "peak_more_mb": round(higher, 1),
    }


def plain_python(folder: Path, _: int) -> dict[str, Any]:
    """Read the CSV into a dict of parents and make the ancestors, as plain Python would; nothing is checked."""

    def read() -> dict[str, str]:
        with (folder / "codes.csv").open(newline="", encoding="utf-8") as file:
            return {row["code"]: row["parent"] for row in csv.DictReader(file)}

    def close() -> None:
        known: dict[str, tuple[str, ...]] = {"": ()}
        for code in parent:
            walk, at = [], code
            while at not in known:
                walk.append(at)
                at = parent[at]
            for node in reversed(walk):
                known[node] = (*known[parent[node]], node)

    parent, reading = timed(read)
    _, closing = timed(close)
    return {"nodes": len(parent), "seconds": {"read_codes": reading, "ancestors": closing}, "peak_mb": memory("VmHWM")}


def networkx(folder: Path, _: int) -> dict[str, Any]:
    """Read the CSV into a networkx graph, see that it has no cycle, and make the ancestors."""
    import networkx

    graph = networkx.DiGraph()

    def read() -> None:
        with (folder / "codes.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                graph.add_node(row["code"], name=row["name"])
                if row["parent"]:
                    graph.add_edge(row["parent"], row["code"])

    _, reading = timed(read)
    _, checking = timed(lambda: networkx.is_directed_acyclic_graph(graph))
    _, closing = timed(lambda: {node: networkx.ancestors(graph, node) | {node} for node in graph})
    seconds = {"read_codes": reading, "no_cycle": checking, "ancestors": closing}
    return {"nodes": len(graph), "seconds": seconds, "peak_mb": memory("VmHWM"), "version": networkx.__version__}


STEPS = {step.__name__: step for step in (from_paths, from_codes, load_json, load_arrays, plain_python, networkx)}

if __name__ == "__main__":
    name, place, size = sys.argv[1:]
    print(json.dumps(STEPS[name](Path(place), int(size))))
