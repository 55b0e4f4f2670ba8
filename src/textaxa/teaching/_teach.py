"""`teach`: a trained model and a few texts come in, a model that knows them goes out."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from textaxa.data._label_nodes import label_nodes, terminal_positions
from textaxa.errors import ConfigError
from textaxa.heads import needs_encoder
from textaxa.taxonomy import Add, Edit, NodeMapping, SetTerminal, Taxonomy, apply_edits
from textaxa.taxonomy import Path as LabelPath
from textaxa.teaching._material import KNOWN, REMEMBERED, STAND_IN, Labels, Rows, checked_rows, sample_of, weights_of

GivenRows = tuple[Sequence[str], Labels]

_MOST = 4000
"""Remembered rows in all. Of a taxonomy with a thousand nodes four each are left, and teaching stays a matter of
seconds."""

_SHARE = 0.5
"""Of the validation rows, how many prove promises and choose nothing."""


@dataclass(frozen=True)
class TaughtReport:
    """What was learned from.

    Attributes
    ----------
    rows, nodes
        Texts that were taught, and how many nodes their paths end at.
    added
        Paths that were not in the model's taxonomy.
    remembered
        Old rows that were learned along with them; 0: what the head had learned stood in for them.
    valid_rows
        Rows on which probabilities were calibrated anew.
    seconds
        How long it took.
    void
        What no longer holds of the model, in plain sentences.
    """

    rows: int
    nodes: int
    added: tuple[LabelPath, ...]
    remembered: int
    valid_rows: int
    seconds: float
    void: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return asdict(self) | {"added": [list(path) for path in self.added], "void": list(self.void)}


@dataclass(frozen=True)
class Taught:
    """A model that has learned, and what it learned from."""

    model: Any
    report: TaughtReport


def teach(
    model: Any,
    texts: Sequence[str],
    labels: Labels,
    *,
    remember: GivenRows | None = None,
    valid: GivenRows | None = None,
    add_nodes: bool = False,
    seed: int = 0,
) -> Taught:
    """Teach a trained model a few texts: new nodes with 5 to 20 each, or corrections of old ones.

    Every text is encoded once, the encoder stays as it is, and the weights that stand for nodes move: freely for nodes
    that training never reached, held near where they were for the others.

    Parameters
    ----------
    model
        A model with its encoder, or its folder; it is left as it is.
    texts, labels
        What to learn. A text may not stand there twice with different paths.
    remember
        Rows that the model was trained on, or a part of them: at most 20 of a node are learned along, so that new nodes
        do not take their texts. Left out, what the head has learned stands in for them, which forgets more.
    valid
        Rows that it has not seen: probabilities are calibrated on them, and promises rest on them.
    add_nodes
        Add the paths that are not in the taxonomy, and let labels end where they do not yet; else that is an error.
    seed
        Draws the rows to remember, and parts the validation rows.

    Raises
    ------
    ConfigError
        The head has no weights of its own for each node.
    DataError
        Rows that cannot be learned from; all faults together.

    Examples
    --------
    >>> from textaxa.linear import LinearModel
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",), ("Travel",)])
    >>> old = ["a card game", "a football game", "an alarm clock", "a clock for the train"]
    >>> paths = [[("Games",)], [("Games",)], [("Tools",)], [("Tools",)]]
    >>> model = LinearModel.fit(old, paths, taxonomy)
    >>> taught = teach(model, ["a map for the train"], [[("Travel",)]], remember=(old, paths))
    >>> taught.model.predict(["the train"])[0][0].path, model.predict(["the train"])[0][0].path
    (('Travel',), ('Tools',))
    """
    began = time.monotonic()
    model = _read(model)
    _refuse(model)
    rows = checked_rows(texts, labels, task=model.task, taxonomy=None if add_nodes else model.taxonomy)
    model, added = _with_nodes(model, rows)
    kept = None if remember is None else _remembered(model, remember, rows, seed=seed)
    changed = _taught_linear(model, rows, kept) if model.settings.head == "linear" else _taught(model, rows, kept)
    void = _settled(model, changed, valid, seed=seed)
    report = TaughtReport(
        rows=len(rows),
        nodes=len({path for paths in rows.labels for path in paths}),
        added=added,
        remembered=0 if kept is None else len(kept),
        valid_rows=0 if valid is None else len(valid[0]),
        seconds=time.monotonic() - began,
        void=void,
    )
    _remember(changed, rows, report)
    return Taught(changed, report)


def _read(model: Any) -> Any:
    if not isinstance(model, str | Path):
        return model
    from textaxa.persistence import load_model  # noqa: PLC0415 - of folders alone

    return load_model(model, runtime="torch")


def _refuse(model: Any) -> None:
    head = model.settings.head
    if head == "linear":
        return
    if not needs_encoder(head):
        raise ConfigError(
            f"A model with the head {head!r} cannot be taught with a few texts. Train it anew with these texts "
            "(textaxa train), or teach a model with the head chained, label-text or linear."
        )
    if not hasattr(model, "head"):
        raise ConfigError("What was exported cannot learn. Load the model by PyTorch: load_model(…, runtime='torch').")
    from textaxa.teaching._network import refuse_others  # noqa: PLC0415 - PyTorch

    refuse_others(head)


def _with_nodes(model: Any, rows: Rows) -> tuple[Any, tuple[LabelPath, ...]]:
    """Give a model whose taxonomy has all paths of the rows, and the paths that are new."""
    edits = _missing(model.taxonomy, dict.fromkeys(path for paths in rows.labels for path in paths), model.task)
    if not edits:
        return model, ()
    from textaxa.migration import migrate  # noqa: PLC0415 - PyTorch

    edited = apply_edits(model.taxonomy, edits)
    mapping: NodeMapping = edited.mapping
    added = tuple(edit.path for edit in edits if isinstance(edit, Add))
    return migrate(model, edited.taxonomy, mapping).model, added


def _missing(taxonomy: Taxonomy, paths: dict[LabelPath, None], task: str) -> list[Edit]:
    """Give the edits after which labels may end at these paths."""
    found: dict[LabelPath, Edit] = {}
    for path in paths:
        node = taxonomy.find(path)
        if node is not None and task == "single" and not taxonomy.is_terminal[node]:
            found[path] = SetTerminal(path, True)
        for length in range(1, len(path) + 1):
            if path[:length] not in taxonomy:
                found.setdefault(path[:length], Add(path[:length]))
    inner = [path for path in found if path not in taxonomy and _has_below(path, found)]
    return [*found.values(), *(SetTerminal(path, path in paths) for path in inner)]


def _has_below(path: LabelPath, found: dict[LabelPath, Edit]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in found)


def _remembered(model: Any, remember: GivenRows, taught: Rows, *, seed: int) -> Rows:
    """Draw what is remembered; rows of paths that are no longer there are left out, repeats count once."""
    known = [at for at, paths in enumerate(remember[1]) if all(_ends(model, path) for path in paths)]
    texts, labels = [remember[0][at] for at in known], [tuple(tuple(p) for p in remember[1][at]) for at in known]
    rows = Rows(texts, labels)
    return sample_of(rows, taught, seed=seed, most=_most(rows))


def _most(rows: Rows) -> int:
    """Give how many rows of a set of paths are remembered."""
    return max(1, min(REMEMBERED, _MOST // max(1, len(set(rows.labels)))))


def _ends(model: Any, path: LabelPath) -> bool:
    node = model.taxonomy.find(tuple(path))
    return node is not None and (model.task == "multi" or bool(model.taxonomy.is_terminal[node]))


def _taught(model: Any, rows: Rows, kept: Rows | None) -> Any:
    import torch  # noqa: PLC0415

    from textaxa.teaching._network import taught_network  # noqa: PLC0415
    from textaxa.teaching._recalled import recalled  # noqa: PLC0415
    from textaxa.training._rows import Targets  # noqa: PLC0415

    taxonomy, device = model.taxonomy, model.scale.mean.device
    untrained = _untrained(model)
    new = [any(untrained[taxonomy.index(path)] for path in paths) for paths in rows.labels]
    held = _held(model, rows, untrained)
    if kept is None:
        nodes = [int(node) for node in taxonomy.terminals if not untrained[node]]
        kept = Rows([""] * len(nodes), [(taxonomy.path(node),) for node in nodes])
        targets = Targets(taxonomy, [*rows.labels, *kept.labels], model.task).values
        features = model.scale(torch.from_numpy(model.encoder.encode(rows.texts)).to(device))
        features = torch.cat([features, recalled(model.head, targets[len(rows) :].to(device), nodes, like=features)])
        weights = weights_of(new, len(kept), each=STAND_IN)
        return taught_network(model, features, targets, weights, held=held)
    targets = Targets(taxonomy, [*rows.labels, *kept.labels], model.task).values
    features = model.scale(torch.from_numpy(model.encoder.encode([*rows.texts, *kept.texts])).to(device))
    each = KNOWN * REMEMBERED / _most(kept)
    return taught_network(model, features, targets, weights_of(new, len(kept), each=each), held=held)


def _held(model: Any, rows: Rows, untrained: np.ndarray) -> np.ndarray:
    """Give the penalty of every node's rows, float32 (N,)."""
    from textaxa.teaching._network import HELD, NEW, STILL  # noqa: PLC0415

    held = np.where(untrained, NEW, HELD if model.task == "single" else STILL).astype(np.float32)
    if model.task == "multi":  # corrections of old nodes may move them
        ends = [[model.taxonomy.index(path) for path in paths] for paths in rows.labels]
        old = [node for nodes in ends if not untrained[nodes].any() for node in nodes]
        held[old] = np.minimum(held[old], HELD)
    return held


