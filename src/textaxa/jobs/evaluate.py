"""``textaxa evaluate``: a model and a labelled table in, every score beside the reference rows out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import check_scores_all, computed_by, opened
from textaxa.data import Columns, read_examples
from textaxa.errors import ConfigError
from textaxa.evaluation import Evaluation
from textaxa.jobs._model import columns_for, majority_of
from textaxa.jobs._score import MAJORITY, answers_and_scores, score_majority, score_tfidf

if TYPE_CHECKING:
    from textaxa.model import Model


@dataclass(frozen=True)
class EvaluateResult:
    """The scores of a model and of the reference rows on one table.

    Attributes
    ----------
    model
        The model's scores.
    references
        By name: the majority class of the training rows and, where a training table was given, TF-IDF + logistic
        regression.
    name
        What the model is called in tables.
    runtime
        What computed: ``PyTorch``, ``ONNX Runtime (fp32)``; empty for a model without a network.
    """

    model: Evaluation
    references: dict[str, Evaluation]
    name: str
    runtime: str = ""

    @property
    def rows(self) -> dict[str, Evaluation]:
        """Everything by name, the model first."""
        return {self.name: self.model, **self.references}


def evaluate(
    model: "Model | str | Path",
    table: Any,
    *,
    columns: dict[str, Any] | None = None,
    train: Any = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    html: "str | Path | None" = None,
    runtime: str = "auto",
) -> EvaluateResult:
    """Score a model on a table with labels.

    Parameters
    ----------
    model
        A model, or the folder of one.
    table
        Anything that `textaxa.data.read_examples` reads.
    columns
        Fields of `textaxa.data.Columns`; what is not given is as in training.
    train
        The training table: TF-IDF + logistic regression is fitted on it as a reference row.
    input_format, encoding, delimiter
        How the table is written, where that cannot be told from itself.
    html
        Where to write a report of the model on this table, as one page. An earlier report there is replaced. It
        explains a network's answers, which takes PyTorch.
    runtime
        As in `textaxa.predict`.

    Raises
    ------
    ConfigError
        No label columns are known, the page cannot be written there, or the runtime cannot be used.
    DataError
        The table cannot be used; all faults are told together. A label that is not in the model's taxonomy is one.
    """
    if html is not None:
        if runtime in ("onnx", "openvino"):
            raise ConfigError("The report explains answers, which takes PyTorch. Leave the runtime or the report out.")
        from textaxa.report import check_page_file

        check_page_file(html, command="evaluate")
    ready = opened(model, runtime=runtime if html is None else "torch")
    if html is not None:
        check_scores_all(ready, "The report", "Leave --html out: the table has every score that paths alone give.")
    wanted = columns_for(ready, columns or {}, labels=True)
    _check_labels(wanted)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    tested = read_examples(table, wanted, taxonomy=ready.taxonomy, **how)
    references: dict[str, Evaluation] = {}
    if train is not None:
        training = read_examples(train, wanted, **how)
        references |= score_tfidf(ready.taxonomy, training, tested.texts, tested.labels, several=ready.task == "multi")
    if majority := majority_of(ready):
        references[MAJORITY] = score_majority(ready.taxonomy, majority, tested.labels)
    scored = answers_and_scores(ready, tested.texts, tested.labels, uncalibrated=html is not None)
    result = EvaluateResult(scored.evaluation, references, f"textaxa {ready.settings.head}", computed_by(ready))
    if html is not None:
        from textaxa.jobs._report_page import write_report

        write_report(ready, tested, scored, html, name=result.name, references=references)
    return result


def _check_labels(columns: Columns) -> None:
    if not columns.has_labels:
        raise ConfigError(
            "No label columns are known, so there is nothing to compare with. Give --labels category,subcategory, "
            "--path COLUMN or --paths COLUMN."
        )
