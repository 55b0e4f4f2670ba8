"""What the model promises of its answers, and whether these texts bear it out."""

from typing import Any

import numpy as np

from textaxa.evaluation._wilson import wilson
from textaxa.report._material import Material, number
from textaxa.report._payload_coverage import HEADLINE, names_of_levels, whole_percents

CONFIDENCE = 0.95
"""With which the promise is made that the page tells of."""


def promise_kept(material: Material) -> dict[str, Any] | None:
    """Give what became of the model's promise on these texts; None where it was not asked for one.

    Returns
    -------
    ``why``: the reason why none can be made, else None. Then also ``answered`` and ``right``, numbers of texts, the
    ``interval`` of the share that is right, and ``names`` and ``shown``, what share of the texts needs no person, needs
    the last levels, and is left to a person, in whole percent.
    """
    told = {"accuracy": HEADLINE, "confidence": CONFIDENCE, "why": material.promise_refused or None}
    if material.promised is None or not material.single:
        return told if told["why"] else None
    taxonomy = material.taxonomy
    answer = np.asarray(material.promised, dtype=np.int64)
    best = np.asarray([row[0] for row in material.predicted], dtype=np.int64)
    answered = answer >= 0
    right = sum(
        bool(np.isin(node, taxonomy.ancestors.rows(true)))
        for node, true in zip(answer.tolist(), material.true, strict=True)
        if node >= 0
    )
    missing = np.maximum(taxonomy.depth[best] - taxonomy.depth[answer], 0)[answered]
    counts = [*np.bincount(missing, minlength=taxonomy.n_levels).tolist(), int((~answered).sum())]
    low, high = wilson([right], [answered.sum()])
    return told | {
        "answered": int(answered.sum()),
        "right": right,
        "interval": [number(float(low[0])), number(float(high[0]))],
        "names": names_of_levels(taxonomy.n_levels),
        "shown": whole_percents([count / len(answer) for count in counts]),
    }
