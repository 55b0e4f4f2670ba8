"""Data sets with a fifth of their leaves hidden, and the models that are trained with and without them.

The split into training, validation and test rows is that of the other benchmarks and comes first; which leaves are
hidden is drawn at random, once a seed. Models lie in ``build/accuracy/living`` (``$TEXTAXA_RUNS``), so that a stopped
run goes on where it was; text vectors of the frozen encoder are computed once a set.
"""

import json
import sys
import time
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "accuracy"))

from _runs import AS_TRAINED, MAX_LENGTH, RUNS, _vectors, task_of, taxonomy_of  # makes the folder above importable

from _corpora import FOLDER, Rows, Split  # isort: skip

from textaxa.encoders import load_encoder
from textaxa.heads import build_head, head_class
from textaxa.model import Model, read_width
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy, read_taxonomy
from textaxa.training import train_model

HIDDEN = 0.2
"""Share of the leaves that training does not know."""

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Hidden:
    """One data set with hidden leaves.

    Attributes
    ----------
    data
        The set, split.
    seed
        Draws the leaves, and trains the models.
    full
        The whole taxonomy, with descriptions where its owner publishes some.
    """

    data: Split
    seed: int
    full: Taxonomy

    @cached_property
    def leaves(self) -> frozenset[LabelPath]:
        """The hidden leaves."""
        leaves = [path for node, path in enumerate(self.full.nodes) if not len(self.full.children.row(node))]
        order = np.random.default_rng(self.seed).permutation(len(leaves))
        return frozenset(leaves[i] for i in order[: max(1, round(HIDDEN * len(leaves)))])

    @cached_property
    def base(self) -> Taxonomy:
        """The taxonomy without them; an inner node is left out, too, where nothing is left below it."""
        ends = {self.full.path(int(node)) for node in self.full.terminals} - self.leaves
        paths = [path for path in self.full.nodes if path in ends]
        return Taxonomy.from_paths(paths, descriptions=_kept_descriptions(self.full, paths))

    def is_hidden(self, part: str) -> np.ndarray:
        """Mark the rows that have a hidden leaf among their labels, bool (B,)."""
        return np.array([any(path in self.leaves for path in labels) for labels in getattr(self.data, part)[1]])

    def rows(self, part: str, *, hidden: bool | None = None) -> np.ndarray:
        """Give the numbers of a part's rows: those with hidden leaves, those without, or all."""
        marks = self.is_hidden(part)
        return np.arange(len(marks)) if hidden is None else np.flatnonzero(marks == hidden)

    def taken(self, part: str, rows: np.ndarray) -> Rows:
        """Give texts and labels of some rows."""
        texts, labels = getattr(self.data, part)
        return [texts[i] for i in rows], [labels[i] for i in rows]

    def vectors(self, part: str) -> np.ndarray:
        """Give the vectors of all rows of a part, (B, D)."""
        return _vectors(self.data, part)


def hidden(data: Split, seed: int) -> Hidden:
    """Give a set with a fifth of its leaves hidden."""
    return Hidden(data, seed, described(taxonomy_of(data), data.name))


def described(taxonomy: Taxonomy, name: str) -> Taxonomy:
    """Give the taxonomy with the descriptions that its owner publishes; as it is where there are none."""
    said = _descriptions(name)
    if not said:
        return taxonomy
    found = {path: said.get(_key(path, name), "") for path in taxonomy.nodes}
    terminals = [taxonomy.path(int(node)) for node in taxonomy.terminals]
    return Taxonomy.from_paths(terminals, descriptions={p: text for p, text in found.items() if text}, sort=True)


def _descriptions(name: str) -> dict[str, str]:
    if name == "naics2017":
        lines = (FOLDER / name / "label_descriptions.jsonl").read_text(encoding="utf-8").splitlines()
        return {one["code"]: " ".join(one["description"].split()) for one in map(json.loads, lines)}
    if name == "fdroid":
        return json.loads((FOLDER / name / "category_descriptions.json").read_text(encoding="utf-8"))
    if name == "open-apps":
        with as_file(files("textaxa").joinpath("demo_data", "taxonomy.csv")) as file:
            read = read_taxonomy(file)
        return {" > ".join(path): read.descriptions[node] for node, path in enumerate(read.nodes)}
    return {}


