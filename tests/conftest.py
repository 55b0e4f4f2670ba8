"""What every test stands on: fixed seeds."""

import random
import sys

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Start every test from the same global random states, and import PyTorch for none of them."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
