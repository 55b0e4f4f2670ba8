"""Heads that are networks, carried over to another taxonomy.

A trained head comes in; the same kind of head for the new taxonomy is filled: rows and columns that stand for the same
node are copied, those of merged nodes averaged (`textaxa.migration._refit` then makes them add up), those of new and
split nodes start from label text where a row reads the text vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from textaxa.heads._structure import edges_of
from textaxa.migration._keys import Key, edge_keys, end_keys, level_keys, node_keys, way_keys
from textaxa.migration._label_start import DenseStart
from textaxa.migration._label_vectors import Encode, needed, unit_labels
from textaxa.migration._plan import Planner, Row
from textaxa.taxonomy import NodeMapping, Taxonomy


@dataclass
class Layer:
    """A linear layer whose rows stand for keys.

    Attributes
    ----------
    linear
        The layer.
    keys
        What its rows stand for.
    text
        How many columns, from the first, read the text vector.
    fed
        What the columns after them stand for; empty where they stand for nothing that depends on nodes.
    """

    linear: nn.Linear
    keys: list[Key]
    text: int
    fed: list[Key]


def layers_of(head: Any, taxonomy: Taxonomy, width: int) -> list[Layer]:
    """Give the layers of a head that score nodes; of text vectors with ``width`` features."""
    name = type(head).__name__
    if name == "FlatHead":
        return [Layer(head.classifier, end_keys(taxonomy), width, [])]
    if name == "BinaryHead":
        return [Layer(head.classifier, node_keys(taxonomy), width, [])]
    if name == "ConditionalHead":
        return [Layer(head.classifier, _choices(head, taxonomy), width, [])]
    keys = _levels(head, taxonomy)
    found = []
    for level, module in enumerate(head.classifiers):
        linear = module if isinstance(module, nn.Linear) else module[-1]
        reads = isinstance(module, nn.Linear)
        by_class = len(getattr(head, "feeds", ())) > 0 and head.settings.fed_as != "embedding"
        fed = keys[level - 1] if level and reads and by_class else []
        found.append(Layer(linear, keys[level], width if reads else 0, fed))
    return found


def _text_width(head: Any) -> int:
    first = head.classifier if hasattr(head, "classifier") else head.classifiers[0]
    return int(first.in_features)


def _choices(head: Any, taxonomy: Taxonomy) -> list[Key]:
    if head.task == "multi":
        return node_keys(taxonomy)
    choices = head.choices
    parents = choices.get_buffer("_group").cpu().numpy() - 1
    return way_keys(choices.choice_nodes, parents, choices._is_end)


def _levels(head: Any, taxonomy: Taxonomy) -> list[list[Key]]:
    if head.task == "multi":
        return [[("node", int(node)) for node in nodes] for nodes in head.scoring.class_nodes]
    return [level_keys(taxonomy, level, nodes) for level, nodes in enumerate(head.scoring.class_nodes, start=1)]


@torch.no_grad()
def carry_over(old: Any, new: Any, mapping: NodeMapping, encode: Encode, rows: np.ndarray) -> list[list[Row]]:
    """Fill a new head from an old one of the same kind and settings; give the plans of its layers.

    Parameters
    ----------
    old, new
        The heads.
    mapping
        Which node became which.
    encode
        Gives the scaled vectors of texts, for label texts where they are needed.
    rows
        Training rows at or below every old node (N,).
    """
    if type(old).__name__.startswith("Hiagm"):
        _carry_hiagm(old, new, mapping, rows)
        return []
    width = _text_width(old)
    before, after = layers_of(old, mapping.old, width), layers_of(new, mapping.new, width)
    planner = Planner(mapping, [layer.keys for layer in before], rows, chooses=old.task == "single")
    plans = [planner.plan(layer.keys) for layer in after]
    nodes = needed(plans)
    start = DenseStart(unit_labels(mapping.new, nodes, encode)) if nodes and width else None
    for at, (layer, plan) in enumerate(zip(after, plans, strict=True)):
        above = plans[at - 1] if at else []
        weight, bias = _carried(layer, plan, before, above, level=at)
        if layer.text and start is not None:
            start.fill(plan, weight, bias)
        elif not layer.text:
            _fill_unread(plan, weight, bias)
        layer.linear.weight.copy_(torch.from_numpy(weight))
        layer.linear.bias.copy_(torch.from_numpy(bias))
    _carry_between(old, new, plans)
    _carry_weights_of_levels(old, new)
    return plans


def _carried(
    layer: Layer, plan: list[Row], before: list[Layer], above: list[Row], *, level: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give weights and biases of a layer as far as they have sources; the others are 0."""
    weight = np.zeros(tuple(layer.linear.weight.shape), dtype=np.float32)
    bias = np.zeros(len(plan), dtype=np.float32)
    for at, row in enumerate(plan):
        for source, place, share in row.sources:
            old = before[source].linear
            values = old.weight[place].detach().cpu().numpy()
            if before[source].text == layer.text:  # the cascade's levels read different things
                weight[at] += np.float32(share) * _columns(values, layer, above, same_level=source == level)
            bias[at] += np.float32(share) * old.bias[place].item()
            if 0 < share < 1:
                bias[at] -= np.float32(
                    share * np.log(share)
                )  # of a log of a sum: sum of p z + entropy of p is below it
    return weight, bias


def _columns(values: np.ndarray, new: Layer, above: list[Row], *, same_level: bool) -> np.ndarray:
    """Give an old row with its columns where the new layer has them; columns of new nodes are 0."""
    text, size = new.text, new.linear.in_features
    if size == text or (not text and not new.fed):
        return values[:size]
    found = np.zeros(size, dtype=np.float32)
    found[:text] = values[:text]
    if same_level:  # what another level was fed says nothing here
        found[text:] = fed_columns(values[text:], above) if new.fed else values[text:]
    return found


