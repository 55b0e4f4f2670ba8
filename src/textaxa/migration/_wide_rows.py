"""The head ``wide`` carried over: rows by sibling group, with or without an encoder of PyTorch."""

import numpy as np

from textaxa.migration._keys import Key, way_keys
from textaxa.migration._label_start import DenseStart
from textaxa.migration._label_vectors import needed, unit_labels
from textaxa.migration._plan import Planner, Row
from textaxa.taxonomy import NodeMapping, Taxonomy
from textaxa.wide import WideModel
from textaxa.wide._head import WideHead
from textaxa.wide._options import Options
from textaxa.wide._rows import Rows


def migrated_wide(model: WideModel, mapping: NodeMapping, rows: np.ndarray) -> tuple[WideModel, list[list[Row]]]:
    """Give a wide model for the new taxonomy, and the plan of its rows; the encoder is shared.

    The calibration is built into the rows, so rows that are carried keep it; new ones are sized like them.
    """
    old, options = model.head, Options.of(mapping.new)
    before, after = (_keys(t, o) for t, o in ((mapping.old, old.options), (mapping.new, options)))
    plan = Planner(mapping, [before], rows).plan(after)
    weight = np.zeros((len(plan), old.rows.width), dtype=np.float32)
    bias = np.zeros(len(plan), dtype=np.float32)
    for at, row in enumerate(plan):
        for _, place, share in row.sources:
            weight[at] += np.float32(share) * old.rows.as_float32(place, place + 1)[0]
            bias[at] += np.float32(share) * old.rows.bias[place]
            if share < 1:
                bias[at] -= np.float32(share * np.log(share))
    nodes = needed([plan])
    if nodes:
        DenseStart(unit_labels(mapping.new, nodes, model.vectors)).fill(plan, weight, bias)
    head = WideHead(mapping.new, options, Rows(weight, bias).astype(old.rows.values.dtype.name))
    changed = WideModel(mapping.new, model.settings, model.encoder, model.scale, head)
    changed.calibration = model.calibration
    return changed, [plan]


def _keys(taxonomy: Taxonomy, options: Options) -> list[Key]:
    node = np.asarray(options.node, dtype=np.int64)
    starts = options.start[:-1]
    parent = np.asarray(taxonomy.parent, dtype=np.int64)[node[starts]]  # a group begins with a child
    parents = np.repeat(parent, np.diff(options.start))
    return way_keys(node, parents, node == parents)
