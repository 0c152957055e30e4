"""The filters of `network ls` (see `ListNetworks`). Imports the protocol.

All must hold; of several `name=` or `internal=` one is enough, as with containers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode
from engine.protocol.network import NetworkDetail

Test = Callable[[NetworkDetail], bool]
KEYS = ("name", "id", "label", "internal")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def parse(filters: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    alternatives: dict[str, list[Test]] = defaultdict(list)
    for position, text in enumerate(filters):
        key, equals, value = text.partition("=")
        if not equals or key not in KEYS or (key == "internal" and value not in _TRUTH):
            raise EngineError(
                ErrorCode.INVALID,
                f"{text[:64]!r} is not a filter: give name=TEXT, id=PREFIX, label=KEY[=VALUE] or internal=true|false.",
            )
        alternatives[f"label {position}" if key == "label" else key].append(_test(key, value))
    groups = list(alternatives.values())
    return lambda network: all(any(test(network) for test in group) for group in groups)


def _test(key: str, value: str) -> Test:
    match key:
        case "name":
            return lambda network: value in network.name
        case "id":
            return lambda network: network.id.startswith(value)
        case "internal":
            return lambda network: network.internal == _TRUTH[value]
    label, equals, wanted = value.partition("=")
    return lambda network: label in network.labels and (not equals or network.labels[label] == wanted)
