"""The filters of `volume ls` (see `ListVolumes`). Imports the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine import filters
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, VolumeDetail

Test = Callable[[VolumeDetail], bool]
KEYS = ("name", "label", "dangling")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def parse(texts: Sequence[str]) -> Test:
    """All filters as one test. EngineError(INVALID) names the filter that is none."""
    return filters.combined(texts, _test)


def _test(text: str, key: str, value: str) -> Test:
    if key not in KEYS or (key == "dangling" and value not in _TRUTH):
        raise EngineError(
            ErrorCode.INVALID,
            f"{text[:64]!r} is not a filter: give name=TEXT, label=KEY[=VALUE] or dangling=true|false.",
        )
    match key:
        case "name":
            return lambda volume: value in volume.name
        case "dangling":
            return lambda volume: (not volume.used_by) == _TRUTH[value]
    return lambda volume: filters.has_label(volume.labels, value)
