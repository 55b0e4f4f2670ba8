"""Keeps what transformers tells its developers off the screens of people who train and use models."""

from collections.abc import Iterator
from contextlib import contextmanager
from logging import ERROR


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Let transformers show errors only, and no progress bars, inside the block.

    Loading reports that the packaged encoder has no pooler, saving draws bars, and the Trainer remarks on file systems
    and token ids: nothing that the reader could act on. Warnings of Python's own machinery are not touched.
    """
    from huggingface_hub.utils import logging as hub  # noqa: PLC0415 - imported by whoever needs transformers anyway
    from transformers.utils import logging  # noqa: PLC0415

    hub_level = hub.get_verbosity()
    hub.set_verbosity(ERROR)  # else every retry of a name that cannot be reached is told before our one error
    level = logging.get_verbosity()
    bar = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        hub.set_verbosity(hub_level)
        if bar:
            logging.enable_progress_bar()
