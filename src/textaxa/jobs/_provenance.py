"""How a model came to be: what its folder keeps of it, and what is not the same when it is trained again.

A configuration, rows and a taxonomy come in, plain values for the model's summary go out. Files are named as they were
given, but never with the folders of a machine: models are passed on.
"""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from textaxa._processes import launched
from textaxa._versions import versions
from textaxa.config import Config
from textaxa.data import Examples, rows_fingerprint
from textaxa.taxonomy import Taxonomy

KEY = "provenance"
"""Where a model's summary keeps it."""

SIDES = ("training", "valid")


def provenance(
    config: Config,
    training: Examples,
    valid: Examples,
    taxonomy: Taxonomy,
    *,
    corrections: Mapping[str, int],
    resumed: bool,
) -> dict[str, Any]:
    """Give what is needed to train a model again.

    Parameters
    ----------
    config
        What training was told.
    training, valid, taxonomy
        What it was given.
    corrections
        How many corrections each file gave, by its resolved name.
    resumed
        Whether the run was interrupted in between.
    """
    named = config.with_files(portable)
    encoder = named.encoder.encoder
    named = replace(named, encoder=replace(named.encoder, encoder=encoder and portable(encoder)))
    return {
        "settings": named.to_dict(),
        "rows": {
            side: rows_fingerprint(rows.texts, rows.labels) for side, rows in zip(SIDES, (training, valid), strict=True)
        },
        "taxonomy": taxonomy.fingerprint,
        "corrections": [corrections[str(Path(file).resolve())] for file in config.data.feedback],
        "machine": machine(),
        "resumed": resumed,
    }


def portable(name: str) -> str:
    """Give a file's name without the folders of this machine: one that starts at the root is cut to its last part."""
    place = Path(name)
    kept = place.name if place.is_absolute() else name
    return kept.encode("utf-8", "backslashreplace").decode("utf-8")


def machine() -> dict[str, Any]:
    """Give what decides the last bits: the processor, the threads that computed, the processes that took part."""
    return {
        "system": platform.system(),
        "processor": _processor(),
        "threads": _threads(),
        "processes": launched().world,
    }


def _threads() -> int:
    if "torch" in sys.modules:
        found: int = sys.modules["torch"].get_num_threads()
        return found
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """Give the processor's name; Linux tells it in a file, other systems by themselves."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text(encoding="utf-8").splitlines() if info.is_file() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return " ".join(value.split())
    return platform.processor() or platform.machine()


def surroundings(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Give what surrounded a training, by names that people read: of a model's summary, as far as it tells."""
    kept = summary.get(KEY)
    found = dict(kept.get("machine") or {}) if isinstance(kept, Mapping) else {}
    found |= dict(summary.get("versions") or {})
    return found | {name: summary[name] for name in ("device", "precision", "encoder_weights") if name in summary}


def surroundings_now(then: Mapping[str, Any]) -> dict[str, Any]:
    """Give the same of here and now, as far as it can be told before training."""
    return machine() | versions(*then)


def changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say what was another one then; what only one of the two knows is not compared.

    Examples
    --------
    >>> changed({"torch": "2.12.0", "threads": 4}, {"torch": "2.13.0", "threads": 4})
    ['torch: 2.12.0 then, 2.13.0 now']
    """
    return [f"{name}: {was} then, {now[name]} now" for name, was in then.items() if name in now and now[name] != was]
