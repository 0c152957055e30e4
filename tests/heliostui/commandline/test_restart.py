"""`--restart`."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.protocol.messages import RestartPolicy
from heliostui.commandline.restart import restart_policy


@pytest.mark.parametrize("name", ["no", "always", "unless-stopped", "on-failure"])
def test_each_policy_has_its_name(name: str) -> None:
    policy = restart_policy(name)
    assert (policy.name, policy.maximum) == (name, 0)


@given(st.integers(0, 999_999_999))
def test_on_failure_may_have_a_maximum(maximum: int) -> None:
    assert restart_policy(f"on-failure:{maximum}") == RestartPolicy(name="on-failure", maximum=maximum)


@given(st.text() | st.sampled_from(["always:3", "on-failure:", "on-failure:-1", "on-failure:١", "No", "no\n", "never"]))
def test_anything_else_is_refused_with_what_is_possible(text: str) -> None:
    assume(not re.fullmatch("no|always|unless-stopped|on-failure(:[0-9]+)?", text))
    with pytest.raises(ValueError, match=r"it is no, on-failure\[:maximum\], always or unless-stopped"):
        restart_policy(text)
