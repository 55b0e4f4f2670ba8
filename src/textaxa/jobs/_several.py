"""A training job in several processes: the main one writes, the others keep step. In one process nothing changes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from textaxa._processes import launched
from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.heads import head_class
from textaxa.jobs import _interrupted as interrupted
from textaxa.jobs._output import check_new_folder

FROM_STDIN = "-"


@contextmanager
def all_or_none(config: Config) -> Iterator[None]:
    """Let every process end a block well, or none; the main one tells why.

    Raises
    ------
    ConfigError
        What was asked for is work for one process.
    """
    place = launched()
    if place.world == 1:
        yield
        return
    if head_class(config.head).reads == "texts":
        raise ConfigError(
            f"The head {config.head!r} trains in one process, and {place.world} were started. Start it without "
            "torchrun or accelerate launch; its own threads use the processor's cores."
        )
    if FROM_STDIN in {config.data.table, config.data.valid}:
        raise ConfigError("Several processes cannot all read one stdin. Write the table to a file that all can read.")
    with _agreed():
        yield


@contextmanager
def claimed(folder: Path, out: Path, config: Config, *, resume: bool, overwrite: bool) -> Iterator[None]:
    """Have the folder of a run's checkpoints for a block, as `textaxa.jobs._interrupted.claimed`.

    Of several processes the main one has it; the others begin once it does.
    """
    with ExitStack() as stack:
        with _agreed():
            if launched().main:
                stack.enter_context(interrupted.claimed(folder, out, config, resume=resume, overwrite=overwrite))
                check_new_folder(out, overwrite=overwrite)  # again: another process may just have finished there
        yield


def _agreed() -> AbstractContextManager[None]:
    if launched().world == 1:
        return nullcontext()
    from textaxa.training._together import join

    return join().all_or_none()
