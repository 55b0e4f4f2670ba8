"""``HierarchicalTextClassifier``: the whole way from texts and labels to predictions, as one scikit-learn estimator."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from textaxa.data import (
    Columns,
    Examples,
    normalise_labels,
    normalise_texts,
    read_examples,
    split_examples,
    taxonomy_of_labels,
)
from textaxa.data._columns import remember_columns
from textaxa.decisions import Choice, Decider, evidence_of
from textaxa.decoding import Prediction
from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import hierarchical_f1
from textaxa.evaluation._scorer import with_paths
from textaxa.frames import splits_of
from textaxa.guarantee import prediction_sets, set_cut
from textaxa.heads import check_encoder, head_settings
from textaxa.persistence import load_model, save_model
from textaxa.settings import EncoderSettings, TrainingSettings, build, rules
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.training import Listener, train_model

if TYPE_CHECKING:
    from textaxa.model import Model

Labels = tuple[LabelPath, ...]
_Rows = tuple[list[str], list[Labels]]
"""Texts and their labels."""


class HierarchicalTextClassifier(BaseEstimator):
    """Classify texts into the paths of a taxonomy.

    It is not marked as a scikit-learn *classifier*: its labels are paths, which scikit-learn's checks of class labels
    refuse. ``clone``, ``Pipeline``, ``ColumnTransformer`` before it, ``GridSearchCV`` and ``cross_validate`` work, with
    its own score or with `textaxa.evaluation.path_scores`; folds are plain ``KFold`` unless others are given.

    Parameters
    ----------
    head : str
        How the hierarchy is modelled: a key of :data:`textaxa.heads.HEADS`.
    head_settings : mapping, optional
        Settings of that head, for instance ``{"feed": "scheduled"}``; they stand in the head's own file.
    taxonomy : Taxonomy, optional
        Left out, it is made of the labels. Inner nodes at which a training label ends become possible answers.
    task : {"auto", "single", "multi"}
        One path a text, or several. ``auto``: several where any row has several.
    separator : str, optional
        Where labels are given as text: what stands between the names of a path, such as ``" > "``.
    encoder, pooling, max_length, long_text, max_windows, frozen, trainable_layers
        See :class:`textaxa.settings.EncoderSettings`.
    preset, epochs, batch_size, gradient_accumulation, encoder_rate, head_rate, weight_decay, warmup_share, \
