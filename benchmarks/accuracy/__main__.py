"""Runs all of it: ablation, heads, fine-tuned heads, label names, peers, HiAGM's speed, and where textaxa stands.

python benchmarks/accuracy            # hours; what is finished is kept, so it can be stopped and started again
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STEPS = (
    ("ablation.py",),
    ("heads.py",),
    ("heads.py", "--fine-tuned", "trec", "open-apps", "hwu64"),
    ("label_names.py",),
    ("peer_environments.py",),
    ("run_peers.py",),
    ("standing.py",),
    ("run_hiagm_speed.py",),
)
"""Scripts of this folder with their arguments, in the order in which one reads what another wrote."""


def main() -> None:
    failed = []
    for script, *arguments in STEPS:
        print(f"== {script} {' '.join(arguments)}", flush=True)
        if subprocess.run([sys.executable, str(HERE / script), *arguments], check=False).returncode:
            failed.append(script)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}. What was finished is kept.")


if __name__ == "__main__":
    main()
