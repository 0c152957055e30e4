"""The filters of `volume ls` (see `ListVolumes`). Imports the protocol.

All must hold; of several `name=` or `dangling=` one is enough, as with containers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, VolumeDetail

Test = Callable[[VolumeDetail], bool]
KEYS = ("name", "label", "dangling")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def parse(filters: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    alternatives: dict[str, list[Test]] = defaultdict(list)
    for position, text in enumerate(filters):
        key, equals, value = text.partition("=")
        if not equals or key not in KEYS or (key == "dangling" and value not in _TRUTH):
            raise EngineError(
                ErrorCode.INVALID,
                f"{text[:64]!r} is not a filter: give name=TEXT, label=KEY[=VALUE] or dangling=true|false.",
            )
        alternatives[f"label {position}" if key == "label" else key].append(_test(key, value))
    groups = list(alternatives.values())
    return lambda volume: all(any(test(volume) for test in group) for group in groups)


def _test(key: str, value: str) -> Test:
    match key:
        case "name":
            return lambda volume: value in volume.name
        case "dangling":
            return lambda volume: (not volume.used_by) == _TRUTH[value]
    label, equals, wanted = value.partition("=")
    return lambda volume: label in volume.labels and (not equals or volume.labels[label] == wanted)