def _taught_linear(model: Any, rows: Rows, kept: Rows | None) -> Any:
    from scipy import sparse  # noqa: PLC0415

    from textaxa.teaching._linear import taught_linear  # noqa: PLC0415

    kept = kept or Rows([], [])
    nodes = label_nodes(model.taxonomy, [*rows.labels, *kept.labels])
    truth: Any = terminal_positions(model.taxonomy, nodes) if model.task == "single" else None
    if truth is None:
        closed = [np.unique(model.taxonomy.ancestors.rows(row)) for row in nodes]
        ends = np.cumsum([0, *map(len, closed)])
        ones = np.ones(ends[-1], dtype=bool)
        truth = sparse.csr_matrix((ones, np.concatenate(closed), ends), (len(nodes), len(model.taxonomy)))
    features = model.features([*rows.texts, *kept.texts])
    return taught_linear(model, features, truth, taught=len(rows))


def _untrained(model: Any) -> np.ndarray:
    """Mark the nodes below which no training row was, bool (N,); none where the model does not know."""
    counts, taxonomy = model.summary.get("counts"), model.taxonomy
    if model.summary.get("rows") == 0:
        return np.ones(len(taxonomy), dtype=bool)
    ends = np.asarray(taxonomy.terminals if model.task == "single" else np.arange(len(taxonomy)))
    if not isinstance(counts, list) or len(counts) != len(ends):
        return np.zeros(len(taxonomy), dtype=bool)
    found = np.ones(len(taxonomy), dtype=bool)
    found[taxonomy.ancestors.rows(ends[np.asarray(counts) > 0])] = False
    return found


