"""Optional dependencies: import one, or say which command installs it."""

import importlib
from types import ModuleType

from textaxa.errors import MissingExtraError


def require(module: str, *, extra: str) -> ModuleType:
    """Import ``module``, which the extra ``extra`` brings.

    Raises
    ------
    MissingExtraError
        The module is not installed; the message names the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".", maxsplit=1)[0]:
            raise
        raise MissingExtraError(
            f"This needs the package {module.split('.', maxsplit=1)[0]!r}, which is not installed. "
            f'Install it with: pip install "textaxa[{extra}]"'
        ) from error
