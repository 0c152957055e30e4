"""Promises about connections that only look, whoever is behind them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from msgspec import inspect

from engine.daemon.admission import admit
from engine.daemon.viewers import shown
from engine.protocol import messages as m

from .conftest import NOW, Client, Running, serving

NOBODY, NOGROUP, VIEWERS = 65534, 65534, 60_123
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture(scope="module")
def served() -> Iterator[Running]:
    with serving() as server:
        server.do(server.containers.exited.set)
        yield server


def least(kind: inspect.Type) -> Any:
    """JSON of a value of this type."""
    match kind:
        case inspect.StrType():
            return "a"
        case inspect.IntType():
            return 1
        case inspect.FloatType():
            return 1.0
        case inspect.BoolType():
            return True
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.ListType():
            return []
        case inspect.DictType():
            return {}
        case inspect.StructType(fields=fields):
            return {field.encode_name: least(field.type) for field in fields if field.required}
        case inspect.UnionType(types=types):
            return least(types[0])
        case inspect.Metadata(type=inner):
            return least(inner)
        case _:
            raise AssertionError(f"no value for {kind}")


def frame_of(kind: type[m.Message]) -> bytes:
    about = inspect.type_info(kind)
    return msgspec.json.encode({"type": str(kind.__struct_config__.tag), **least(about)})


def declared(running: Running) -> Client:
    """An operator's connection that has said it only looks."""
    client = running.connect()
    info = client.ask(m.GetEngine(viewer=True))
    assert isinstance(info, m.EngineInfo)
    assert info.role is m.Role.VIEWER
    return client


@pytest.mark.parametrize("kind", get_args(m.AnyRequest), ids=lambda kind: kind.__name__)
def test_a_declared_viewer_can_act_by_no_request_there_is(served: Running, kind: type[m.Message]) -> None:
    client = declared(served)
    client.send_frame(frame_of(kind))
    reply = client.receive()
    refused = isinstance(reply, m.Error) and reply.code is m.ErrorCode.FORBIDDEN
    assert refused == (kind not in m.VIEWER_REQUESTS)
    client.socket.close()


def test_what_a_connection_has_said_of_itself_can_not_be_taken_back(served: Running) -> None:
    client = declared(served)
    info = client.ask(m.GetEngine())
    assert isinstance(info, m.EngineInfo)
    assert info.role is m.Role.VIEWER
    assert client.refusal(m.KillContainer(container="a")).code is m.ErrorCode.FORBIDDEN
    client.send_frame(b'{"type":"get_engine","viewer":false,"role":"operator"}')
    client.receive()
    assert client.refusal(m.KillContainer(container="a")).code is m.ErrorCode.FORBIDDEN


@pytest.mark.parametrize("request_", [m.Attach(container="a", columns=9, lines=9), m.JoinTerminal(terminal="t1")])
def test_a_declared_viewer_neither_types_into_terminals_nor_resizes_them(
    running: Running, request_: m.StreamRequest
) -> None:
    client = declared(running)
    assert isinstance(client.ask(request_), m.Attached)
    (session,) = running.containers.sessions
    assert isinstance(session.request, m.Attach | m.JoinTerminal)
    assert (session.request.input, session.request.columns, session.request.lines) == (False, None, None)
    for message in (m.Input(data=b"rm -rf /\n"), m.Resize(columns=1, lines=1), m.CloseInput(), m.Present()):
        client.send(message)
    client.socket.close()
    running.containers.wait_for("session closed")
    assert session.received == []


def test_a_declared_viewer_presents_only_what_it_is_handed(running: Running) -> None:
    ada, eve = running.connect(), declared(running)
    assert isinstance(ada.ask(m.JoinPresence(name="ada")), m.PresenceTold)
    told = eve.ask(m.JoinPresence(name="eve"))
    assert isinstance(told, m.PresenceTold)
    eve.send(m.Present())
    assert isinstance(eve.receive(), m.PresenceRefused)
    ada.send(m.Present())
    ada.send(m.HandOver(to=told.you))
    while not (isinstance(reply := eve.receive(), m.PresenceTold) and reply.presentation):
        pass
    while reply.presentation.presenter != told.you:
        reply = eve.receive()
        assert isinstance(reply, m.PresenceTold)
        assert reply.presentation is not None
    again = declared(running)
    assert again.refusal(m.KillContainer(container="a")).code is m.ErrorCode.FORBIDDEN


def test_a_viewer_sees_the_names_of_variables_and_not_their_values() -> None:
    detail = m.ContainerDetail(
        id="0",
        name="a",
        image="host",
        created_at=NOW,
        state=m.StateDetail(status=m.Status.RUNNING, pid=1, exit_code=None, started_at=NOW, finished_at=None),
        options=m.ContainerOptions(env=["PASSWORD=hunter2", "EMPTY="]),
        restart_policy=m.RestartPolicy(),
        mounts=[],
        spec={
            "process": {"env": ["PASSWORD=hunter2", "A=b=c"], "args": ["sh"]},
            "hooks": {"poststart": [{"path": "/bin/x", "env": ["TOKEN=hunter2"]}]},
        },
        log_path="",
    )
    told = shown(m.Inspected(container=detail))
    assert isinstance(told, m.Inspected)
    assert "hunter2" not in msgspec.json.encode(told).decode()
    assert told.container.options.env == ["PASSWORD=…", "EMPTY="]
    assert told.container.spec["process"] == {"env": ["PASSWORD=…", "A=…"], "args": ["sh"]}


@as_root
def test_the_group_of_viewers_comes_in_to_look_and_nobody_else() -> None:
    with serving(mode=0o750) as running:
        admit(running.places.runtime, running.places.socket, VIEWERS)
        viewer = running.connect_as(NOBODY, (VIEWERS,))
        info = viewer.ask(m.GetEngine())
        assert isinstance(info, m.EngineInfo)
        assert info.role is m.Role.VIEWER
        assert viewer.refusal(m.OpenTerminal()).code is m.ErrorCode.FORBIDDEN
        with pytest.raises(PermissionError):
            running.connect_as(NOBODY, (NOGROUP,))
        assert running.places.socket.stat().st_mode & 0o007 == 0
