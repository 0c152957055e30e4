"""What a real engine writes down of each action: the steps of the kernel, when they came, and which one failed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.places import Places
from engine.protocol import messages as m
from engine.protocol.limits import Limits
from engine.protocol.network import PortOption
from engine.protocol.receipts import Receipt, ReceiptStep

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="cgroups, bridges and rules need root")
pytestmark = as_root


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    directory = tmp_path_factory.mktemp("engine")
    return Places(directory / "run", directory / "state")


@pytest.fixture(scope="module")
def engine(places: Places) -> Iterator[Connection]:
    with Connection.connect(places) as connection:
        yield connection
        connection.request(m.StopEngine(all=True), m.Done)


@pytest.fixture
def web(engine: Connection) -> Iterator[str]:
    """A container that is deaf to TERM."""
    options = m.ContainerOptions(image="busybox", name="web", command=["sleep", "1000"], env=["TOKEN=secret"])
    engine.request(m.RunContainer(options=options), m.ContainerRef)
    yield "web"
    engine.request(m.RemoveContainer(container="web", force=True), m.Done)


def last(engine: Connection) -> m.ReceiptShown:
    """The receipt of what was done last."""
    number = engine.request(m.ListReceipts(), m.Receipts).receipts[-1].number
    return engine.request(m.GetReceipt(number=number), m.ReceiptShown)


def done(engine: Connection, request: m.Request) -> m.ReceiptShown:
    engine.request(request, m.Reply)
    shown = last(engine)
    assert shown.receipt.outcome == "done"
    return shown


def refused(engine: Connection, request: m.Request) -> m.ReceiptShown:
    with pytest.raises(RequestFailed) as error:
        engine.request(request, m.Reply)
    shown = last(engine)
    assert shown.receipt.outcome == "failed"
    assert shown.receipt.error == error.value.message
    return shown


def later(places: Places, number: int, true: Callable[[m.ReceiptShown], object]) -> m.ReceiptShown:
    """The receipt as it is once that is so, which may be after its answer."""
    with Connection.connect(places) as following, Connection.connect(places) as asking:
        for message in following.stream(m.StreamReceipts(since=number - 1)):
            assert isinstance(message, m.Receipts)
            shown = asking.request(m.GetReceipt(number=number), m.ReceiptShown)
            if true(shown):
                return shown
    raise AssertionError("the engine has ended")


def find(shown: m.ReceiptShown, call: str, words: str = "") -> list[ReceiptStep]:
    return [step for step in shown.steps if step.call == call and words in step.arguments]


def test_a_run_shows_its_files_its_cgroup_its_network_and_the_launch(engine: Connection, web: str) -> None:
    shown = last(engine)
    receipt = shown.receipt
    assert (receipt.request["type"], receipt.name, receipt.uid) == ("run_container", "web", os.geteuid())
    assert receipt.container is not None
    assert receipt.launched
    (launch,) = find(shown, "launch")
    assert "clone3" in launch.arguments
    for call, words in (("write", "config.json"), ("mkdir", receipt.container), ("unshare", "CLONE_NEWNET")):
        (found, *_) = find(shown, call, words)
        assert found.start <= found.end <= launch.start
    assert find(shown, "RTM_NEWLINK", "veth")
    assert len(engine.request(m.GetLaunch(container="web"), m.Launch).steps) > 20
    assert [step.start for step in shown.steps] == sorted(step.start for step in shown.steps)


def test_a_stop_shows_the_signals_the_end_and_what_is_cleared_away(engine: Connection, web: str) -> None:
    shown = done(engine, m.StopContainer(container="web", timeout=0.05))
    (term,) = find(shown, "pidfd_send_signal", "pidfd of web's init, SIGTERM")
    (kill,) = find(shown, "pidfd_send_signal", "pidfd of web's init, SIGKILL")
    (end,) = find(shown, "waitid")
    assert term.end <= kill.start <= kill.end <= end.end
    assert end.result == "137"
    assert kill.start - term.start >= 50_000_000
    assert all(step.start >= end.start for step in find(shown, "rmdir"))
    assert find(shown, "rmdir")
    assert find(shown, "rmtree")


def test_what_ends_by_itself_is_nobodys_step(places: Places, engine: Connection) -> None:
    options = m.ContainerOptions(image="busybox", command=["true"])
    started = engine.request(m.RunContainer(options=options), m.ContainerRef)
    number = last(engine).receipt.number
    engine.request(m.WaitContainer(container=started.id), m.ExitStatus)
    removed = done(engine, m.RemoveContainer(container=started.id))
    assert not find(removed, "waitid")
    shown = engine.request(m.GetReceipt(number=number), m.ReceiptShown)
    assert not find(shown, "waitid")
    assert not find(shown, "rmdir")


def test_a_removal_by_force_has_the_end_as_well(engine: Connection) -> None:
    options = m.ContainerOptions(image="busybox", name="gone", command=["sleep", "1000"])
    engine.request(m.RunContainer(options=options), m.ContainerRef)
    shown = done(engine, m.RemoveContainer(container="gone", force=True))
    assert [step.call for step in shown.steps if step.call in ("pidfd_send_signal", "waitid")] == [
        "pidfd_send_signal",
        "waitid",
    ]
    assert find(shown, "rename", "trash")


def test_what_is_done_after_the_answer_belongs_to_it_too(places: Places, engine: Connection) -> None:
    """The files of a container are deleted beside everything else."""
    options = m.ContainerOptions(image="busybox", name="files")
    engine.request(m.CreateContainer(options=options), m.ContainerRef)
    number = done(engine, m.RemoveContainer(container="files")).receipt.number
    shown = later(places, number, lambda shown: find(shown, "rmtree", "trash"))
    (deleted,) = find(shown, "rmtree", "trash")
    assert shown.receipt.duration is not None
    assert deleted.end > find(shown, "rename", "trash")[0].end


def test_a_pause_shows_the_freezers_file(engine: Connection, web: str) -> None:
    shown = done(engine, m.PauseContainer(container="web"))
    (frozen,) = [
        step for step in find(shown, "write") if "cgroup.freeze" in step.arguments or "FROZEN" in step.arguments
    ]
    assert frozen.outcome == "done"
    assert find(shown, "fsync", "state.json")
    thawed = done(engine, m.UnpauseContainer(container="web"))
    assert [step for step in find(thawed, "write") if '"0"' in step.arguments or '"THAWED"' in step.arguments]


def test_an_update_shows_what_was_written_where(engine: Connection, web: str) -> None:
    shown = done(engine, m.UpdateContainer(container="web", limits=Limits(memory=64 << 20)))
    writes = find(shown, "write", '"67108864"')
    assert writes
    assert "/memory.max" in writes[0].arguments or "/memory.limit_in_bytes" in writes[0].arguments


def test_publishing_shows_the_socket_that_is_held_and_the_elements_of_the_table(engine: Connection, web: str) -> None:
    shown = done(engine, m.PublishPort(container="web", port=PortOption(container=80)))
    assert find(shown, "bind", "tcp")
    assert find(shown, "nft", "add element")
    gone = done(engine, m.UnpublishPort(container="web", port=80))
    assert find(gone, "nft", "delete element")


def test_a_failure_shows_the_step_that_it_failed_by(engine: Connection, web: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        option = PortOption(container=80, host=port, address="127.0.0.1")
        shown = refused(engine, m.PublishPort(container="web", port=option))
    (step,) = [step for step in shown.steps if step.outcome == "failed"]
    assert (step.call, step.result) == ("bind", "EADDRINUSE")
    assert f"port {port}" in step.arguments


def test_a_launch_that_fails_says_so_where_its_receipt_is_read(engine: Connection) -> None:
    options = m.ContainerOptions(image="busybox", name="bad", command=["/nope"])
    shown = refused(engine, m.RunContainer(options=options))
    (step,) = [step for step in shown.steps if step.outcome == "failed"]
    assert "launch receipt" in step.arguments
    assert "not found" in step.result
    assert find(shown, "rmdir")  # nothing half-made is left: that was done, too
    assert all(step.outcome != "failed" for step in find(shown, "rmdir"))


def test_a_refusal_that_needed_no_kernel_has_no_steps(engine: Connection) -> None:
    shown = refused(engine, m.StartContainer(container="nobody"))
    assert shown.steps == []
    assert (shown.receipt.name, shown.receipt.container) == ("nobody", None)


def test_who_looks_leaves_no_receipt(engine: Connection, web: str) -> None:
    before = last(engine).receipt.number
    engine.request(m.ListContainers(), m.Containers)
    engine.request(m.InspectContainer(container="web"), m.Inspected)
    engine.request(m.GetLimits(container="web"), m.LimitsInForce)
    assert last(engine).receipt.number == before


def test_a_program_that_is_run_in_it_and_a_terminal_show_their_launch(
    places: Places, engine: Connection, web: str
) -> None:
    with Connection.connect(places) as running:
        for _ in running.stream(m.Exec(container="web", command=["true"])):
            pass
    shown = last(engine)
    assert shown.receipt.request["type"] == "exec"
    assert find(shown, "launch")
    opened = done(engine, m.OpenTerminal(workdir="/", command=["/bin/sh"], env=["SECRET=x"]))
    assert opened.receipt.made == "t1"
    assert opened.receipt.request["env"] == []
    closed = done(engine, m.CloseTerminal(terminal="t1"))
    assert find(closed, "kill", "SIGHUP")


def test_receipts_are_told_as_they_come(places: Places, engine: Connection, web: str) -> None:
    with Connection.connect(places) as following:
        messages = following.stream(m.StreamReceipts())
        first = next(messages)
        assert isinstance(first, m.Receipts)
        assert first.you == os.getpid()
        known = first.receipts[-1].number
        done(engine, m.KillContainer(container="web", signal="USR1"))
        found: list[Receipt] = []
        while not (found and found[-1].outcome == "done"):
            message = next(messages)
            assert isinstance(message, m.Receipts)
            found += [receipt for receipt in message.receipts if receipt.number == known + 1]
    assert {receipt.pid for receipt in found} == {os.getpid()}
    assert found[-1].request == {"type": "kill_container", "container": "web", "signal": "USR1"}
    assert found[-1].duration is not None
