"""Corrections laid over the rows of a table: the newest one of a text wins, and no text stands on both sides.

What is held out stays what it was: a corrected text that is among the validation rows gets its right label there and is
not trained on. So scores with and without corrections are of the same texts, and what is promised of the model rests on
rows that people did not pick.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from textaxa.data import Examples
from textaxa.data._keys import text_key
from textaxa.errors import ConfigError, DataError
from textaxa.feedback._correction import Correction
from textaxa.feedback._store import open_feedback
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy

_SHOWN = 5
"""Paths that are named."""


@dataclass(frozen=True)
class FeedbackUsed:
    """What became of the corrections.

    Attributes
    ----------
    given
        Corrections that were read.
    added
        Texts that are training rows now and were none before.
    relabelled
        Training rows that had another label.
    valid_relabelled
        Validation rows that had another label.
    confirmed
        Texts whose row had that label already.
    older
        Corrections of a text that a newer one replaced.
    unknown
        Those left out because a path is not in the taxonomy.
    several
        Those left out because they have several paths, and the model gives one.
    damaged
        Entries that could not be read.
    models
        Corrections by the model that was corrected.
    files
        Corrections by the file that they were read from. Files only grow, so the first ones are those that were read.
    unknown_paths
        Some of the paths that are not in the taxonomy.
    """

    given: int = 0
    added: int = 0
    relabelled: int = 0
    valid_relabelled: int = 0
    confirmed: int = 0
    older: int = 0
    unknown: int = 0
    several: int = 0
    damaged: int = 0
    models: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    unknown_paths: tuple[LabelPath, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON; without the names of files, which say where somebody's home is."""
        values = asdict(self) | {"models": dict(self.models), "unknown_paths": [list(p) for p in self.unknown_paths]}
        del values["files"]
        return values

    def sentence(self) -> str:
        """Say it in one line.

        >>> FeedbackUsed(given=3, added=2, unknown=1, unknown_paths=(("Games", "Old"),)).sentence()
        "3 corrections: 2 new training rows; left out: 1 of paths that are not in the taxonomy (such as 'Games > Old')"
        """
        done = [
            (self.added, "new training rows"),
            (self.relabelled, "training rows with another label"),
            (self.valid_relabelled, "validation rows with another label"),
            (self.confirmed, "confirmed"),
        ]
        such = f" (such as {' > '.join(self.unknown_paths[0])!r})" if self.unknown_paths else ""
        left = [
            (self.older, "that a newer one replaced"),
            (self.unknown, f"of paths that are not in the taxonomy{such}"),
            (self.several, "with several paths, where the model gives one"),
            (self.damaged, "that cannot be read"),
        ]
        told = ", ".join(f"{count:,} {what}" for count, what in done if count) or "none of use"
        rest = ", ".join(f"{count:,} {what}" for count, what in left if count)
        return f"{self.given:,} corrections: {told}" + (f"; left out: {rest}" if rest else "")


def read_feedback(files: Iterable[str | Path]) -> tuple[list[Correction], int]:
    """Give the corrections of these files, oldest first, and how many entries could not be read.

    Raises
    ------
    ConfigError
        A file is not there, or has an ending that is none of ours.
    DataError
        A file cannot be read.
    """
    found, damaged, _ = first_feedback(files)
    return found, damaged


def first_feedback(
    files: Iterable[str | Path], first: Mapping[str, int] | None = None
) -> tuple[list[Correction], int, dict[str, int]]:
    """Give the corrections of files, how many entries could not be read, and how many corrections each file gave.

    Parameters
    ----------
    files
        The files.
    first
        Of these, by their resolved names, only so many of the oldest are read: what a file held at an earlier time.

    Raises
    ------
    ConfigError
        A file is not there, or has an ending that is none of ours.
    DataError
        A file cannot be read.
    """
    found: list[tuple[str, Correction]] = []
    damaged, counts = 0, {}
    for file in files:
        if not Path(file).is_file():
            raise ConfigError(
                f"There is no file of corrections {str(file)!r}. `textaxa serve … --feedback FILE` writes one."
            )
        store, name = open_feedback(file), str(Path(file).resolve())
        some = list(islice(store, (first or {}).get(name)))
        found += _with_times(some)
        damaged, counts[name] = damaged + store.damaged, len(some)
    return [one for _, one in sorted(found, key=itemgetter(0))], damaged, counts


def _with_times(corrections: Iterable[Correction]) -> Iterator[tuple[str, Correction]]:
    """Give corrections of a file with times that never go back: the order of a file is sure, a clock may be set."""
    latest = ""
    for one in corrections:
        latest = max(latest, one.time)
        yield latest, one


