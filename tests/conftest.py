"""What every test stands on: fixed seeds."""

import random
import sys

import numpy as np
import pytest

collect_ignore_glob = ["*conftest.py"]
"""Doctests are looked for in every module, and two modules of one name cannot both be collected."""


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Start every test from the same global random states, and import PyTorch for none of them."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
