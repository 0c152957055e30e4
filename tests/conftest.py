"""What all tests share.

Property tests choose the same examples in every run, so that a green tree stays green.

`pytest --hypothesis-profile=explore` looks for new ones. No deadline per example: a busy machine must not make a test
fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=1_000)
settings.load_profile("same")


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time of day is the same wherever the tests run."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
