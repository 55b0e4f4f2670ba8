"""Settings of the head ``wide``."""

from dataclasses import dataclass

from textaxa.settings import Checked, setting
from textaxa.wide._rows import ROW_TYPES
from textaxa.wide._sampled import SAMPLED_FROM


@dataclass(frozen=True)
class WideSettings(Checked):
    """``wide``: a softmax among siblings, searched by a beam and trained group by group; for up to a million nodes."""

    rows: str = setting(
        "float32",
        "How weights are stored after training. int8 takes a quarter of the memory and float16 half of it; int8 agrees "
        "with float32 on 98 to 100 % of texts and is the faster of the two, since processors convert float16 slowly.",
        choices=ROW_TYPES,
    )
    beam: int = setting(
        10,
        "Nodes that a search keeps at each level of the taxonomy. Wider is slower and misses less; as wide as the "
        "widest level it misses nothing.",
        at_least=1,
        at_most=10_000,
    )
    init: str = setting(
        "random",
        "random: every row starts from zero, so that a node without training rows is hardly ever found. label-names: "
        "rows start from the encoder's vector of the node's path and description, and those that no training row "
        "reaches stay there and get a bonus, as large as costs at most 1 % of the validation rows, so that untrained "
        "nodes are found by their names.",
        choices=("random", "label-names"),
    )
    learning_rate: float = setting(
        0.5,
        "By how many nats a step moves the logit of a text of average length at most.",
        at_least=1e-6,
        at_most=100,
    )
    group_batch: int = setting(
        32,
        "Texts of a group of siblings from which one step is made. Where groups are small, larger batches make too few "
        "steps.",
        at_least=1,
        at_most=100_000,
    )
    negatives: int = setting(
        1024,
        f"A category with more than {SAMPLED_FROM} times so many children is trained against so many of them, drawn "
        "anew for each step (sampled softmax). More is slower and learns more from a step.",
        at_least=1,
        at_most=10_000_000,
    )
