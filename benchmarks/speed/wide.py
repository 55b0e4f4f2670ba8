"""The wide head at 100 to 1,000,000 leaves: time a text, memory, agreement with exact search, seconds an epoch.

    python benchmarks/speed/wide.py            # the curve, trained heads, memory: about seven minutes on two cores
    python benchmarks/speed/wide.py --dry      # the same with at most 10,000 leaves; writes nothing
    python benchmarks/speed/wide.py page       # the page and the plot anew, from what was measured

Results: wide_curve.jsonl, wide_curve.md and wide_curve.svg in results/. Features are planted: a vector a node, a text
is the sum of those on its path and noise. The curve searches with these vectors as weights, scaled by the noise as the
best linear classifier would; the trained heads learn theirs from texts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from _machine import describe
from _wide_curve import scratch, step
from _wide_page import write as write_page

CURVE = Path(__file__).parents[1] / "results" / "wide_curve.jsonl"
LARGE = [100_000, 1_000_000]
TEXTS = 1_000_000
CHECKED = 256
"""Texts for which a head of a million leaves is compared with exact search."""


def everything(*, dry: bool) -> None:
    """Do the steps of ``all``, each in a fresh process; what is finished is written at once."""
    leaves, large = ([100, 1000, 10_000], [10_000]) if dry else ([100, 1000, 10_000, 100_000, 1_000_000], LARGE)
    texts, epochs = (20_000, 2) if dry else (TEXTS, 4)
    with scratch() as folder:
        kept = Path(folder) / "head"
        steps = [["curve", n] for n in leaves]
        # The largest head is kept for the measurement of memory.
        steps += [["trained", n, texts, epochs, CHECKED if n > 10**5 else 4 * CHECKED, "-"] for n in large[:-1]]
        steps += [["trained", large[-1], texts, epochs, CHECKED, kept], ["memory", kept]]
        for arguments in steps:
            began = time.perf_counter()
            found = {"step": arguments[0], **_in_a_process([str(one) for one in arguments]), "machine": describe()}
            print(json.dumps(found), f"({time.perf_counter() - began:.0f} s)", flush=True)
            if not dry:
                with CURVE.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
    if not dry:
        write_page(CURVE)


def _in_a_process(arguments: list[str]) -> dict[str, Any]:
    env = {**os.environ, "OMP_NUM_THREADS": str(os.cpu_count()), "OPENBLAS_NUM_THREADS": str(os.cpu_count())}
    if arguments[0] != "curve":  # which sets the threads of each way by itself
        env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "step", *arguments]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", default="all", choices=["all", "page", "step"])
    parser.add_argument("what", nargs="*", help="of a step, which `all` runs in a process of its own")
    parser.add_argument("--dry", action="store_true", help="small sizes, and nothing is written")
    options = parser.parse_args()
    if options.part == "all":
        everything(dry=options.dry)
    elif options.part == "page":
        write_page(CURVE)
    else:
        print(json.dumps(step(options.what)))


if __name__ == "__main__":
    main()
