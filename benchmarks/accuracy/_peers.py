"""The peers: which script runs in which environment, with which options, on which tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCRIPTS = HERE / "peers"
REQUIREMENTS = SCRIPTS / "requirements"
REPOSITORY = HERE.parents[1]

C = [0.25, 1.0, 4.0, 16.0]
"""Weights of the loss of linear models, tried on the validation rows."""


@dataclass(frozen=True)
class Peer:
    """One rival.

    Attributes
    ----------
    seeded
        Whether the seed changes anything. Where it does not, the first seed stands for all.
    several
        Whether it can give several paths a text.
    most_rows
        Left out, with the reason, on sets with more training rows: it would take hours there.
    needs
        An option without which it cannot run (``--set PEER.OPTION=VALUE``).
    """

    name: str
    script: str
    environment: str
    about: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    several: bool = False
    most_rows: int | None = None
    needs: str | None = None


_FEW_SHOTS = "SetFit on MiniLM, {} texts a path, 100 steps"
_HIAGM = {"structure": "gcn", "repair": False, "epochs": 100}
_PLAUD = {"epochs": 5, "max_tokens": 128, "encoder_rate": 5e-4, "head_rate": 1e-3}
"""The rate of the encoder is what bench_accuracy.py found best for a plain head on the same MiniLM; 2e-5, as released,
is meant for BERT-base. Five epochs instead of 20: what two cores allow."""

PEERS = (
    Peer(
        "hiclass-per-parent",
        "peer_hiclass.py",
        "hiclass",
        "HiClass, a linear SVM per parent node, TF-IDF",
        {"strategy": "parent", "C": C},
        seeded=False,
    ),
    Peer(
        "hiclass-per-node",
        "peer_hiclass.py",
        "hiclass",
        "HiClass, a logistic regression per node, TF-IDF",
        {"strategy": "node", "C": [*C, 64.0]},
        seeded=False,
    ),
    Peer(
        "pecos-xr-linear",
        "peer_pecos.py",
        "pecos",
        "PECOS XR-Linear on the given tree, TF-IDF",
        {"Cp": C, "post_processor": ["sigmoid", "l3-hinge"]},
        seeded=False,
        several=True,
    ),
    Peer(
        "libmultilabel-1vsrest",
        "peer_libmultilabel.py",
        "libmultilabel",
        "LibMultiLabel, one against rest, TF-IDF",
        {"method": "1vsrest", "C": C},
        seeded=False,
        several=True,
    ),
    Peer(
        "libmultilabel-tree",
        "peer_libmultilabel.py",
        "libmultilabel",
        "LibMultiLabel, its own label tree, TF-IDF",
        {"method": "tree", "C": C},
        several=True,
    ),
    Peer(
        "fasttext",
        "peer_fasttext.py",
        "fasttext",
        "fastText, word pairs; softmax, or one against all",
        {"lr": [0.25, 1.0], "epoch": [10, 50]},
        several=True,
    ),
    Peer("setfit-8", "peer_setfit.py", "setfit", _FEW_SHOTS.format(8), {"shots": 8, "steps": 100}),
    Peer("setfit-32", "peer_setfit.py", "setfit", _FEW_SHOTS.format(32), {"shots": 32, "steps": 100}),
    Peer(
        "gliclass-zero-shot",
        "peer_gliclass.py",
        "gliclass",
        "GLiClass by node names, no training",
        seeded=False,
        needs="model",
    ),
    Peer(
        "hiagm-tp-gcn",
        "peer_hiagm.py",
        "hiagm",
        "HiAGM-TP with the GCN, as released",
        _HIAGM,
        several=True,
        most_rows=10_000,
    ),
    Peer(
        "hiagm-tp-gcn-repaired",
        "peer_hiagm.py",
        "hiagm",
        "HiAGM-TP with the GCN, its unset bias set",
        _HIAGM | {"repair": True},
        several=True,
        most_rows=10_000,
    ),
    Peer(
        "plaud-bce",
        "peer_revisitinghtc.py",
        "revisitinghtc",
        "Plaud et al., BCE on all nodes, MiniLM",
        _PLAUD | {"loss": "bce"},
        several=True,
        most_rows=10_000,
    ),
    Peer(
        "plaud-softmax-la",
        "peer_revisitinghtc.py",
        "revisitinghtc",
        "Plaud et al., conditional softmax with logit adjustment, MiniLM",
        _PLAUD | {"loss": "conditional_softmax_la"},
        most_rows=10_000,
    ),
)
