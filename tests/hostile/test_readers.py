"""Readers of files that somebody else made: read or refused, whatever the bytes."""

import random

import pytest
from hostile.readers import Scratch, changed_json, damaged, readers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCRATCH = Scratch()
READERS = readers(SCRATCH)
EXAMPLES = 40


@pytest.fixture(scope="module", autouse=True)
def _scratch():
    yield
    SCRATCH.gone()


@pytest.mark.parametrize("name", READERS)
def test_the_sample_itself_is_read(name):
    """Else the tests below would try refusals only."""
    import hostile.files

    read, sample = READERS[name]
    allowed, hostile.files.ALLOWED = hostile.files.ALLOWED, ()
    try:
        read(sample)
    finally:
        hostile.files.ALLOWED = allowed


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_damaged_bytes_are_read_or_refused(name, seed):
    read, sample = READERS[name]
    read(damaged(sample, random.Random(seed)))  # noqa: S311


@pytest.mark.parametrize("name", [name for name in READERS if READERS[name][1][:1] in (b"{", b"[")])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_other_values_are_read_or_refused(name, seed):
    read, sample = READERS[name]
    read(changed_json(sample, random.Random(seed)))  # noqa: S311


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(name, content):
    READERS[name][0](content)
