"""What every metric asks of its input before it counts anything."""

from collections.abc import Mapping

from textaxa.errors import ConfigError, DataError


def check_lengths(lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise DataError(f"The numbers of texts differ ({told}). Every text needs its true and its predicted labels.")
    if not all(lengths.values()):
        raise DataError("There are no texts to evaluate.")


def check_resamples(n_resamples: int) -> None:
    if n_resamples < 1:
        raise ConfigError(f"n_resamples = {n_resamples} is too small: it must be at least 1.")
