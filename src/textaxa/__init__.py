"""textaxa: hierarchical text classification for people who own a taxonomy.

The names below are imported when they are first used, so that ``import textaxa`` costs nothing and the light parts
(taxonomies, tables, evaluation) never import PyTorch.
"""

import importlib
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa._version import __version__

if TYPE_CHECKING:
    from textaxa._report import Finding, Report
    from textaxa.classifier import HierarchicalTextClassifier
    from textaxa.config import Config, read_config
    from textaxa.data import Columns, Examples, iterate_rows, read_examples
    from textaxa.decisions import Choice
    from textaxa.decoding import Prediction
    from textaxa.errors import (
        ConfigError,
        DataError,
        MissingExtraError,
        ModelFileError,
        TaxonomyError,
        TextaxaError,
    )
    from textaxa.evaluation import Evaluation, evaluate_paths, paired_test
    from textaxa.hub import pull, push
    from textaxa.jobs.calibrate import calibrate
    from textaxa.jobs.check import check
    from textaxa.jobs.compare import compare
    from textaxa.jobs.demo import demo
    from textaxa.jobs.evaluate import evaluate
    from textaxa.jobs.explain import explain
    from textaxa.jobs.export import export
    from textaxa.jobs.info import info
    from textaxa.jobs.init import init
    from textaxa.jobs.migrate import migrate
    from textaxa.jobs.optimise import optimise
    from textaxa.jobs.predict import predict
    from textaxa.jobs.predict_frame import predict_frame
    from textaxa.jobs.reproduce import reproduce
    from textaxa.jobs.select import select
    from textaxa.jobs.teach import teach
    from textaxa.jobs.train import train
    from textaxa.jobs.tune import tune
    from textaxa.jobs.zero_shot import zero_shot
    from textaxa.model import Model
    from textaxa.persistence import load_model, save_model
    from textaxa.taxonomy import (
        Taxonomy,
        check_taxonomy,
        diff_taxonomies,
        read_taxonomy,
        write_taxonomy,
    )

_HOME = {
    "Finding": "_report",
    "Report": "_report",
    "HierarchicalTextClassifier": "classifier",
    "Config": "config",
    "read_config": "config",
    "Columns": "data",
    "Examples": "data",
    "iterate_rows": "data",
    "read_examples": "data",
    "Prediction": "decoding",
    "ConfigError": "errors",
    "DataError": "errors",
    "MissingExtraError": "errors",
    "ModelFileError": "errors",
    "TaxonomyError": "errors",
    "TextaxaError": "errors",
    "Evaluation": "evaluation",
    "evaluate_paths": "evaluation",
    "paired_test": "evaluation",
    "predict_frame": "jobs.predict_frame",
    "pull": "hub",
    "push": "hub",
    "Choice": "decisions",
    "calibrate": "jobs.calibrate",
    "check": "jobs.check",
    "compare": "jobs.compare",
    "demo": "jobs.demo",
    "evaluate": "jobs.evaluate",
    "explain": "jobs.explain",
    "export": "jobs.export",
    "info": "jobs.info",
    "init": "jobs.init",
    "migrate": "jobs.migrate",
    "optimise": "jobs.optimise",
    "predict": "jobs.predict",
    "select": "jobs.select",
    "teach": "jobs.teach",
    "train": "jobs.train",
    "reproduce": "jobs.reproduce",
    "tune": "jobs.tune",
    "zero_shot": "jobs.zero_shot",
    "Model": "model",
    "load_model": "persistence",
    "save_model": "persistence",
    "Taxonomy": "taxonomy",
    "check_taxonomy": "taxonomy",
    "diff_taxonomies": "taxonomy",
    "read_taxonomy": "taxonomy",
    "write_taxonomy": "taxonomy",
}

_NEEDED = {
    "classifier": ("sklearn", "safetensors"),
    "model": ("torch", "transformers"),
}
"""Packages of the extra ``train``; PyTorch is asked for when a head needs it."""

__all__ = [
    "Choice",
    "Columns",
    "Config",
    "ConfigError",
    "DataError",
    "Evaluation",
    "Examples",
    "Finding",
    "HierarchicalTextClassifier",
    "MissingExtraError",
    "Model",
    "ModelFileError",
    "Prediction",
    "Report",
    "Taxonomy",
    "TaxonomyError",
    "TextaxaError",
    "__version__",
    "calibrate",
    "check",
    "check_taxonomy",
    "compare",
    "demo",
    "diff_taxonomies",
    "evaluate",
    "evaluate_paths",
    "explain",
    "export",
    "info",
    "init",
    "iterate_rows",
    "load_model",
    "migrate",
    "optimise",
    "paired_test",
    "predict",
    "predict_frame",
    "pull",
    "push",
    "read_config",
    "read_examples",
    "read_taxonomy",
    "reproduce",
    "save_model",
    "select",
    "teach",
    "train",
    "tune",
    "write_taxonomy",
    "zero_shot",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'textaxa' has no attribute {name!r}")
    for package in _NEEDED.get(home, ()):
        require(package, extra="train")
    value = getattr(importlib.import_module(f"textaxa.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
