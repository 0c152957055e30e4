"""Promises of the engine's socket (R1): who gets what answer, and that no client harms another or the engine."""

from __future__ import annotations

import os
import socket
import stat
import struct
from contextlib import suppress
from typing import get_args

import pytest

from engine.daemon.dispatch import HANDLERS
from engine.daemon.server import listen
from engine.daemon.wire import Limits
from engine.protocol import framing
from engine.protocol import messages as m

from .conftest import PATIENCE, REF, Running, serving

REQUESTS = [kind for kind in get_args(m.AnyRequest) if issubclass(kind, m.Request)]
NOBODY, NOGROUP = 65534, 65534

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as somebody else")


def test_every_request_has_its_row_in_the_table() -> None:
    assert {*HANDLERS, m.GetEngine, m.ListReceipts, m.GetReceipt} == set(REQUESTS)


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (m.GetDoctor(), m.Doctor),
        (m.ListImages(), m.Images),
        (m.CreateContainer(options=m.ContainerOptions()), m.ContainerRef),
        (m.MakeSpec(options=m.ContainerOptions()), m.MadeSpec),
        (m.StartContainer(container="a"), m.ContainerRef),
        (m.RunContainer(options=m.ContainerOptions()), m.ContainerRef),
        (m.StopContainer(container="a"), m.Done),
        (m.KillContainer(container="a"), m.Done),
        (m.PauseContainer(container="a"), m.Done),
        (m.UnpauseContainer(container="a"), m.Done),
        (m.RemoveContainer(container="a"), m.Done),
        (m.WaitContainer(container="a"), m.ExitStatus),
        (m.RenameContainer(container="a", name="b"), m.Done),
        (m.ListContainers(), m.Containers),
        (m.InspectContainer(container="a"), m.Inspected),
        (m.GetLaunch(container="a"), m.Launch),
        (m.TopContainer(container="a"), m.Top),
        (m.GetProcess(container="a", pid=1), m.ProcessShown),
        (m.ExplainProcess(container="a", pid=1, figure="cpu"), m.Explanation),
        (m.SignalProcess(container="a", pid=1), m.Done),
        (m.NiceProcess(container="a", pid=1, nice=1), m.Done),
        (m.ListChanges(container="a"), m.Changes),
        (m.GetIsolation(container="a"), m.Isolation),
        (m.GetSeccomp(container="a"), m.SeccompFilter),
        (m.UpdateContainer(container="a", limits=m.Limits(memory=1 << 30)), m.Updated),
        (m.GetLimits(container="a"), m.LimitsInForce),
        (m.GetStats(), m.Stats),
        (m.GetHistory(container="a", metrics=[]), m.History),
        (m.ExplainMetric(container="a", metric="memory"), m.Explanation),
        (m.CreateVolume(name="v"), m.Volumes),
        (m.ListVolumes(), m.Volumes),
        (m.InspectVolume(name="v"), m.Volumes),
        (m.RemoveVolume(name="v"), m.Done),
        (m.PruneVolumes(), m.Volumes),
        (m.CreateNetwork(name="n"), m.Networks),
        (m.ListNetworks(), m.Networks),
        (m.InspectNetwork(network="n"), m.Networks),
        (m.RemoveNetwork(network="n"), m.Done),
        (m.PruneNetworks(), m.Networks),
        (m.ConnectNetwork(network=m.NetworkOption(name="n"), container="a"), m.Done),
        (m.DisconnectNetwork(network="n", container="a"), m.Done),
        (m.PublishPort(container="a", port=m.PortOption(container=80)), m.Ports),
        (m.UnpublishPort(container="a", port=80), m.Ports),
        (m.GetNetworkMap(), m.NetworkMap),
        (m.GetContainerNetwork(container="a"), m.ContainerNetwork),
        (m.ListHeaps(container="a"), m.Heaps),
        (m.GetHeap(target=m.HeapTarget(container="a")), m.HeapFigures),
        (m.GetHeapMap(target=m.HeapTarget(container="a")), m.HeapPicture),
        (m.GetFreeList(target=m.HeapTarget(container="a")), m.FreeList),
        (m.GetHeapBytes(target=m.HeapTarget(container="a"), address="0x1000"), m.HeapBytes),
        (m.OpenPlayground(), m.PlaygroundShown),
        (m.ListPlaygrounds(), m.Playgrounds),
        (m.GetPlayground(playground="p1"), m.PlaygroundShown),
        (m.Play(playground="p1", operations=["alloc 1"]), m.PlaygroundShown),
        (m.SeekPlayground(playground="p1", step=0), m.PlaygroundShown),
        (m.PeekPlayground(playground="p1"), m.Peeked),
        (m.ListPlay(playground="p1"), m.Operations),
        (m.ClosePlayground(playground="p1"), m.Done),
        (m.ResizeTerminal(container="a", columns=80, lines=24), m.Done),
    ],
    ids=lambda value: "" if isinstance(value, type) else type(value).__name__,
)
def test_every_request_gets_its_kind_of_reply(running: Running, request_: m.Request, reply: type[m.Reply]) -> None:
    assert isinstance(running.connect().ask(request_), reply)


