"""How many times more texts a second does `hiagm-tp` train on than the released HiAGM? Both in turn, in one run.

    python benchmarks/accuracy/run_hiagm_speed.py      # an idle machine, please; writes results/hiagm_speed.md

The released code runs in the environment of the peer ``hiagm`` (`peer_environments.py`), textaxa in this one, at the
same sizes, one after the other, three times; the table has medians. ``auto`` precision of textaxa is bf16 on
processors with matrix instructions for it, so both precisions are shown.
"""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from _runs import RESULTS, describe
from peer_environments import interpreter, reason_missing

HERE = Path(__file__).resolve().parent
SIZES = ((256, 100), (64, 200))
"""Words of a text, nodes: the paper's length with a taxonomy like WOS or RCV1, and short texts with more nodes."""

REPEATS = 3
STEPS = 3


def speeds(command: list[str], length: int, nodes: int) -> dict[str, float]:
    """Run one script; give texts a second by structure."""
    sizes = ["--batch", "64", "--length", str(length), "--nodes", str(nodes), "--steps", str(STEPS), "--threads", "1"]
    done = subprocess.run([*command, *sizes], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["structure"]: line["texts_per_second"] for line in lines}


def main() -> None:
    if reason := reason_missing("hiagm"):
        sys.exit(reason)
    ours = [sys.executable, str(HERE / "hiagm_speed.py")]
    systems = {
        "HiAGM as released": [str(interpreter("hiagm")), str(HERE / "peers" / "hiagm_speed.py")],
        "textaxa, fp32": [*ours, "--precision", "fp32"],
        "textaxa, bf16": [*ours, "--precision", "bf16"],
    }
    lines = []
    for length, nodes in SIZES:
        found = [{name: speeds(command, length, nodes) for name, command in systems.items()} for _ in range(REPEATS)]
        for structure in ("gcn", "tree-lstm"):
            middle = {name: statistics.median(run[name][structure] for run in found) for name in systems}
            slowest = middle["HiAGM as released"]
            cells = [f"{value:,.1f} ({value / slowest:.1f} ×)" for value in middle.values()]
            lines.append(f"| {structure} | {length} | {nodes} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    head = [
        "# Training speed of HiAGM-TP",
        "",
        f"Written by `benchmarks/accuracy/run_hiagm_speed.py`. {describe()}",
        "",
        "Texts a second in training (forward, backward, optimizer), one thread, batches of 64, TextRCNN over words of",
        f"300 numbers, nodes of 300 numbers; medians of {REPEATS} runs in turn, {STEPS} timed steps each. The released",
        "code also trains its word vectors; here they stay as they are.",
        "",
        f"| structure | words | nodes | {' | '.join(systems)} |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    (RESULTS / "hiagm_speed.md").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
