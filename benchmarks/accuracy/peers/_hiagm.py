"""The released HiAGM at work on our rows: its own configuration, vocabulary, model, loss and trainer.

What it wants on disk is written here: rows with the keys ``token`` and ``label``, a taxonomy with parents first, prior
probabilities. Nothing of its code is changed. ``repair`` mends two faults of the released model after it is built:

- the gate's bias ``out_bias_gate`` of the GCN is never set, so that it holds whatever lay in memory; it becomes 0;
- the Tree-LSTM reads the prior from parent to child transposed, where all of it is 0; it is transposed back.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = "Root"
CONFIGURATIONS = {"gcn": "gcn-rcv1-v2.json", "tree-lstm": "tree-rcv1-v2.json"}
PARTS = ("train", "val", "test")

Row = tuple[Sequence[str], Sequence[int]]
"""The words of a text, and the nodes of its labels, ancestors included, by number."""


@dataclass(frozen=True)
class Sizes:
    """What is told to HiAGM; None leaves the released value (64 texts a batch, 256 words, 300 numbers a node)."""

    batch: int | None = None
    length: int | None = None
    node: int | None = None
    word: int = 300


def name(node: int) -> str:
    """Give the name that HiAGM knows a node by: no blanks, no tabs."""
    return f"n{node}"


def write(folder: Path, rows: dict[str, Iterable[Row]], parents: Sequence[int], priors: dict[int, float]) -> None:
    """Write rows, taxonomy and prior probabilities. A parent is -1 on the top level, else before its child."""
    for part in PARTS:
        with (folder / f"{part}.json").open("w", encoding="utf-8") as file:
            for words, nodes in rows[part]:
                file.write(json.dumps({"token": list(words), "label": [name(node) for node in nodes]}) + "\n")
    children: dict[int, list[int]] = {}
    for node, parent in enumerate(parents):
        children.setdefault(parent, []).append(node)
    lines = ["\t".join([_parent(parent), *map(name, below)]) for parent, below in sorted(children.items())]
    (folder / "nodes.taxonomy").write_text("\n".join(lines) + "\n", encoding="utf-8")
    share = {_parent(parent): {name(node): priors[node] for node in below} for parent, below in children.items()}
    (folder / "prior.json").write_text(json.dumps(share), encoding="utf-8")


def _parent(node: int) -> str:
    return ROOT if node < 0 else name(node)


def count_priors(rows: Iterable[Row], parents: Sequence[int]) -> dict[int, float]:
    """Give each node's share among its siblings, 0 where none has rows, as HiAGM's own statistic does."""
    seen = Counter(node for _, nodes in rows for node in set(nodes))
    total: Counter[int] = Counter()
    for node, parent in enumerate(parents):
        total[parent] += seen[node]
    return {node: seen[node] / total[parent] if total[parent] else 0.0 for node, parent in enumerate(parents)}


class Released:
    """HiAGM-TP with its trainer, built by the code in ``clone`` from what `write` wrote. Goes to ``folder`` to work."""

    def __init__(self, clone: Path, folder: Path, structure: str, sizes: Sizes, *, repair: bool = False) -> None:
        sys.path.insert(0, str(clone))
        os.chdir(folder)  # its vocabulary and log are written where it runs
        from data_modules.collator import Collator
        from data_modules.dataset import ClassificationDataset
        from data_modules.vocab import Vocab
        from helper.configure import Configure
        from models.model import HiAGM
        from train_modules.criterions import ClassificationLoss
        from train_modules.trainer import Trainer

        given = json.loads((clone / "config" / CONFIGURATIONS[structure]).read_text(encoding="utf-8"))
        self.config = Configure(config=_adapted(given, sizes))
        self.vocab = Vocab(self.config, min_freq=5, max_size=50_000)  # as in its train.py
        self.model = HiAGM(self.config, self.vocab, model_type=self.config.model.type, model_mode="TRAIN")
        if repair:
            _repair(self.model)
        self._dataset, self._collate = ClassificationDataset, Collator(self.config, self.vocab)
        self.trainer = Trainer(
            model=self.model,
            criterion=ClassificationLoss(
                str(folder / "nodes.taxonomy"),
                self.vocab.v2i["label"],
                recursive_penalty=self.config.train.loss.recursive_regularization.penalty,
                recursive_constraint=self.config.train.loss.recursive_regularization.flag,
            ),
            optimizer=_adam(self.model, self.config.train.optimizer.learning_rate),
            vocab=self.vocab,
            config=self.config,
        )

    def batches(self, part: str) -> Any:
        """Give the batches of a part, in a new order each time for ``train``."""
        from torch.utils.data import DataLoader

        rows = self._dataset(self.config, self.vocab, stage=part.upper(), on_memory=False)
        size = self.config.train.batch_size if part == "train" else self.config.eval.batch_size
        return DataLoader(rows, batch_size=size, shuffle=part == "train", collate_fn=self._collate)

    def probabilities(self, batches: Any, nodes: int) -> Any:
        """Give sigmoid probabilities (B, N) in the order of our nodes."""
        import torch

        self.model.eval()
        with torch.no_grad():
            found = torch.cat([torch.sigmoid(self.model(batch)) for batch in batches])
        return found[:, [self.vocab.v2i["label"][name(node)] for node in range(nodes)]].numpy()


def _adapted(given: dict[str, Any], sizes: Sizes) -> dict[str, Any]:
    files = {f"{part}_file": f"{part}.json" for part in PARTS}
    given["data"] |= {
        "dataset": "rows",
        "data_dir": ".",
        "prob_json": "prior.json",
        "hierarchy": "nodes.taxonomy",
    } | files
    given["embedding"]["token"] |= {"pretrained_file": "vectors.txt", "dimension": sizes.word}
    given["train"]["device_setting"] |= {"device": "cpu", "num_workers": 0}
    given["train"]["batch_size"] = sizes.batch or given["train"]["batch_size"]
    given["text_encoder"]["max_length"] = sizes.length or given["text_encoder"]["max_length"]
    if sizes.node:
        given["embedding"]["label"]["dimension"] = sizes.node
        given["structure_encoder"]["node"]["dimension"] = sizes.node
        given["model"]["linear_transformation"]["node_dimension"] = sizes.node
    return given


def _adam(model: Any, rate: float) -> Any:
    import torch

    return torch.optim.Adam(lr=rate, params=model.optimize_params_dict())


def _repair(model: Any) -> None:
    import torch

    structure = model.structure_encoder.model
    with torch.no_grad():
        if hasattr(structure, "top_down_lstm"):
            prior = structure.top_down_lstm.prob
            prior.copy_(prior.t().clone())
        else:
            structure.model[0].out_bias_gate.zero_()