def test_the_engine_says_who_it_is(running: Running) -> None:
    info = running.connect().ask(m.GetEngine())
    assert info == m.EngineInfo(
        pid=os.getpid(),
        keeper_pid=4711,
        socket=str(running.places.socket),
        version="1.2.3",
        protocol=m.VERSION,
        role=m.Role.OPERATOR,
        rootless=False,
        running=1,
        containers=1,
    )


def test_requests_sent_at_once_are_answered_in_turn(running: Running) -> None:
    client = running.connect()
    client.socket.sendall(b"".join(map(framing.encode, [m.ListImages(), m.GetDoctor()] * 20)))
    assert [type(client.receive()) for _ in range(40)] == [m.Images, m.Doctor] * 20


# --- the socket's file ---


def test_the_socket_is_0660_and_of_its_directorys_group(running: Running) -> None:
    found = running.places.socket.stat()
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_gid == running.places.runtime.stat().st_gid


@as_root
def test_the_group_of_the_directory_is_given_to_the_socket() -> None:
    with serving() as running:
        os.chown(running.places.runtime, -1, NOGROUP)
        again = running.places.runtime / "again.sock"
        listen(again).close()
        assert again.stat().st_gid == NOGROUP


def test_a_stale_socket_is_replaced(running: Running) -> None:
    path = running.places.runtime / "stale.sock"
    listen(path).close()
    fresh = listen(path)
    with fresh, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    assert not path.with_name("stale.sock.new").exists()


def test_the_socket_is_gone_when_the_server_has_ended() -> None:
    with serving() as running:
        path = running.places.socket
        running.do(running.engine.stopping.set)
        running.thread.join(PATIENCE)
        assert not path.exists()


# --- bad clients ---


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b"[]", b'{"type":"launch_rocket"}', b'{"type":"input","data":""}']
)
def test_a_bad_message_is_refused_and_the_connection_goes_on(running: Running, payload: bytes) -> None:
    client = running.connect()
    client.send_frame(payload)
    refusal = client.receive()
    assert isinstance(refusal, m.Error)
    assert refusal.code is m.ErrorCode.BAD_MESSAGE
    assert isinstance(client.ask(m.GetEngine()), m.EngineInfo)


def test_an_oversized_frame_is_refused_and_the_connection_closed(running: Running) -> None:
    client = running.connect()
    client.send(m.ListImages())
    client.socket.sendall(struct.pack(">I", framing.MAX_REQUEST + 1))
    assert isinstance(client.receive(), m.Images)
    refusal = client.receive()
    assert isinstance(refusal, m.Error)
    assert refusal.code is m.ErrorCode.BAD_FRAME
    assert client.receive() is None
    running.still_serves()


def test_a_frame_of_exactly_the_limit_is_read(running: Running) -> None:
    client = running.connect()
    client.send_frame(b'{"type":"get_engine"}'.ljust(framing.MAX_REQUEST))
    assert isinstance(client.receive(), m.EngineInfo)


@pytest.mark.parametrize("begun", [b"\0", b"\0\0\0\x15", b'\0\0\0\x15{"type":"get_en'])
def test_a_frame_that_is_begun_and_not_completed_is_given_up(begun: bytes) -> None:
    with serving(Limits(frame=0.2)) as running:
        client = running.connect()
        client.socket.sendall(begun)
        refusal = client.receive()
        assert isinstance(refusal, m.Error)
        assert refusal.code is m.ErrorCode.BAD_FRAME
        assert "not completed within 0.2 seconds" in refusal.message
        assert client.receive() is None


