"""The filters of `network ls` (see `ListNetworks`). Imports the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine import filters
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.protocol.network import NetworkDetail

Test = Callable[[NetworkDetail], bool]
KEYS = ("name", "id", "label", "internal")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def parse(texts: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    return filters.combined(texts, _test)


def _test(text: str, key: str, value: str) -> Test:
    if key not in KEYS or (key == "internal" and value not in _TRUTH):
        raise EngineError(
            ErrorCode.INVALID,
            f"{text[:64]!r} is not a filter: give name=TEXT, id=PREFIX, label=KEY[=VALUE] or internal=true|false.",
        )
    match key:
        case "name":
            return lambda network: value in network.name
        case "id":
            return lambda network: network.id.startswith(value)
        case "internal":
            return lambda network: network.internal == _TRUTH[value]
    return lambda network: filters.has_label(network.labels, value)
