"""``hiagm-la``: every node attends to the text with an embedding that knows its place in the taxonomy."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa.encoders import TokenStates
from textaxa.heads import _hiagm, _settings
from textaxa.heads._hiagm import NodeClassifier, NodeScoring, structure_encoder
from textaxa.settings import Checked
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class HiagmLASettings(Checked):
    """``hiagm-la``: every node reads the states of the tokens that matter to it."""

    structure: str = _hiagm.structure()
    priors: bool = _hiagm.priors()
    dropout: float = _settings.dropout()
    node_dropout: float = _hiagm.node_dropout()
    recursive_regularisation: float = _hiagm.recursive_regularisation()


class HiagmLAHead(nn.Module):
    """Label embeddings (N, D) → structure encoder → attention over token states → Linear N D → N.

    With H the nodes out of the structure encoder and s_j the states of the tokens, node k reads::

        v_k = sum over j of a_kj s_j            a_k = softmax over real tokens j of (h_k · s_j)

    Single- and several-path tasks.

    Source: HiAGM (Zhou et al., ACL 2020), HiAGM-LA. In the released code every text has one key, so that
    all a_kj are 1 and the labels learn nothing; here the keys are the states of all tokens. The width of a node is
    that of a state, as the product h · s asks for. Dropout is on the token states, not on the logits.
    """

    Settings = HiagmLASettings
    tasks = ("single", "multi")
    reads = "tokens"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: HiagmLASettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.scoring = NodeScoring(taxonomy, task)
        self.dropout = nn.Dropout(settings.dropout)
        self.labels = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(len(taxonomy), width), nonlinearity="linear"))
        self.structure = structure_encoder(taxonomy, width, task=task, settings=settings, counts=counts)
        self.classifier = NodeClassifier(taxonomy, width, settings.recursive_regularisation)

    def forward(
        self, features: TokenStates, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score token states (B, L, D) with their mask (B, L): logits (B, N)."""
        del targets, progress
        states = self.dropout(features.states)
        nodes = self.structure(self.labels[:, None])[:, 0]
        fit = (states @ nodes.T).masked_fill(~features.mask[..., None], -torch.inf)
        attention = torch.softmax(fit, dim=1, dtype=torch.promote_types(fit.dtype, torch.float32))
        return self.classifier(attention.to(states.dtype).transpose(1, 2) @ states)

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the loss of a batch in nats, recursive regularisation included."""
        return self.scoring.loss(scores, targets) + self.classifier.regularisation()

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.scoring.node_proba(scores)

    def end_epoch(self) -> None:
        """Nothing changes between epochs."""