def with_feedback(
    training: Examples,
    valid: Examples,
    corrections: Sequence[Correction],
    *,
    several: bool,
    taxonomy: Taxonomy | None = None,
    damaged: int = 0,
) -> tuple[Examples, Examples, FeedbackUsed]:
    """Lay corrections over rows that are already parted.

    Parameters
    ----------
    training, valid
        The rows of both sides; ``valid`` may be empty.
    corrections
        Oldest first; of one text (but for case and spaces) the last counts.
    several
        Whether the model may give a text several paths.
    taxonomy
        Where all paths must be; None: any path is taken.
    damaged
        Told in the counts.

    Returns
    -------
    Training rows with what is new at the end, validation rows of the same texts as before, and what became of it.

    Examples
    --------
    >>> rows = Examples(["Chess", "Photos"], [(("Games",),), (("Games",),)], [2, 3])
    >>> said = [Correction("photos", (("Media",),)), Correction("A film", (("Media",),))]
    >>> training, _, used = with_feedback(rows, rows.select([]), said, several=False)
    >>> training.texts, training.labels[1], used.added, used.relabelled
    (['Chess', 'Photos', 'A film'], (('Media',),), 1, 1)
    """
    usable, used = _usable(corrections, several=several, taxonomy=taxonomy)
    training, known, changed = _relabelled(training, usable)
    valid, held_out, valid_changed = _relabelled(valid, usable)
    new = [one for key, one in usable.items() if key not in known and key not in held_out]
    met = known | held_out
    used = replace(
        used,
        added=len(new),
        relabelled=changed,
        valid_relabelled=valid_changed,
        confirmed=sum(not known.get(key) and not held_out.get(key) for key in met),
        damaged=damaged,
    )
    return _extended(training, new), valid, used


def feedback_examples(
    corrections: Sequence[Correction], *, several: bool, taxonomy: Taxonomy, damaged: int = 0
) -> tuple[Examples, FeedbackUsed]:
    """Give corrections alone as rows, where there is no table.

    Raises
    ------
    DataError
        None of them can be used.
    """
    usable, used = _usable(corrections, several=several, taxonomy=taxonomy)
    used = replace(used, added=len(usable), damaged=damaged)
    if not usable:
        raise DataError(f"There is nothing to train on: {used.sentence()}. Give a table, or other corrections.")
    empty = Examples([], [], [], source="the corrections")
    return _extended(empty, list(usable.values())), used


def _usable(
    corrections: Sequence[Correction], *, several: bool, taxonomy: Taxonomy | None
) -> tuple[dict[bytes, Correction], FeedbackUsed]:
    """Give what can be trained on, by the key of its text, and the counts of what cannot."""
    usable: dict[bytes, Correction] = {}
    older = too_many = left_out = 0
    unknown: dict[LabelPath, None] = {}
    for one in corrections:
        outside = [path for path in one.paths if taxonomy is not None and path not in taxonomy]
        if outside:
            left_out += 1
            unknown |= dict.fromkeys(outside)
        elif len(one.paths) > 1 and not several:
            too_many += 1
        else:
            key = text_key(one.text)
            older += key in usable
            usable.pop(key, None)  # so that the newest come last
            usable[key] = one
    models = Counter(one.model for one in corrections if one.model)
    used = FeedbackUsed(len(corrections), older=older, unknown=left_out, several=too_many, models=models)
    return usable, replace(used, unknown_paths=tuple(unknown)[:_SHOWN])


def _relabelled(examples: Examples, usable: Mapping[bytes, Correction]) -> tuple[Examples, dict[bytes, bool], int]:
    """Give rows with the labels of corrections; which texts were met, and whether a label changed; how many did."""
    labels, changed = list(examples.labels), 0
    met: dict[bytes, bool] = {}
    for row, text in enumerate(examples.texts) if usable else ():
        key = text_key(text)
        one = usable.get(key)
        if one is None:
            continue
        differs = set(labels[row]) != set(one.paths)
        met[key] = met.get(key, False) or differs
        changed += differs
        labels[row] = one.paths
    return replace(examples, labels=labels), met, changed


def _extended(examples: Examples, new: Sequence[Correction]) -> Examples:
    last = max(examples.rows, default=0)
    return replace(
        examples,
        texts=examples.texts + [one.text.strip() for one in new],
        labels=examples.labels + [one.paths for one in new],
        rows=examples.rows + list(range(last + 1, last + 1 + len(new))),
        groups=None if examples.groups is None else examples.groups + [""] * len(new),
        ids=None if examples.ids is None else examples.ids + [one.id for one in new],
    )