max_gradient_norm, valid_share, patience, time_budget, kept_gigabytes, threshold, calibration, promise_share, \
precision, device, seed
        See :class:`textaxa.settings.TrainingSettings`.
    listener : callable, optional
        Is given one dict an event while training: ``start``, ``step``, ``validation``, ``end``.

    Attributes
    ----------
    model_ : Model
        Encoder, head and taxonomy.
    taxonomy_ : Taxonomy
        Its nodes are the columns of ``predict_proba``.
    task_ : str
        ``single`` or ``multi``.
    classes_ : list of tuple
        The path of every node: what the columns of ``predict_proba`` stand for.

    Examples
    --------
    >>> from textaxa import HierarchicalTextClassifier
    >>> classifier = HierarchicalTextClassifier(frozen=True, epochs=5)
    >>> classifier.get_params()["head"]
    'chained'
    """

    def __init__(
        self,
        *,
        head: str = "chained",
        head_settings: Mapping[str, Any] | None = None,
        taxonomy: Taxonomy | None = None,
        task: str = "auto",
        separator: str | None = None,
        encoder: str | None = None,
        pooling: str = "auto",
        max_length: int = 256,
        long_text: str = "head",
        max_windows: int = 8,
        frozen: bool | None = None,
        trainable_layers: int | None = None,
        preset: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        gradient_accumulation: int = 1,
        encoder_rate: float | None = None,
        head_rate: float = 3e-3,
        weight_decay: float = 0.01,
        warmup_share: float = 0.1,
        max_gradient_norm: float = 1.0,
        valid_share: float = 0.1,
        patience: int = 3,
        time_budget: float | None = None,
        kept_gigabytes: float = 8.0,
        threshold: float | str = "level",
        calibration: str = "auto",
        promise_share: float = 0.5,
        precision: str = "auto",
        device: str = "auto",
        seed: int = 0,
        listener: Listener | None = None,
    ) -> None:
        self.head = head
        self.head_settings = head_settings
        self.taxonomy = taxonomy
        self.task = task
        self.separator = separator
        self.encoder = encoder
        self.pooling = pooling
        self.max_length = max_length
        self.long_text = long_text
        self.max_windows = max_windows
        self.frozen = frozen
        self.trainable_layers = trainable_layers
        self.preset = preset
        self.epochs = epochs
        self.batch_size = batch_size
        self.gradient_accumulation = gradient_accumulation
        self.encoder_rate = encoder_rate
        self.head_rate = head_rate
        self.weight_decay = weight_decay
        self.warmup_share = warmup_share
        self.max_gradient_norm = max_gradient_norm
        self.valid_share = valid_share
        self.patience = patience
        self.time_budget = time_budget
        self.kept_gigabytes = kept_gigabytes
        self.threshold = threshold
        self.calibration = calibration
        self.promise_share = promise_share
        self.precision = precision
        self.device = device
        self.seed = seed
        self.listener = listener

    def fit(
        self, texts: Any, labels: Any, *, valid: tuple[Any, Any] | None = None, groups: Any = None
    ) -> "HierarchicalTextClassifier":
        """Train on texts and labels.

        Parameters
        ----------
        texts
            A list, an array, a Series, or a frame of one column; (B,) texts.
        labels
            A path a row, ``("Games", "Sports")`` or with a ``separator`` ``"Games > Sports"``; several paths a row,
            ``[("Games",), ("News",)]``; or label columns as a frame or a 2-D array, empty where the path stops above.
        valid
            Validation texts and labels. Left out, ``valid_share`` of the rows is held out; where too few rows are there
            to hold any out, all are trained on, without early stopping.
        groups
            A name a row: rows of one group stay on one side of that split.

        Raises
        ------
        DataError
            Texts or labels that cannot be used, with their positions.
        ConfigError
            Parameters that cannot be used.
        """
        settings = self._settings()
        texts = normalise_texts(texts)
        paths, task = self._labels(labels, len(texts))
        training, held_out = self._rows(texts, paths, valid, groups, settings["training"])
        self.taxonomy_ = taxonomy_of_labels([*training[1], *(held_out[1] if held_out else ())], self.taxonomy)
        self.task_ = task
        self.model_ = train_model(
            *training,
            self.taxonomy_,
            task=task,
            encoder=settings["encoder"],
            head=self.head,
            head_settings=settings["head"],
            training=settings["training"],
            valid=held_out,
            listener=self.listener,
        )
        return self

    def fit_frame(self, frame: Any, *, valid: Any = None, **columns: Any) -> "HierarchicalTextClassifier":
        """Train on a table in memory whose columns are named; `textaxa.predict_frame` then knows the text columns.

        Parameters
        ----------
        frame
            A pandas or polars frame, an Arrow table, a `datasets.Dataset`, a list of mappings: what
            `textaxa.iterate_rows` reads. Of a ``DatasetDict`` the split ``train``, and ``validation`` as `valid`;
            other splits are not touched. The names behind a ``ClassLabel`` are the labels.
        valid
            Validation rows in such a table.
        columns
            Fields of `textaxa.Columns`: ``text`` or ``template``; ``labels``, ``path`` or ``paths``; ``group``.

        Raises
        ------
        ConfigError
            No label columns are named, or the splits have no ``train``.
        DataError
            Rows that cannot be used, with their positions.
        """
        wanted = Columns(**({"separator": self.separator} if self.separator else {}) | columns)
        if not wanted.has_labels:
            raise ConfigError("No label columns are named. Name labels=(…), path=… or paths=….")
        splits = splits_of(frame)
        if splits is not None:
            frame, valid = _training_splits(splits, valid)
        rows = read_examples(frame, wanted, taxonomy=self.taxonomy)
        held_out = None if valid is None else read_examples(valid, wanted, taxonomy=self.taxonomy)
        self.fit(
            rows.texts,
            rows.labels,
            valid=None if held_out is None else (held_out.texts, held_out.labels),
            groups=rows.groups,
        )
        self.model_.summary["columns"] = remember_columns(wanted)
        return self

    @classmethod
    def zero_shot(cls, taxonomy: Taxonomy, **parameters: Any) -> "HierarchicalTextClassifier":
        """Give a classifier that is ready without a training row: texts go where the taxonomy's words are nearest.

        Parameters
        ----------
        taxonomy
            Its names, and better still its descriptions, are all that the classifier knows.
        parameters
            As of the class. ``head`` is ``label-text``; ``task = "auto"`` is one path a text.

        Raises
        ------
        ConfigError
            Parameters that cannot be used, or a head that needs training rows.
        """
        from textaxa.labels import zero_shot_model  # noqa: PLC0415 - PyTorch, which not every head needs

        found = cls(**{"head": "label-text", **parameters, "taxonomy": taxonomy})
        settings = found._settings()
        task = "single" if found.task == "auto" else found.task
        model = zero_shot_model(
            taxonomy,
            task=task,
            encoder=settings["encoder"],
            head=found.head,
            head_settings=settings["head"],
            training=settings["training"],
        )
        found._take(model)
        return found

    def with_taxonomy(self, taxonomy: Taxonomy) -> "HierarchicalTextClassifier":
        """Give a classifier for a changed taxonomy, without training: what each node learned goes to what it became.

        `textaxa.migration.migrate` tells how, takes a mapping of nodes, and gives a report.
        """
        from textaxa.migration import migrate  # noqa: PLC0415 - PyTorch, which not every head needs

        found = type(self)(**{**self.get_params(), "taxonomy": taxonomy})
        found._take(migrate(self._fitted(), taxonomy).model)
        return found

    def _take(self, model: "Model") -> None:
        self.model_, self.taxonomy_, self.task_ = model, model.taxonomy, model.task

    def _settings(self) -> dict[str, Any]:
        """Check every parameter; nothing is checked in ``__init__``, as scikit-learn asks."""
        if self.task not in ("auto", "single", "multi"):
            raise ConfigError(f"task = {self.task!r} is not known. It can be: auto, single, multi.")
        encoder = EncoderSettings(**{name: getattr(self, name) for name in rules(EncoderSettings)})
        head = build(head_settings(self.head), self.head_settings or {}, where=f"head_settings of {self.head!r}")
        check_encoder(self.head, head, encoder)
        training = TrainingSettings(**{name: getattr(self, name) for name in rules(TrainingSettings)})
        return {"encoder": encoder, "training": training, "head": head}

    def _labels(self, labels: Any, n_texts: int) -> tuple[list[Labels], str]:
        if labels is None:
            raise DataError("This classifier requires y to be passed, but the target y is None: give the labels.")
        paths, task = normalise_labels(labels, separator=self.separator, task=self.task)  # type: ignore[arg-type]
        if len(paths) != n_texts:
            raise DataError(f"There are {n_texts} texts but {len(paths)} labels. Give one label a text.")
        return paths, task

    def _rows(
        self, texts: list[str], labels: list[Labels], valid: Any, groups: Any, training: TrainingSettings
    ) -> tuple[_Rows, _Rows | None]:
        """Give the training rows and the validation rows, the latter None where there are none."""
        if valid is not None:
            valid_texts = normalise_texts(valid[0])
            return (texts, labels), (valid_texts, self._labels(valid[1], len(valid_texts))[0])
        names = None if groups is None else [str(group) for group in groups]
        examples = Examples(texts, labels, list(range(len(texts))), groups=names, source="the given rows")
        try:
            kept, held_out = split_examples(examples, training.valid_share, seed=training.seed)
        except DataError:  # every class has one row, or all rows belong together
            return (texts, labels), None
        rows, valid_rows = examples.select(kept), examples.select(held_out)
        return (rows.texts, rows.labels), (valid_rows.texts, valid_rows.labels) if len(valid_rows) else None

    def _fitted(self) -> "Model":
        if not hasattr(self, "model_"):
            raise NotFittedError("This HierarchicalTextClassifier is not trained yet. Call fit, or load a saved model.")
        return self.model_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    @property
    def classes_(self) -> list[LabelPath]:
        """The path of every node, in the order of the columns of ``predict_proba``."""
        return list(self._fitted().taxonomy.nodes)

    def predict(self, texts: Any, **how: Any) -> list[Any]:
        """Give the path of every text; in a several-paths task a tuple of paths.

        Parameters
        ----------
        texts
            As `fit` takes them.
        how
            Fields of :class:`textaxa.decisions.Choice`: ``accuracy=0.95`` gives the deepest node that can be defended,
            with an empty path where none can be; ``decoder``, ``beta``, ``costs``, ``outside``.
        """
        decoded = self.predict_paths(texts, **how)
        if self._fitted().task == "multi":
            return [tuple(prediction.path for prediction in row) for row in decoded]
        return [row[0].path for row in decoded]

    def predict_paths(self, texts: Any, **how: Any) -> list[list[Prediction]]:
        """Give the same with a probability for every node on the way; ``top`` asks for the next most probable paths."""
        model = self._fitted()
        if getattr(model, "searches", False):
            found: list[list[Prediction]] = model.decider(Choice(**how))(normalise_texts(texts))  # type: ignore[operator]
            return found
        decide = Decider(model, Choice(**how))
        return decide(model.node_proba(normalise_texts(texts)))

    def predict_sets(self, texts: Any, coverage: float = 0.9) -> list[list[LabelPath]]:
        """Give for every text a set of nodes that holds the truth with this probability, most probable first.

        Raises
        ------
        ConfigError
            ``coverage`` is not in (0, 1), or the model has no evidence of held-out rows.
        DataError
            There are too few held-out rows for it.
        """
        model = self._fitted()
        cut = set_cut(evidence_of(model), coverage)
        found = prediction_sets(model.taxonomy, model.node_proba(normalise_texts(texts)), cut, task=model.task)
        return [[model.taxonomy.path(node) for node in row] for row in found]

    def predict_proba(self, texts: Any) -> np.ndarray:
        """Give P(text belongs under node), float32 (B, N), columns in ``taxonomy_.nodes`` order."""
        model = self._fitted()
        return model.node_proba(normalise_texts(texts))

    def score(self, texts: Any, labels: Any) -> float:
        """Give the hierarchical F1 in [0, 1], as early stopping reads it; a label that the model lacks is a miss."""
        model = self._fitted()
        decoded = self.predict_paths(texts)
        true, _ = self._labels(labels, len(decoded))
        everything = with_paths(model.taxonomy, [path for row in true for path in row])
        true_nodes = [[everything.index(path) for path in row] for row in true]
        found = [[everything.index(prediction.path) for prediction in row] for row in decoded]
        return float(hierarchical_f1(everything, true_nodes, found))

    def save(self, folder: str | Path) -> Path:
        """Write a model folder, whole or not at all."""
        return save_model(self._fitted(), folder)

    @classmethod
    def load(cls, folder: str | Path) -> "HierarchicalTextClassifier":
        """Read a model folder; the parameters are the ones that the model was trained with."""
        model = load_model(folder)
        settings = model.settings
        found = cls(
            head=settings.head,
            head_settings=dict(vars(settings.head_settings)),
            task=settings.task,
            **vars(settings.encoder),
            **vars(settings.training),
        )
        found._take(model)
        return found

    def save_pretrained(self, folder: str | Path) -> Path:
        """Write a model folder: `save` by the name that it has in the world of Hugging Face."""
        return self.save(folder)

    def push_to_hub(self, repository: str, **how: Any) -> str:
        """Push the model to a repository of the Hugging Face Hub; give the address of the commit.

        ``how`` is as `textaxa.push` takes it: ``private``, ``message``, ``branch``, ``create_pr``, ``token``,
        ``endpoint``.
        """
        from textaxa.hub import push  # noqa: PLC0415 - for those alone who push

        return push(self._fitted(), repository, **how)

    @classmethod
    def from_pretrained(cls, name: str | Path, **how: Any) -> "HierarchicalTextClassifier":
        """Read a model folder, or where there is no such folder the repository of that name on the Hugging Face Hub.

        Parameters
        ----------
        name
            A folder, or ``owner/name``.
        how
            Of a repository: ``revision``, ``token``, ``endpoint``, ``cache_dir``, ``force_download``,
            ``local_files_only``.

        Raises
        ------
        ConfigError
            The name can be neither.
        MissingExtraError
            A repository is meant, and huggingface_hub is not installed.
        ModelFileError
            There is no such repository, or it holds no whole textaxa model.
        """
        from textaxa.hub import pulled  # noqa: PLC0415 - for those alone who pull

        if Path(name).exists():
            return cls.load(name)
        with pulled(str(name), **how) as folder:
            found = cls.load(folder)
        # A model of two copies its parts from where they were read; that folder is gone now.
        getattr(found._fitted(), "places", {}).clear()
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.target_tags.required = True
        return tags


def _training_splits(splits: Mapping[str, Any], valid: Any) -> tuple[Any, Any]:
    """Give the split to train on and the one to validate with, None where there is none."""
    if "train" not in splits:
        raise ConfigError(f"There is no split 'train', only {', '.join(splits)}. Give one of them: splits['…'].")
    return splits["train"], splits.get("validation") if valid is None else valid
