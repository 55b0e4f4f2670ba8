"""What every test stands on: fixed seeds, signals that are heard."""

import random
import signal
import sys

import numpy as np
import pytest
from hypothesis import settings

collect_ignore_glob = ["*conftest.py"]
"""Doctests are looked for in every module, and two modules of one name cannot both be collected."""


# How long an example takes says how busy the machine is.
settings.register_profile("textaxa", deadline=None)
settings.load_profile("textaxa")


@pytest.fixture(autouse=True, scope="session")
def signals_are_heard() -> None:
    """A shell starts background jobs, CI's too, with signals ignored; the tests of interruption send real ones."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Start every test from the same global random states, and import PyTorch for none of them."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