def _key(path: LabelPath, name: str) -> str:
    if name == "naics2017":
        return path[-1].partition(" ")[0]
    return " > ".join(path) if name == "open-apps" else path[-1]


def _kept_descriptions(full: Taxonomy, paths: list[LabelPath]) -> dict[LabelPath, str]:
    if full.descriptions is None:
        return {}
    prefixes = {path[:length] for path in paths for length in range(1, len(path) + 1)}
    found = {path: full.descriptions[full.index(path)] for path in prefixes}
    return {path: text for path, text in found.items() if text}


def trained(what: Hidden, head: str, *, with_hidden: bool) -> tuple[Model, float]:
    """Give a model on the frozen encoder, trained with or without the hidden leaves, and the seconds that took."""
    folder = RUNS / "living" / f"{what.data.name}-{head}-{what.seed}-{'full' if with_hidden else 'base'}"
    if not (folder / "told.json").is_file():
        _train(what, head, with_hidden, folder)
    taxonomy = what.full if with_hidden else what.base
    seconds, counts, thresholds = json.loads((folder / "told.json").read_text())
    model = _loaded(what, head, taxonomy, folder, counts)
    model.thresholds = None if thresholds is None else np.array(thresholds)
    return model, seconds


def _train(what: Hidden, head: str, with_hidden: bool, folder: Path) -> None:
    wanted = {part: what.rows(part, hidden=None if with_hidden else False) for part in PARTS}
    rows = {part: what.taken(part, wanted[part]) for part in PARTS}
    known = {id(rows[part][0]): what.vectors(part)[wanted[part]] for part in PARTS}
    started = time.monotonic()
    model = train_model(
        *rows["train"],
        what.full if with_hidden else what.base,
        task=task_of(what.data),
        head=head,
        encoder=EncoderSettings(frozen=True, max_length=MAX_LENGTH),
        training=TrainingSettings(seed=what.seed, **AS_TRAINED),
        valid=rows["valid"],
        vectors=lambda _, texts: known[id(texts)],
    )
    folder.mkdir(parents=True, exist_ok=True)
    state = {f"head.{k}": v for k, v in model.head.state_dict().items()}
    save_file(state | {f"scale.{k}": v for k, v in model.scale.state_dict().items()}, folder / "head.safetensors")
    thresholds = None if model.thresholds is None else model.thresholds.tolist()
    told = [time.monotonic() - started, model.summary["counts"], thresholds]
    (folder / "told.json").write_text(json.dumps(told))


_ENCODERS: list = []


def _encoder():
    if not _ENCODERS:
        _ENCODERS.append(load_encoder(EncoderSettings(frozen=True, max_length=MAX_LENGTH)).eval())
    return _ENCODERS[0]


def _loaded(what: Hidden, head: str, taxonomy: Taxonomy, folder: Path, counts: list[int]) -> Model:
    kind, encoder, task = head_class(head), _encoder(), task_of(what.data)
    settings = ModelSettings(
        task, head, kind.Settings(), encoder.settings, TrainingSettings(seed=what.seed, **AS_TRAINED)
    )
    width = read_width(encoder, kind)
    built = build_head(head, taxonomy, width, task=task, settings=settings.head_settings, counts=np.array(counts))
    model = Model(taxonomy, encoder, built, settings, {"counts": counts, "rows": sum(counts)})
    state = load_file(folder / "head.safetensors")
    for name, part in (("head.", model.head), ("scale.", model.scale)):
        part.load_state_dict({k.removeprefix(name): v for k, v in state.items() if k.startswith(name)})
    return model.eval()


def right(model: Model, what: Hidden, part: str) -> np.ndarray:
    """Mark the rows of a part whose answer is exactly the true one, bool (B,)."""
    found = model.decode(model.node_proba_of(what.vectors(part)))
    answers = [frozenset(p.path for p in row) for row in found]
    return np.array([a == frozenset(labels) for a, labels in zip(answers, getattr(what.data, part)[1], strict=True)])
