"""GLiClass: zero-shot by the names of the nodes, level by level from the top.

No package brings its weights, so that it runs only where a folder with a GLiClass model is at hand: ``options`` has it
as ``model`` (``run_peers.py --set gliclass-zero-shot.model=FOLDER``). The training rows are not used. At each level the
children of the node that was found are the labels, and the likeliest is taken, down to a leaf.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from _peer import Labels, Skip, Task, answer, run, versions

BATCH = 16


def solve(task: Task) -> dict[str, Any]:
    if not task.options.get("model"):
        raise Skip("No package brings the weights of a GLiClass model, and no folder with one was given.")
    if task.several:
        raise Skip("Zero-shot takes the likeliest path alone.")
    import torch
    from gliclass import GLiClassModel, ZeroShotClassificationPipeline
    from transformers import AutoTokenizer

    torch.set_num_threads(task.threads)
    folder = task.options["model"]
    below: dict[tuple[str, ...], Labels] = defaultdict(list)
    for node in task.nodes:
        below[node[:-1]].append(node)
    pipeline = ZeroShotClassificationPipeline(
        GLiClassModel.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
        max_classes=max(map(len, below.values())),
        classification_type="single-label",
        device="cpu",
        progress_bar=False,
    )

    def label(texts: Sequence[str]) -> list[Labels]:
        found: list[tuple[str, ...]] = [()] * len(texts)
        waiting = list(range(len(texts)))
        while waiting:
            groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for i in waiting:
                groups[found[i]].append(i)
            for at, rows in groups.items():
                names = [node[-1] for node in below[at]]
                answers = pipeline([texts[i] for i in rows], names, threshold=0.0, batch_size=BATCH)
                for i, best in zip(rows, answers, strict=True):
                    found[i] = (*at, max(best, key=lambda one: one["score"])["label"])
            waiting = [i for i in waiting if below[found[i]]]
        return [[path] for path in found]

    return answer(task, label, fit_seconds=0.0, versions=versions("gliclass", "transformers", "torch"))


if __name__ == "__main__":
    run(solve)
