"""Every error that textaxa raises on purpose.

What comes in: a value that cannot be used. What goes out: a message for the person who gave it, of the form
*what was found - the probable cause - what to do*.

::

    TextaxaError
    ├── TaxonomyError      (ValueError)   the tree itself, or a path that is not in it
    ├── DataError          (ValueError)   a table, a row, a text, a label
    ├── ConfigError        (ValueError)   a setting, a flag, a key of the configuration file
    ├── ModelFileError     (OSError)      a model folder that is damaged, foreign or newer
    └── MissingExtraError  (ImportError)  a part of textaxa that is not installed
"""


class TextaxaError(Exception):
    """Base of every error that textaxa raises on purpose."""


class TaxonomyError(TextaxaError, ValueError):
    """The taxonomy is not usable, or a path is not in it."""


class DataError(TextaxaError, ValueError):
    """A table, a row, a text or a label cannot be used."""


class ConfigError(TextaxaError, ValueError):
    """A setting, a flag or a key of the configuration file cannot be used."""


class ModelFileError(TextaxaError, OSError):
    """A model folder is damaged, foreign, or written by a newer version."""


class MissingExtraError(TextaxaError, ImportError):
    """A part of textaxa is needed that is not installed."""
