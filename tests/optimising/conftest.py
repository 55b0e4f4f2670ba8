"""One small trained network for all of these tests, taught in fp32: kernels for bf16 take seconds to make."""

from contextlib import nullcontext

import pytest
from optimising.optimising_cases import trained


@pytest.fixture(scope="session", autouse=True)
def taught_in_fp32():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textaxa.optimising._teaching._precision", nullcontext)
        yield


@pytest.fixture(scope="session")
def trained_folder(taught_in_fp32, tmp_path_factory):
    return trained(tmp_path_factory.mktemp("trained"))