def _settled(model: Any, changed: Any, valid: GivenRows | None, *, seed: int) -> tuple[str, ...]:
    """Calibrate anew where there are rows to do it on; give what no longer holds."""
    if valid is not None:
        from textaxa.training import parted, settle  # noqa: PLC0415 - scikit-learn

        changed.settings = replace(changed.settings, training=replace(changed.settings.training, seed=seed))
        scores = settle(changed, parted(valid, _SHARE, seed=seed), changed.node_proba)
        changed.summary["best"] = scores
        return ()
    changed.calibration, changed.thresholds = model.calibration, model.thresholds
    void = []
    if model.calibration is not None:
        void.append("Probabilities are calibrated as before the new texts; nobody has checked that this still fits.")
    if model.evidence is not None:
        void.append("Nothing can be promised of it: the held-out rows spoke about the model before.")
    if "onnx" in model.summary:
        void.append("What was exported is of the model before, and is left out. Export again: textaxa export.")
    return tuple(void)


def _remember(model: Any, rows: Rows, report: TaughtReport) -> None:
    """Add to the model's summary what it has learned, and what is no longer true."""
    summary = model.summary
    taxonomy, counts = model.taxonomy, summary.get("counts")
    single = model.task == "single"
    nodes = label_nodes(taxonomy, rows.labels)
    size = len(taxonomy.terminals) if single else len(taxonomy)
    if single:
        new = np.bincount(terminal_positions(taxonomy, nodes), minlength=size)
    else:
        new = np.bincount(np.concatenate([np.unique(taxonomy.ancestors.rows(row)) for row in nodes]), minlength=size)
    known = isinstance(counts, list) and len(counts) == size
    summary["counts"] = (new + (np.array(counts) if known else 0)).tolist()
    summary["rows"] = int(summary.get("rows") or 0) + len(rows)
    for stale in ("evaluations", "validation_table", "onnx", *(() if report.valid_rows else ("best",))):
        summary.pop(stale, None)
    told = {"date": datetime.now(UTC).date().isoformat(), "what": "taught", **report.to_dict()}
    told.pop("seconds")
    summary["history"] = [*summary.get("history", []), told]
