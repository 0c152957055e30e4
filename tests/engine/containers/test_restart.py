"""Restart policies."""

from datetime import UTC, datetime

import pytest

from engine.containers import restart
from engine.containers.record import Record
from engine.protocol.messages import ContainerOptions, RestartPolicy, Status


def ended(policy: str, *, asked: bool, status: Status = Status.EXITED, exit_code: int | None = 0) -> Record:
    options = ContainerOptions(restart=RestartPolicy(name=policy))  # type: ignore[arg-type]
    return Record(
        id="abc000000000", name="web", image="host", command=["sh"], options=options, created_at=datetime.now(UTC),
        status=status, asked=asked, exit_code=exit_code,
    )  # fmt: skip


def test_without_a_policy_nothing_comes_back() -> None:
    assert not restart.wanted(RestartPolicy(), 1, 0)


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
@pytest.mark.parametrize("code", [0, 1, 137])
def test_always_and_unless_stopped_come_back_whatever_the_exit_code(name: str, code: int) -> None:
    assert restart.wanted(RestartPolicy(name=name), code, 1000)  # type: ignore[arg-type]


def test_on_failure_comes_back_after_failures_only() -> None:
    policy = RestartPolicy(name="on-failure")
    assert restart.wanted(policy, 1, 1000)
    assert not restart.wanted(policy, 0, 0)


def test_on_failure_with_a_number_comes_back_so_many_times() -> None:
    policy = RestartPolicy(name="on-failure", maximum=2)
    assert [restart.wanted(policy, 1, restarts) for restarts in range(4)] == [True, True, False, False]


def test_the_delay_doubles_from_a_tenth_of_a_second_to_a_minute() -> None:
    delays = [0.0]
    for _ in range(12):
        delays.append(restart.delay(delays[-1], ran=1.0))
    assert delays[1:4] == [0.1, 0.2, 0.4]
    assert delays[-2:] == [60.0, 60.0]


def test_the_delay_begins_anew_after_ten_seconds_of_running() -> None:
    assert restart.delay(25.6, ran=9.9) == 51.2
    assert restart.delay(25.6, ran=10.0) == 0.1


def test_after_a_reboot_unless_stopped_respects_the_person_who_stopped_it_and_always_does_not() -> None:
    assert restart.wanted_at_boot(ended("always", asked=True, status=Status.STOPPED))
    assert not restart.wanted_at_boot(ended("unless-stopped", asked=True, status=Status.STOPPED))
    assert restart.wanted_at_boot(ended("unless-stopped", asked=False))


def test_after_a_reboot_on_failure_looks_at_the_exit_code() -> None:
    assert restart.wanted_at_boot(ended("on-failure", asked=False, exit_code=255))
    assert not restart.wanted_at_boot(ended("on-failure", asked=False, exit_code=0))


def test_what_never_ran_does_not_start_by_itself() -> None:
    assert not restart.wanted_at_boot(ended("always", asked=False, status=Status.CREATED, exit_code=None))
