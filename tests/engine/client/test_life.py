"""Promises of the engine's process as its clients see them: its end by signals, and what goes on without it (R8)."""

from __future__ import annotations

import os
import signal

import pytest

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, RequestFailed
from engine.places import Places
from engine.protocol import messages as m

from .conftest import wait_for_end

ENDLESS = m.ContainerOptions(
    command=["sh", "-c", "trap 'exit 3' TERM; while :; do read -r line; done"], interactive=True
)


def _state(engine: Connection, ref: m.ContainerRef) -> m.StateDetail:
    return engine.request(m.InspectContainer(container=ref.id), m.Inspected).container.state


endings = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


@endings
def test_a_signal_ends_the_engine_and_its_keeper_when_nothing_runs(shared: Places, number: signal.Signals) -> None:
    with Connection.connect(shared) as engine:
        who = engine.engine
        os.kill(who.pid, number)
        wait_for_end(who.keeper_pid)
        with pytest.raises(ConnectionLost):
            engine.request(m.GetEngine())
    assert not shared.socket.exists()
    assert shared.keeper_log.read_text().splitlines()[-1].endswith("INFO ended")


@endings
def test_containers_go_on_when_a_signal_ends_the_engine(shared: Places, number: signal.Signals) -> None:
    with Connection.connect(shared) as engine:
        before = engine.engine
        ref = engine.request(m.RunContainer(options=ENDLESS), m.ContainerRef)
        os.kill(before.pid, number)
        wait_for_end(before.pid)
    with Connection.connect(shared) as engine:
        assert engine.engine.pid != before.pid
        assert engine.engine.keeper_pid == before.keeper_pid
        assert _state(engine, ref).status is m.Status.RUNNING
        engine.request(m.RemoveContainer(container=ref.id, force=True), m.Done)


@endings
def test_a_signal_to_the_keeper_stops_everything(shared: Places, number: signal.Signals) -> None:
    with Connection.connect(shared) as engine:
        who = engine.engine
        ref = engine.request(m.RunContainer(options=ENDLESS), m.ContainerRef)
        os.kill(who.keeper_pid, number)
        wait_for_end(who.keeper_pid)
    with Connection.connect(shared) as engine:
        state = _state(engine, ref)
        assert (state.status, state.exit_code) == (m.Status.STOPPED, 3)


def test_stop_engine_is_refused_while_a_container_runs_and_stops_it_when_told(shared: Places) -> None:
    with Connection.connect(shared) as engine:
        ref = engine.request(m.RunContainer(options=ENDLESS), m.ContainerRef)
        with pytest.raises(RequestFailed) as refused:
            engine.request(m.StopEngine())
        assert refused.value.code is m.ErrorCode.WRONG_STATE
        assert ref.name in refused.value.message
        assert engine.request(m.StopEngine(all=True)) == m.Done()
        wait_for_end(engine.engine.keeper_pid)