def fed_columns(columns: np.ndarray, above: Sequence[Row]) -> np.ndarray:
    """Give the columns (C,) of the classes of the level above: old ones, means of merged ones, 0 for new ones."""
    return np.array(
        [sum(np.float32(share) * columns[place] for _, place, share in row.sources) for row in above], dtype=np.float32
    )


def _fill_unread(plan: list[Row], weight: np.ndarray, bias: np.ndarray) -> None:
    """Start rows of a layer that does not see the text: new ones as the mean of their siblings, or of all."""
    for at, row in enumerate(plan):
        if row.sources:
            bias[at] += np.float32(np.log(row.share))
        elif row.base:
            weight[at], bias[at] = weight[list(row.base)].mean(0), bias[list(row.base)].mean()


def _carry_between(old: Any, new: Any, plans: list[list[Row]]) -> None:
    """Carry what stands between the levels: embeddings of classes, and the cascade's first layers."""
    for level, (feed, fresh) in enumerate(zip(getattr(old, "feeds", ()), getattr(new, "feeds", ()), strict=False)):
        if feed.embedding is not None:
            _copy_columns(feed.embedding.weight, fresh.embedding.weight, plans[level])
    modules = zip(getattr(old, "classifiers", ()), getattr(new, "classifiers", ()), strict=False)
    for level, (module, fresh) in enumerate(modules):
        if not isinstance(module, nn.Sequential):
            continue
        first: Any = module[0]
        if old.settings.fed_as == "embedding":
            fresh[0].weight.copy_(first.weight)
        else:
            _copy_columns(first.weight, fresh[0].weight, plans[level - 1])
        fresh[0].bias.copy_(first.bias)


def _copy_columns(old: torch.Tensor, new: torch.Tensor, plan: list[Row]) -> None:
    table = old.detach().cpu().numpy()
    new.copy_(torch.from_numpy(np.stack([fed_columns(row, plan) for row in table])))


def _carry_weights_of_levels(old: Any, new: Any) -> None:
    """Copy the weights of the levels' losses; more levels take those of the deepest one."""
    weights = getattr(getattr(old, "scoring", None), "level_weights", None)
    if weights is None:
        return
    fresh = new.scoring.level_weights
    for name, value in weights.state_dict().items():
        own = fresh.state_dict()[name]
        level = torch.arange(len(own)).clamp_max(len(value) - 1)
        own.copy_(value[level])


@torch.no_grad()
def _carry_hiagm(old: Any, new: Any, mapping: NodeMapping, rows: np.ndarray) -> None:
    """Carry a HiAGM head: everything there stands for a node or an edge.

    A new node starts as the mean of its siblings; what it tells other nodes starts at 0.
    """
    nodes = Planner(mapping, [node_keys(mapping.old)], rows, chooses=False).plan(node_keys(mapping.new))
    edges = (edge_keys(e.parent, e.child) for e in map(edges_of, (mapping.old, mapping.new)))
    of_edges = _edge_plan(mapping, *edges)
    scale = getattr(old.classifier, "scale", 1.0) / getattr(new.classifier, "scale", 1.0)
    state, fresh = old.state_dict(), new.state_dict()
    n_old, n_new = len(mapping.old), len(mapping.new)
    for name, value in state.items():
        into = fresh[name]
        if name == "classifier.weight":
            wide = value.reshape(n_old, n_old, -1)
            wide = _outputs(nodes, wide)
            wide = torch.stack([_inputs(nodes, one) for one in wide])
            into.copy_(scale * wide.reshape(n_new, -1))
        elif name.startswith("transform."):
            into.copy_(_outputs(nodes, value.reshape(n_old, -1)).reshape(into.shape))
        elif name.endswith(("up_weight", "down_weight", "up.weight", "down.weight")):
            into.copy_(_edges(of_edges, value, told=name.endswith(("down_weight", "down.weight"))))
        elif value.shape[:1] == (n_old,) and into.shape[:1] == (n_new,):
            into.copy_(_outputs(nodes, value))
        else:
            into.copy_(value)


def _outputs(plan: list[Row], value: torch.Tensor) -> torch.Tensor:
    """Give the rows (N, …) of all nodes; of new ones the mean of their siblings."""
    found = value.new_zeros(len(plan), *value.shape[1:])
    for at, row in enumerate(plan):
        for _, place, share in row.sources:
            found[at] += share * value[place] if share != 1 else value[place]
    for at, row in enumerate(plan):
        if not row.sources and row.base:
            found[at] = found[list(row.base)].mean(0)
    return found


def _inputs(plan: list[Row], value: torch.Tensor) -> torch.Tensor:
    """Give what a node's logit reads of every node, (N, d): merged ones are a mean, so their columns add up."""
    found = value.new_zeros(len(plan), *value.shape[1:])
    for at, row in enumerate(plan):
        for _, place, _share in row.sources:
            found[at] += row.share * value[place] if row.share != 1 else value[place]
    return found


def _edge_plan(mapping: NodeMapping, before: list[Key], after: list[Key]) -> list[list[int]]:
    place = {key[1:]: at for at, key in enumerate(before)}
    found = []
    for _, parent, child in after:
        pairs = [(p.old, c.old) for p in mapping.sources(parent) for c in mapping.sources(child)]
        found.append([place[pair] for pair in pairs if pair in place])
    return found


def _edges(plan: list[list[int]], value: torch.Tensor, *, told: bool) -> torch.Tensor:
    """Give the weights of edges; new ones tell parents nothing, and children as much as others."""
    new = value.mean() if told and len(value) else value.new_zeros(())
    return torch.stack([value[places].mean() if places else new for places in plan]) if plan else value.new_zeros(0)
