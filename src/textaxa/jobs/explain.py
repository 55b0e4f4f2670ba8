"""``textaxa explain``: which words of a text argued for each level of its path."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from textaxa.answers import check_scores_all, opened
from textaxa.errors import ConfigError
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy

if TYPE_CHECKING:
    from textaxa.explanation import Explanation
    from textaxa.explanation._explain import Method
    from textaxa.model import Model


def explain(
    model: "Model | str | Path",
    text: str,
    *,
    path: LabelPath | str | None = None,
    against: LabelPath | str | None = None,
    separator: str = " > ",
    through_encoder: bool = False,
    method: "Method" = "auto",
) -> "Explanation":
    """Tell which words argued for each level of a text's path, and which against it.

    Parameters
    ----------
    model
        A model, or the folder of one.
    text
        The text.
    path
        The path to explain, as names or as one string; None: what the model predicts.
    against
        The path to measure it against; None: at each level the runner-up among the siblings.
    separator
        Between the names of a path that is one string.
    through_encoder
        ``linear`` with text vectors: what the vector says is brought to the words, too.
    method
        ``auto``: as exact as the model allows. ``occlusion``: leave words out, which an export can do without PyTorch;
        where PyTorch is not installed, ``auto`` is the same for networks.

    Raises
    ------
    ConfigError, TaxonomyError
        The paths are not in the taxonomy, cannot be told apart, or never had a training row.
    MissingExtraError
        The extra ``train``, or for networks the extra ``explain``, is not installed.
    ModelFileError
        The folder is not a model.
    """
    without_torch = method == "occlusion" or find_spec("torch") is None
    ready = opened(model, runtime="auto" if without_torch else "torch")
    check_scores_all(ready, "An explanation", "Explain a model with another head, such as linear or conditional.")
    from textaxa.explanation import explain as explained

    wanted, other = (_path(ready.taxonomy, one, separator) for one in (path, against))
    return explained(ready, text, path=wanted, against=other, through_encoder=through_encoder, method=method)


def _path(taxonomy: Taxonomy, given: LabelPath | str | None, separator: str) -> LabelPath | None:
    """Give a path as names; a string that is the name of a top-level node is taken as it is."""
    if given is None:
        return None
    if isinstance(given, str):
        if not separator:
            raise ConfigError("The separator of a path is empty. Give the text between two names, such as ' > '.")
        names = (given,) if (given,) in taxonomy else tuple(map(str.strip, given.split(separator.strip() or separator)))
    else:
        names = tuple(given)
    taxonomy.index(names)
    return names