def test_dripping_a_frame_byte_by_byte_gains_no_time() -> None:
    with serving(Limits(frame=0.3)) as running:
        client = running.connect()
        client.socket.settimeout(0.02)
        client.socket.sendall(struct.pack(">I", 1000))
        reply: m.AnyReply | None = None
        for _ in range(500):
            with suppress(BrokenPipeError):  # given up already: it has been told
                client.socket.sendall(b" ")
            try:
                reply = client.receive()
                break
            except TimeoutError:
                pass  # nothing yet: the next byte
        assert isinstance(reply, m.Error)
        assert reply.code is m.ErrorCode.BAD_FRAME


def test_a_silent_connection_may_stay_as_long_as_it_likes() -> None:
    with serving(Limits(frame=0.05)) as running:
        silent, marker = running.connect(), running.connect()
        marker.socket.sendall(b"\0")
        assert isinstance(marker.receive(), m.Error)  # the limit has passed
        assert isinstance(silent.ask(m.GetEngine()), m.EngineInfo)


def test_a_frame_cut_off_by_the_clients_end_harms_nobody(running: Running) -> None:
    client = running.connect()
    client.socket.sendall(framing.encode(m.GetEngine())[:-3])
    client.socket.close()
    running.still_serves()


def test_a_half_closed_connection_still_gets_its_answers(running: Running) -> None:
    client = running.connect()
    client.send(m.WaitContainer(container="running"))
    client.send(m.GetEngine())
    client.socket.shutdown(socket.SHUT_WR)
    running.containers.wait_for("waiting")
    running.do(running.containers.exited.set)
    assert isinstance(client.receive(), m.ExitStatus)
    assert isinstance(client.receive(), m.EngineInfo)
    assert client.receive() is None


def test_a_half_closed_connection_gets_its_whole_stream(running: Running) -> None:
    client = running.connect()
    client.send(m.StreamLogs(container="a"))
    client.socket.shutdown(socket.SHUT_WR)
    assert [type(client.receive()) for _ in range(4)] == [m.LogRecord, m.LogRecord, m.LogRecord, m.StreamEnd]
    assert client.receive() is None


def test_200_clients_are_served_at_once(running: Running) -> None:
    clients = [running.connect() for _ in range(200)]
    for client in clients:
        client.send(m.GetEngine())
    assert all(isinstance(client.receive(), m.EngineInfo) for client in clients)
    running.still_serves()


def test_more_clients_than_allowed_wait_for_their_turn() -> None:
    with serving(Limits(connections=2)) as running:
        first, second, third = (running.connect() for _ in range(3))
        assert isinstance(first.ask(m.GetEngine()), m.EngineInfo)
        assert isinstance(second.ask(m.GetEngine()), m.EngineInfo)
        third.send(m.GetEngine())
        first.socket.close()
        assert isinstance(third.receive(), m.EngineInfo)


@as_root
def test_however_many_watch_there_is_room_for_who_operates() -> None:
    with serving(Limits(viewers=2), mode=0o755) as running:
        running.places.socket.chmod(0o666)
        viewers = [running.connect_as(NOBODY, (NOGROUP,)) for _ in range(3)]
        for viewer in viewers[:2]:
            assert isinstance(viewer.ask(m.GetEngine()), m.EngineInfo)
        sent_away = viewers[2].receive()
        assert isinstance(sent_away, m.Error)
        assert sent_away.message == "Too many watch this engine already; come again later."
        assert viewers[2].receive() is None
        running.still_serves()
        viewers[0].socket.close()
        viewers[1].ask(m.GetEngine())
        running.still_serves()
        again = running.connect_as(NOBODY, (NOGROUP,))
        assert isinstance(again.ask(m.GetEngine()), m.EngineInfo)


def test_a_client_that_reads_no_answers_is_cut_off_and_delays_nobody() -> None:
    with serving(Limits(stalled=0.3)) as running:
        deaf = running.connect()
        with suppress(ConnectionError):  # that it is cut off ends this
            while True:
                deaf.send(m.GetEngine())
        running.still_serves()


