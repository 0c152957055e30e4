"""Receipts in memory: how many, and who is told what."""

from __future__ import annotations

import asyncio
import errno

import msgspec
import pytest

from engine.errors import EngineError
from engine.protocol import messages as m
from engine.protocol.framing import MAX_REPLY
from engine.protocol.network import PortOption
from engine.receipts import steps
from engine.receipts.callers import Caller, program
from engine.receipts.ledger import LONGEST, MOST, Entry, Ledger

OWNER, OTHER = Caller(1000, 0), Caller(1001, 0)


def run(*env: str) -> m.RunContainer:
    return m.RunContainer(options=m.ContainerOptions(image="busybox", env=list(env)))


async def test_values_of_variables_are_told_to_nobody_but_whoever_gave_them() -> None:
    ledger = Ledger()
    with ledger.kept(run("TOKEN=secret", "EMPTY="), OWNER):
        pass
    with ledger.kept(m.Exec(container="a", command=["x"], env=["TOKEN=secret"]), OWNER):
        pass
    (made, executed) = ledger.list(0, OWNER.uid)
    assert made.request["options"]["env"] == ["TOKEN=secret", "EMPTY="]
    assert executed.request["env"] == ["TOKEN=secret"]
    for uid in (OTHER.uid, None):  # another operator, a viewer
        (made, executed) = ledger.list(0, uid)
        assert made.request["options"]["env"] == ["TOKEN", "EMPTY"]
        assert executed.request["env"] == ["TOKEN"]
        assert "secret" not in str(ledger.get(1, uid))


async def test_a_receipt_of_another_engine_is_not_taken_for_one_of_this() -> None:
    before, ledger = Ledger(), Ledger()
    for each in (before, ledger):
        with each.kept(run(), OWNER):
            pass
    (old,) = before.list(0, OWNER.uid)
    (new,) = ledger.list(0, OWNER.uid)
    assert old.number == new.number
    assert ledger.get(new.number, OWNER.uid, new.engine).receipt == new
    with pytest.raises(EngineError, match="has ended"):
        ledger.get(old.number, OWNER.uid, old.engine)


async def test_the_environment_of_a_terminal_on_the_host_is_told_to_nobody() -> None:
    ledger = Ledger()
    with ledger.kept(m.OpenTerminal(env=["A=b"]), OWNER):
        pass
    assert ledger.list(0, OWNER.uid)[0].request["env"] == []


async def test_requests_of_any_length_leave_receipts_that_fit_into_one_answer() -> None:
    ledger = Ledger()
    vast = m.Exec(container="a" * 100_000, command=["\0" * 100_000], env=["TOKEN=" + "x" * 100_000])
    for request in (vast, run("A=" + "b" * (LONGEST - 2_000))):
        for _ in range(MOST // 2):
            with ledger.kept(request, OWNER) as kept:
                kept.answered(m.Error(code=m.ErrorCode.INVALID, message="No\0" * 100_000))
    receipts = ledger.list(0, OWNER.uid)
    assert len(receipts) == MOST
    assert len(msgspec.json.encode(m.Receipts(receipts=receipts))) < MAX_REPLY
    assert receipts[0].request == {"type": "exec", "too_long": receipts[0].request["too_long"]}
    assert receipts[-1].request["options"]["env"][0].startswith("A=b")


async def test_what_came_of_it_is_kept() -> None:
    ledger = Ledger()
    with ledger.kept(m.StartContainer(container="a"), OWNER) as kept:
        assert ledger.list(0, None)[0].outcome == "under way"
        kept.answered(m.Error(code=m.ErrorCode.INVALID, message="No."))
    with ledger.kept(run(), OWNER) as kept:
        kept.answered(m.ContainerRef(id="0123456789ab", name="calm_fox"))
    with pytest.raises(EngineError), ledger.kept(m.Attach(container="a", start=True), OWNER):
        raise EngineError(m.ErrorCode.WRONG_STATE, "It is not there.")
    failed, made, attached = ledger.list(0, None)
    assert (failed.outcome, failed.error) == ("failed", "No.")
    assert (made.outcome, made.container, made.name) == ("done", "0123456789ab", "calm_fox")
    assert (attached.outcome, attached.error) == ("failed", "It is not there.")


async def test_only_what_acts_is_kept() -> None:
    ledger = Ledger()
    for request in (m.ListContainers(), m.Attach(container="a"), m.StreamLogs(container="a"), m.OpenPlayground()):
        with ledger.kept(request, OWNER):
            pass
    assert ledger.list(0, None) == []


async def test_the_last_ones_are_kept_and_the_others_forgotten() -> None:
    ledger = Ledger()
    for _ in range(MOST + 2):
        with ledger.kept(m.PruneVolumes(), OWNER):
            pass
    assert [receipt.number for receipt in ledger.list(MOST, None)] == [MOST + 1, MOST + 2]
    assert len(ledger.list(0, None)) == MOST
    with pytest.raises(EngineError) as error:
        ledger.get(2, None)
    assert error.value.code is m.ErrorCode.NO_SUCH_RECEIPT


async def test_once_no_more_steps_will_come_they_are_kept_in_less_room() -> None:
    ledger = Ledger()
    request = m.PublishPort(container="a", port=PortOption(container=80))
    with ledger.kept(request, OWNER) as kept:
        with steps.step("launch"):
            pass
        try:
            with steps.step("bind", "/x"):
                raise OSError(errno.EADDRINUSE, "taken")
        except OSError as error:
            steps.blame(error)
        kept.answered(m.Error(code=m.ErrorCode.INVALID, message="It is taken."))
    before = ledger.get(1, None)
    assert isinstance(kept, Entry)
    kept.pack()
    assert ledger.get(1, None) == before
    assert before.receipt.launched
    assert [step.outcome for step in before.steps] == ["done", "failed"]
    assert kept.recorder.steps == []
    kept.recorder.note("late", (), 0, None)
    assert kept.recorder.steps == []


async def test_followers_hear_of_each_when_it_is_opened_and_when_it_is_done() -> None:
    ledger = Ledger()
    stream = ledger.stream(0, None, Caller(0, 7))
    first = await anext(stream)
    assert first == m.Receipts(receipts=[], you=7, engine=ledger.began)
    following = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    with ledger.kept(m.PruneNetworks(), OWNER):
        opened = await following
    closed = await anext(stream)
    assert isinstance(opened, m.Receipts)
    assert isinstance(closed, m.Receipts)
    assert [receipt.outcome for receipt in (*opened.receipts, *closed.receipts)] == ["under way", "done"]
    await stream.aclose()


@pytest.mark.parametrize(
    ("line", "comm", "called"),
    [
        ("/usr/bin/python3 /usr/bin/heliostui", "heliostui", "console"),
        ("python -m heliostui run -e SECRET=x busybox", "python", "heliostui run"),
        ("/usr/bin/heliostui -H ssh://a stop web", "heliostui", "heliostui stop"),
        ("/usr/bin/heliostui --read-only", "heliostui", "console"),
        ("sshd: lecturer", "sshd", "sshd"),
        ("python -c pass --token=x", "python", "python"),
        ("", "", ""),
    ],
)
def test_a_program_is_called_by_its_verb_and_by_no_other_word(line: str, comm: str, called: str) -> None:
    assert program(line.split(" "), comm) == called


def test_one_that_has_gone_has_no_name() -> None:
    assert Caller(0, 0).program == ""
