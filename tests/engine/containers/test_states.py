"""The life of a container."""

import pytest

from engine.containers.states import ACTIVE, LIVE, TABLE, Happening, after
from engine.errors import EngineError
from engine.protocol.messages import ErrorCode, Status


@pytest.mark.parametrize("status", [Status.CREATED, Status.STOPPED, Status.EXITED, Status.RESTARTING])
def test_a_container_without_processes_can_be_started(status: Status) -> None:
    assert after("web", status, Happening.START) == Status.RUNNING


@pytest.mark.parametrize(
    ("status", "happening", "words"),
    [
        (Status.RUNNING, Happening.START, "running: it can't be started"),
        (Status.PAUSED, Happening.START, "paused: unpause it instead"),
        (Status.PAUSED, Happening.PAUSE, "paused already"),
        (Status.RUNNING, Happening.UNPAUSE, "running, not paused"),
    ],
)
def test_what_can_not_happen_is_said_with_the_state(status: Status, happening: Happening, words: str) -> None:
    with pytest.raises(EngineError) as refused:
        after("web", status, happening)
    assert refused.value.code == ErrorCode.WRONG_STATE
    assert refused.value.message == f"Container 'web' is {words}."


def test_ending_by_itself_and_being_stopped_are_told_apart() -> None:
    for status in LIVE:
        assert after("web", status, Happening.END) == Status.EXITED
        assert after("web", status, Happening.STOP) == Status.STOPPED


def test_pausing_leads_back_to_running() -> None:
    assert after("web", after("web", Status.RUNNING, Happening.PAUSE), Happening.UNPAUSE) == Status.RUNNING


def test_whatever_is_active_can_be_stopped_and_nothing_else() -> None:
    assert {status for status, happening in TABLE if happening == Happening.STOP} == ACTIVE


def test_no_way_leads_back_to_created() -> None:
    assert Status.CREATED not in TABLE.values()
    assert set(TABLE.values()) == set(Status) - {Status.CREATED}
