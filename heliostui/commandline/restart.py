"""`--restart`."""

from __future__ import annotations

import re

from engine.protocol.messages import RestartPolicy

_POLICY = re.compile(r"(no|always|unless-stopped)|on-failure(?::(\d{1,9}))?", re.ASCII)


def restart_policy(text: str) -> RestartPolicy:
    """`no`, `on-failure[:maximum]`, `always` or `unless-stopped`. Raises ValueError."""
    match = _POLICY.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no restart policy: it is no, on-failure[:maximum], always or unless-stopped")
    if match[1]:
        return RestartPolicy(name=match[1])  # type: ignore[arg-type]
    return RestartPolicy(name="on-failure", maximum=int(match[2] or 0))