def test_who_follows_a_stream_may_pause_and_delays_nobody() -> None:
    with serving(Limits(stalled=0.0)) as running:
        pausing = running.connect()
        pausing.send(m.StreamLogs(container="endless"))
        running.still_serves()
        assert all(isinstance(pausing.receive(), m.LogRecord) for _ in range(1000))
        pausing.socket.close()
        running.containers.wait_for("logs closed")


# --- errors of the service ---


def test_an_engine_error_becomes_its_reply(running: Running) -> None:
    client = running.connect()
    refusal = client.refusal(m.KillContainer(container="none"))
    assert refusal == m.Error(code=m.ErrorCode.NO_SUCH_CONTAINER, message="There is no container 'none'.")
    assert isinstance(client.ask(m.GetEngine()), m.EngineInfo)


def test_a_defect_is_told_and_logged_and_the_connection_goes_on(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    client = running.connect()
    refusal = client.refusal(m.KillContainer(container="defect"))
    assert refusal.code is m.ErrorCode.INTERNAL
    assert "a defect made for the test" in refusal.message
    assert "ZeroDivisionError" in caplog.text
    assert isinstance(client.ask(m.GetEngine()), m.EngineInfo)


def test_an_answer_that_is_too_long_becomes_an_error(running: Running) -> None:
    client = running.connect()
    assert client.refusal(m.InspectContainer(container="huge")).code is m.ErrorCode.INTERNAL
    assert isinstance(client.ask(m.GetEngine()), m.EngineInfo)


# --- clients that leave ---


def test_a_wait_ends_with_its_client(running: Running) -> None:
    client = running.connect()
    client.send(m.WaitContainer(container="running"))
    running.containers.wait_for("waiting")
    client.socket.close()
    running.containers.wait_for("no longer waiting")


def test_what_was_asked_is_done_even_if_the_client_leaves(running: Running) -> None:
    client = running.connect()
    client.send(m.StartContainer(container="slow"))
    running.containers.wait_for("starting")
    client.socket.close()
    running.still_serves()
    running.do(running.containers.go.set)
    running.containers.wait_for("started")


# --- streams ---


def test_events_come_as_they_happen_once_the_stream_is_ready(running: Running) -> None:
    client = running.connect()
    assert client.ask(m.StreamEvents()) == m.Ready()
    running.do(running.containers.bus.publish, "start", REF.id, REF.name)
    event = client.receive()
    assert isinstance(event, m.Event)
    assert (event.action, event.container) == ("start", REF.id)
    client.socket.close()
    running.containers.wait_for("unsubscribed")


def test_logs_end_and_their_connection_with_them(running: Running) -> None:
    client = running.connect()
    client.send(m.StreamLogs(container="a"))
    assert [type(client.receive()) for _ in range(4)] == [m.LogRecord, m.LogRecord, m.LogRecord, m.StreamEnd]
    assert client.receive() is None


@pytest.mark.parametrize("request_", [m.StreamLogs(container="none"), m.Attach(container="none")])
def test_a_stream_of_no_container_is_refused(running: Running, request_: m.StreamRequest) -> None:
    client = running.connect()
    assert client.refusal(request_).code is m.ErrorCode.NO_SUCH_CONTAINER
    assert client.receive() is None


@pytest.mark.parametrize("request_", [m.Attach(container="a"), m.Exec(container="a", command=["sh"])])
def test_an_attached_client_talks_with_the_program(running: Running, request_: m.StreamRequest) -> None:
    client = running.connect()
    assert isinstance(client.ask(request_), m.Attached)
    assert client.ask(m.Input(data=b"hello\n")) == m.Output(data=b"hello\n")
    client.send(m.Resize(columns=100, lines=30))
    assert client.ask(m.CloseInput()) == m.Exited(exit_code=0)
    assert client.receive() is None
    running.containers.wait_for("session closed")
    assert m.Resize(columns=100, lines=30) in running.containers.sessions[0].received


def test_what_was_typed_before_leaving_arrives(running: Running) -> None:
    client = running.connect()
    assert isinstance(client.ask(m.Attach(container="a")), m.Attached)
    for number in range(50):
        client.send(m.Input(data=b"%d" % number))
    client.socket.close()
    running.containers.wait_for("session closed")
    assert running.containers.sessions[0].received == [m.Input(data=b"%d" % number) for number in range(50)]


def test_a_client_that_leaves_is_noticed_even_while_the_program_takes_nothing() -> None:
    with serving(Limits(farewell=0.1)) as running:
        client = running.connect()
        assert isinstance(client.ask(m.Attach(container="a")), m.Attached)
        for _ in range(20):
            client.send(m.Input(data=b"stuck"))
        client.socket.close()
        running.containers.wait_for("session closed")


@pytest.mark.parametrize("payload", [b"{", b'{"type":"get_engine"}', b'{"type":"input","data":7}'])
def test_a_bad_message_within_a_stream_ends_it(running: Running, payload: bytes) -> None:
    client = running.connect()
    assert isinstance(client.ask(m.Attach(container="a")), m.Attached)
    client.send_frame(payload)
    refusal = client.receive()
    assert isinstance(refusal, m.Error)
    assert refusal.code is m.ErrorCode.BAD_MESSAGE
    assert client.receive() is None
    running.containers.wait_for("session closed")


# --- viewers ---


@as_root
def test_a_viewer_may_look() -> None:
    with serving(mode=0o755) as running:
        running.places.socket.chmod(0o666)
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        info = viewer.ask(m.GetEngine())
        assert isinstance(info, m.EngineInfo)
        assert info.role is m.Role.VIEWER
        assert isinstance(viewer.ask(m.ListContainers()), m.Containers)
        assert isinstance(viewer.ask(m.InspectContainer(container="a")), m.Inspected)


@as_root
def test_a_viewer_may_do_nothing_else() -> None:
    acts = [
        m.StopEngine(),
        m.CreateContainer(options=m.ContainerOptions()),
        m.MakeSpec(options=m.ContainerOptions()),
        m.StartContainer(container="a"),
        m.RunContainer(options=m.ContainerOptions()),
        m.StopContainer(container="a"),
        m.KillContainer(container="a"),
        m.PauseContainer(container="a"),
        m.UnpauseContainer(container="a"),
        m.RemoveContainer(container="a"),
        m.RenameContainer(container="a", name="b"),
        m.ResizeTerminal(container="a", columns=80, lines=24),
        m.Exec(container="a", command=["sh"]),
        m.OpenTerminal(),
        m.CloseTerminal(terminal="t1"),
        m.ActOnJob(pgid=1, action="stop", terminal="t1"),
        m.UpdateContainer(container="a", limits=m.Limits()),
        m.CreateVolume(),
        m.RemoveVolume(name="v"),
        m.PruneVolumes(),
        m.CreateNetwork(name="n"),
        m.RemoveNetwork(network="n"),
        m.PruneNetworks(),
        m.ConnectNetwork(network=m.NetworkOption(name="n"), container="a"),
        m.DisconnectNetwork(network="n", container="a"),
        m.PublishPort(container="a", port=m.PortOption(container=80)),
        m.UnpublishPort(container="a", port=80),
        m.StreamCapture(container="a"),
        m.StreamDns(),
        m.GetHeapBytes(target=m.HeapTarget(container="a"), address="0x1000"),
        m.OpenPlayground(),
        m.Play(playground="p1", operations=[]),
        m.SeekPlayground(playground="p1", step=0),
        m.PeekPlayground(playground="p1"),
        m.ClosePlayground(playground="p1"),
        m.EndPresentation(),
        m.SignalProcess(container="a", pid=1),
        m.NiceProcess(container="a", pid=1, nice=5),
    ]
    assert {type(act) for act in acts} | set(m.VIEWER_REQUESTS) == set(get_args(m.AnyRequest))
    with serving(mode=0o755) as running:
        running.places.socket.chmod(0o666)
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        for act in (*acts, m.Attach(container="a", start=True)):
            assert viewer.refusal(act).code is m.ErrorCode.FORBIDDEN
        assert running.containers.sessions == []


@as_root
def test_a_viewer_looks_at_heaps_without_touching_their_programs() -> None:
    target = m.HeapTarget(container="a")
    with serving(mode=0o755) as running:
        running.places.socket.chmod(0o666)
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        viewer.ask(m.GetHeap(target=target, exact=True))
        viewer.ask(m.GetHeapMap(target=target, view=m.HeapView(columns=7, events_after=0), exact=True))
        asked = running.engine.heaps.asked  # type: ignore[attr-defined]
        assert asked == [m.GetHeap(target=target), m.GetHeapMap(target=target, view=m.HeapView(columns=7))]


@as_root
def test_a_viewer_sees_terminals_and_jobs_and_joins_without_input() -> None:
    with serving(mode=0o755) as running:
        running.places.socket.chmod(0o666)
        running.containers.has_terminal = True
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        terminals = viewer.ask(m.ListTerminals())
        assert isinstance(terminals, m.Terminals)
        assert [terminal.id for terminal in terminals.terminals] == ["t1"]
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        assert isinstance(viewer.ask(m.StreamJobs(terminal="t1")), m.JobTable)
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        assert isinstance(viewer.ask(m.JoinTerminal(terminal="t1", columns=10, lines=5)), m.Attached)
        (session,) = running.containers.sessions
        assert session.request == m.JoinTerminal(terminal="t1", input=False)
        viewer.send(m.Input(data=b"rm -rf /\n"))
        viewer.socket.close()
        running.containers.wait_for("session closed")
        assert session.received == []


@as_root
def test_a_viewer_attaches_without_input_and_without_a_size() -> None:
    with serving(mode=0o755) as running:
        running.places.socket.chmod(0o666)
        viewer = running.connect_as(NOBODY, (NOGROUP,))
        assert isinstance(viewer.ask(m.Attach(container="a", columns=10, lines=5)), m.Attached)
        (session,) = running.containers.sessions
        assert session.request == m.Attach(container="a", input=False)
        viewer.send(m.Input(data=b"rm -rf /\n"))
        viewer.send(m.Resize(columns=1, lines=1))
        viewer.socket.close()
        running.containers.wait_for("session closed")
        assert session.received == []


@as_root
def test_others_can_not_connect_at_all(running: Running) -> None:
    with pytest.raises(PermissionError):
        running.connect_as(NOBODY, (NOGROUP,))


# --- the end ---


def test_at_the_end_a_request_still_gets_its_answer_and_streams_are_closed() -> None:
    with serving(Limits(farewell=PATIENCE)) as running:
        busy, watching, waiting, idle = (running.connect() for _ in range(4))
        assert watching.ask(m.StreamEvents()) == m.Ready()
        waiting.send(m.WaitContainer(container="running"))
        running.containers.wait_for("waiting")
        busy.send(m.StartContainer(container="slow"))
        running.containers.wait_for("starting")
        running.do(running.engine.stopping.set)
        assert watching.receive() is None
        assert waiting.receive() is None
        assert idle.receive() is None
        running.do(running.containers.go.set)
        assert busy.receive() == REF
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()


def test_a_request_that_takes_too_long_does_not_hold_up_the_end() -> None:
    with serving(Limits(farewell=0.1)) as running:
        busy = running.connect()
        busy.send(m.StartContainer(container="slow"))
        running.containers.wait_for("starting")
        running.do(running.engine.stopping.set)
        assert busy.receive() is None


def test_the_engine_is_not_stopped_while_containers_run(running: Running) -> None:
    refusal = running.connect().refusal(m.StopEngine())
    assert refusal.code is m.ErrorCode.WRONG_STATE
    assert REF.name in refusal.message
    running.still_serves()


def test_the_engine_is_not_stopped_while_terminals_are_open(running: Running) -> None:
    running.containers.running, running.containers.has_terminal = False, True
    refusal = running.connect().refusal(m.StopEngine())
    assert refusal.code is m.ErrorCode.WRONG_STATE
    assert "t1" in refusal.message
    running.still_serves()
    running.containers.may_stop = True
    assert running.connect().ask(m.StopEngine(all=True)) == m.Done()
    assert running.engine.terminals.list() == []  # they were closed


def test_the_engine_goes_on_when_its_containers_can_not_be_stopped(running: Running) -> None:
    client = running.connect()
    assert client.refusal(m.StopEngine(all=True)).code is m.ErrorCode.STORAGE
    assert isinstance(client.ask(m.StartContainer(container="a")), m.ContainerRef)


@pytest.mark.parametrize("all_", [False, True])
def test_stopping_the_engine_is_answered_and_tells_the_keeper(all_: bool) -> None:
    with serving() as running:
        running.containers.may_stop, running.containers.running = True, all_
        assert running.connect().ask(m.StopEngine(all=all_)) == m.Done()
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()
        assert running.keeper.told
