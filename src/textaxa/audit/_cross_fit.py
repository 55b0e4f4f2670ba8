"""Node probabilities of every row from models that have not seen it.

In come labelled rows and the settings of a model; the model is trained once a fold, and each of them scores the rows
held out. Needs the extra ``train``.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.audit._folds import fold_of_rows
from textaxa.data import Examples
from textaxa.errors import DataError
from textaxa.heads import needs_encoder
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy

Listener = Callable[[dict[str, Any]], None]
Vectors = Callable[[Any, Sequence[str]], NDArray[np.float32]]


class OnceEncoded:
    """Gives the vectors of texts by a frozen encoder that has read all of them once.

    Parameters
    ----------
    texts
        All texts that will be asked for.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._position = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        self._vectors: NDArray[np.float32] | None = None

    def __call__(self, encoder: Any, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give the vectors of some of the texts, float32 (B, D)."""
        if self._vectors is None:
            self._vectors = np.asarray(encoder.encode(list(self._position)), dtype=np.float32)
        return self._vectors[[self._position[text] for text in texts]]

    def known(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """Give the vectors of some of the texts where an encoder was asked for any, else None."""
        return None if self._vectors is None else self._vectors[[self._position[text] for text in texts]]


def cross_fitted(
    examples: Examples,
    taxonomy: Taxonomy,
    settings: ModelSettings,
    *,
    n_folds: int = 5,
    listener: Listener | None = None,
    vectors: Vectors | None = None,
) -> NDArray[np.float32]:
    """Give P(text belongs under node) for every row by a model that was not trained on it, float32 (B, N).

    Parameters
    ----------
    examples
        Texts with labels.
    taxonomy
        Every label must be in it.
    settings
        What is trained in each fold; its seed also draws the folds. An encoder that is not frozen is fine-tuned anew
        in each.
    n_folds
        How many models; each learns from ``(n_folds - 1) / n_folds`` of the rows.
    listener
        Is told ``{"event": "fold", "fold": k, "folds": n_folds}`` before each.
    vectors
        Gives the text vectors of a frozen encoder. Left out, all texts are encoded once.

    Raises
    ------
    ConfigError
        Settings that do not fit, or fewer than two folds.
    DataError
        All rows belong together: they have one text, or are of one group.
    """
    folds = fold_of_rows(examples, n_folds, seed=settings.training.seed)
    if len(np.unique(folds)) < 2:
        raise DataError(
            f"{examples.source}: all rows belong together (one text, or one group), so none can be scored by a model "
            "that has not seen it. Add rows, or leave the group column out."
        )
    give = vectors or OnceEncoded(examples.texts)
    proba = np.zeros((len(examples), len(taxonomy)), dtype=np.float32)
    for k in range(n_folds):
        if listener is not None:
            listener({"event": "fold", "fold": k + 1, "folds": n_folds})
        if (folds == k).any():
            proba[folds == k] = cross_fitted_fold(examples, taxonomy, settings, folds == k, vectors=give)
    return proba


def cross_fitted_fold(
    examples: Examples, taxonomy: Taxonomy, settings: ModelSettings, held_out: NDArray[np.bool_], *, vectors: Vectors
) -> NDArray[np.float32]:
    """Give P(text belongs under node) for the held-out rows by a model trained on the others, float32 (held out, N)."""
    kept, held = (examples.select(np.flatnonzero(rows).tolist()) for rows in (~held_out, held_out))
    return _scored(held, _trained(kept, taxonomy, settings, vectors), vectors)


def _trained(kept: Examples, taxonomy: Taxonomy, settings: ModelSettings, give: Any) -> Any:
    from textaxa.training import train_model  # noqa: PLC0415 - the extra `train`, which scoring alone does not need

    return train_model(
        kept.texts,
        kept.labels,
        taxonomy,
        task=settings.task,
        encoder=settings.encoder,
        head=settings.head,
        head_settings=settings.head_settings,
        training=settings.training,
        vectors=give if _stands_still(settings) else None,
    )


def _scored(held: Examples, model: Any, give: Any) -> NDArray[np.float32]:
    stored = _stands_still(model.settings) and needs_encoder(model.settings.head) and model.head.reads == "vectors"
    found: NDArray[np.float32] = (
        model.node_proba_of(give(model.encoder, held.texts)) if stored else model.node_proba(held.texts)
    )
    return found


def _stands_still(settings: ModelSettings) -> bool:
    """Tell whether the encoder, if there is one, is the same in all folds."""
    return settings.encoder.frozen or not needs_encoder(settings.head)
