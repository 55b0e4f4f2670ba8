"""A taxonomy of 1,000,000 nodes from a ``code,parent,name`` CSV: load, check, ancestor closure; seconds, peak memory.

Against two rivals that do less: plain Python (dicts and tuples) and networkx, where it is installed; both load and make
the closure, and check nothing but that there is no cycle. Each runs in a process of its own.

    python benchmarks/bench_taxonomy_scale.py [--nodes 1000000] [--no-rivals]

writes ``benchmarks/results/taxonomy_scale.json``.
"""

import argparse
import csv
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results" / "taxonomy_scale.json"
TOP_LEVEL = 100
MEAN_CHILDREN = 12
MEMORY_BOUND_MB = 2_000


def write_csv(path: Path, n: int) -> None:
    """Write a tree in which children have any of the earlier nodes near n / MEAN_CHILDREN as parent."""
    rng = np.random.default_rng(0)
    nodes = np.arange(TOP_LEVEL, n)
    middle = nodes // MEAN_CHILDREN
    parents = np.maximum(0, middle - rng.integers(0, 20, len(nodes)))
    # Real files are in no helpful order: the rows are shuffled, so parents come after children as often as before.
    rows = [(f"c{i}", "", f"category {i}") for i in range(TOP_LEVEL)]
    rows += [(f"c{i}", f"c{p}", f"category {i}") for i, p in zip(nodes.tolist(), parents.tolist(), strict=True)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "parent", "name"))
        writer.writerows(rows[i] for i in rng.permutation(len(rows)))


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    """Give the result and the seconds of processor time (one thread), which other work on the machine changes less."""
    start = time.process_time()
    result = what()
    return result, round(time.process_time() - start, 2)


def peak_mb() -> int:
    """Give the highest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1000
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000_000


def run_textaxa(path: Path) -> dict[str, Any]:
    from textaxa.taxonomy import check_taxonomy, read_taxonomy

    taxonomy, load = timed(lambda: read_taxonomy(path))
    closure, closing = timed(lambda: taxonomy.ancestors)
    main_mb = peak_mb()
    report, check = timed(lambda: check_taxonomy(taxonomy))
    check_mb = peak_mb()
    rng = np.random.default_rng(1)
    pairs = rng.integers(0, len(taxonomy), (2, 1_000_000))
    _, lca = timed(lambda: taxonomy.lca(*pairs))
    paths, naming = timed(lambda: list(taxonomy.nodes))
    _, finding = timed(lambda: [taxonomy.index(path) for path in paths])
    return {
        "nodes": len(taxonomy),
        "levels": taxonomy.n_levels,
        "closure_entries": len(closure.indices),
        "findings": len(report.findings),
        "seconds": {"load": load, "closure": closing, "check": check, "sum": round(load + closing + check, 2)},
        "seconds_more": {"lca_of_1m_pairs": lca, "all_paths": naming, "index_of_all_paths": finding},
        "peak_mb": {"load_and_closure": main_mb, "load_closure_and_check": check_mb},
    }


def run_python(path: Path) -> dict[str, Any]:
    def load() -> dict[str, str]:
        with path.open(newline="", encoding="utf-8") as file:
            return {row["code"]: row["parent"] for row in csv.DictReader(file)}

    def close() -> dict[str, tuple[str, ...]]:
        known: dict[str, tuple[str, ...]] = {"": ()}
        for code in parent:
            walk = []
            at = code
            while at not in known:
                walk.append(at)
                at = parent[at]
            for node in reversed(walk):
                known[node] = (*known[parent[node]], node)
        return known

    parent, load_s = timed(load)
    closure, closing = timed(close)
    entries = sum(map(len, closure.values()))
    seconds = {"load": load_s, "closure": closing, "sum": round(load_s + closing, 2)}
    return {"nodes": len(parent), "closure_entries": entries, "seconds": seconds, "peak_mb": peak_mb()}


def run_networkx(path: Path) -> dict[str, Any]:
    import networkx

    def load() -> Any:
        graph = networkx.DiGraph()
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                graph.add_node(row["code"], name=row["name"])
                if row["parent"]:
                    graph.add_edge(row["parent"], row["code"])
        return graph

    graph, load_s = timed(load)
    _, check = timed(lambda: networkx.is_directed_acyclic_graph(graph))
    closure, closing = timed(lambda: {node: networkx.ancestors(graph, node) | {node} for node in graph})
    entries = sum(map(len, closure.values()))
    seconds = {"load": load_s, "no_cycle": check, "closure": closing, "sum": round(load_s + check + closing, 2)}
    return {
        "version": networkx.__version__,
        "nodes": len(graph),
        "closure_entries": entries,
        "seconds": seconds,
        "peak_mb": peak_mb(),
    }


SYSTEMS = {"textaxa": run_textaxa, "plain Python": run_python, "networkx": run_networkx}


def machine() -> dict[str, Any]:
    import importlib.metadata

    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": {"cpu": model, "cores": os.cpu_count(), "system": platform.system()},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "textaxa": importlib.metadata.version("textaxa"),
        },
    }


def run_alone(system: str, path: Path) -> dict[str, Any] | None:
    command = [sys.executable, __file__, "--system", system, "--csv", str(path)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = round(time.perf_counter() - start, 1)
    if done.returncode:
        print(f"{system}: not measured ({done.stderr.strip().splitlines()[-1]})")
        return None
    return json.loads(done.stdout) | {"wall_seconds_of_process": wall}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--no-rivals", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--system", help=argparse.SUPPRESS)
    parser.add_argument("--csv", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.system:
        print(json.dumps(SYSTEMS[options.system](options.csv)))
        return
    results: dict[str, Any] = machine() | {
        "seconds_are": "processor time, one thread",
        "nodes": options.nodes,
        "systems": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "taxonomy.csv"
        write_csv(path, options.nodes)
        results["csv_mb"] = round(path.stat().st_size / 1e6, 1)
        for system in ["textaxa"] if options.no_rivals else SYSTEMS:
            measured = run_alone(system, path)
            if measured is not None:
                results["systems"][system] = measured
                print(f"{system}: {measured['seconds']} s, peak {measured['peak_mb']} MB", flush=True)
    peak = results["systems"]["textaxa"]["peak_mb"]["load_closure_and_check"]
    results["under_memory_bound"] = peak < MEMORY_BOUND_MB
    options.out.parent.mkdir(exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(f"written: {options.out}")
    if not results["under_memory_bound"]:
        sys.exit(f"textaxa took {peak} MB; the bound is {MEMORY_BOUND_MB}.")


if __name__ == "__main__":
    main()
