"""Hooks of an OCI bundle: when they are run, where, with what, and what a failure means."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.containers.lifecycle import Containers
from engine.errors import EngineError
from engine.protocol.messages import ContainerOptions, ErrorCode, Event, Status
from tests.engine.containers.conftest import Machine, alive, end_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="plain containers need root; rootless has its own tests")

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
# One line of JSON per hook: its kind, where it was, and what it read.
NOTE = 'echo "{\\"kind\\": \\"$1\\", \\"mnt\\": \\"$(readlink /proc/self/ns/mnt)\\", \\"state\\": $(cat)}" >> $2/notes'


class Bundle:
    """A bundle whose directory is also at /shared inside."""

    def __init__(self, directory: Path, root: str) -> None:
        self.directory = directory
        self.root = root

    def write(
        self,
        hooks: dict[str, Sequence[dict[str, Any]]],
        *args: str,
        linux: dict[str, Any] | None = None,
        **process: object,
    ) -> ContainerOptions:
        """Its config.json, and how it is asked for."""
        everything = [{"type": t} for t in ("pid", "mount", "network", "ipc", "uts")]
        config = {
            "ociVersion": "1.0.2",
            "process": {"args": args or ["true"], "cwd": "/", "env": ["PATH=/bin"], **process},
            "root": {"path": self.root, "readonly": True},
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/mnt", "type": "bind", "source": str(self.directory), "options": ["rbind"]},
            ],
            "hooks": hooks,
            "annotations": {"org.example.course": "cs0320"},
            "linux": linux or {"namespaces": everything},
        }
        (self.directory / "config.json").write_text(json.dumps(config))
        return ContainerOptions(bundle=str(self.directory))

    def notes(self) -> list[dict[str, Any]]:
        """What the hooks have noted."""
        notes = self.directory / "notes"
        return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []

    def noting(self, kind: str) -> dict[str, Any]:
        """A hook that takes a note."""
        place = "/mnt" if kind == "startContainer" else str(self.directory)
        return script(NOTE, kind, place)


def script(text: str, *args: str, **more: object) -> dict[str, Any]:
    return {"path": "/bin/sh", "args": ["sh", "-c", text, "hook", *args], "env": ["PATH=/usr/bin:/bin"], **more}


@pytest.fixture
async def bundle(machine: Machine, tmp_path: Path) -> Bundle:
    if not any(image.available for image in machine.images.list() if image.name == "busybox"):
        pytest.skip("no static busybox on this host")
    directory = tmp_path / "bundle"
    directory.mkdir(mode=0o755)
    return Bundle(directory, (await machine.images.prepare("busybox")).layers[0])


@pytest.fixture
def containers(machine: Machine) -> Containers:
    return machine.containers


async def test_all_six_kinds_are_run_in_their_order_and_place(containers: Containers, bundle: Bundle) -> None:
    options = bundle.write(
        {kind: [bundle.noting(kind)] for kind in KINDS}, "sh", "-c", "echo $(cat /mnt/notes | wc -l)"
    )
    ref = await containers.run(options)
    assert (await containers.wait(ref.id)).exit_code == 0
    notes = bundle.notes()
    assert [note["kind"] for note in notes] == KINDS
    states = [note["state"] for note in notes]
    assert [state["status"] for state in states] == ["creating"] * 3 + ["created", "running", "stopped"]
    assert {state["id"] for state in states} == {ref.id}
    assert {state["bundle"] for state in states} == {str(bundle.directory)}
    assert {state["annotations"]["org.example.course"] for state in states} == {"cs0320"}
    assert len({state["pid"] for state in states[:5]}) == 1
    here = os.readlink("/proc/self/ns/mnt")
    assert [note["mnt"] == here for note in notes] == [True, True, False, False, True, True]


async def test_several_of_one_kind_come_one_after_the_other(containers: Containers, bundle: Bundle) -> None:
    many = [script(f"sleep 0.0{9 - n}; echo {n} >> {bundle.directory}/order") for n in range(4)]
    ref = await containers.run(bundle.write({"createRuntime": many}))
    await containers.wait(ref.id)
    assert (bundle.directory / "order").read_text().split() == list("0123")


@pytest.mark.parametrize("kind", KINDS[:4])
async def test_one_that_fails_before_the_program_ends_the_launch(
    machine: Machine, containers: Containers, bundle: Bundle, kind: str
) -> None:
    bad = script("echo all is lost >&2; exit 3")
    options = bundle.write({kind: [bad, bundle.noting(kind)], "poststop": [bundle.noting("poststop")]})
    ref = await containers.create(options)
    with pytest.raises(EngineError, match=rf"the {kind} hook /bin/sh ended with status 3: all is lost") as caught:
        await containers.start(ref.id)
    assert caught.value.code == ErrorCode.LAUNCH_FAILED
    assert [note["kind"] for note in bundle.notes()] == ["poststop"]
    assert (await containers.inspect(ref.id)).state.status == Status.CREATED
    assert machine.keeper.held == {}


async def test_one_that_takes_too_long_is_killed_with_all_it_started(containers: Containers, bundle: Bundle) -> None:
    slow = script(f"sleep 1000 & echo $! > {bundle.directory}/pid; wait", timeout=1)
    ref = await containers.create(bundle.write({"createRuntime": [slow]}))
    with pytest.raises(EngineError, match="took longer than its 1 s"):
        await containers.start(ref.id)
    started = bundle.directory / "pid"
    if started.exists() and (pid := started.read_text().strip()):  # a busy machine may not get so far in a second
        with suppress(ProcessLookupError):
            await end_of(os.pidfd_open(int(pid)))


async def test_one_that_is_not_there_says_so(containers: Containers, bundle: Bundle) -> None:
    ref = await containers.create(bundle.write({"createContainer": [{"path": "/no/such/hook"}]}))
    with pytest.raises(EngineError, match=r"the createContainer hook /no/such/hook could not be run: .*not found"):
        await containers.start(ref.id)


async def test_start_container_is_as_the_program_will_be(containers: Containers, bundle: Bundle) -> None:
    bundle.directory.chmod(0o777)
    look = f"id -u; grep -E 'CapEff|NoNewPrivs' /proc/self/status; test -e {bundle.directory} || echo inside"
    hook = {**script(f"({look}) > /mnt/seen"), "env": ["PATH=/bin"]}
    options = bundle.write({"startContainer": [hook]}, user={"uid": 7, "gid": 7}, noNewPrivileges=True)
    await containers.wait((await containers.run(options)).id)
    assert (bundle.directory / "seen").read_text().split() == ["7", "CapEff:", "0" * 16, "NoNewPrivs:", "1", "inside"]


async def test_those_within_are_root_of_the_user_namespace(containers: Containers, bundle: Bundle) -> None:
    bundle.directory = Path(tempfile.mkdtemp())  # pytest's own are closed to others
    bundle.directory.chmod(0o777)
    ids = [{"containerID": 0, "hostID": 100_000, "size": 1000}]
    namespaces = [{"type": t} for t in ("pid", "mount", "user")]
    look = "echo $1 $(id -u) $(readlink /proc/self/ns/user) >> $2/seen; chmod 666 $2/seen 2> /dev/null; true"
    hooks = {
        kind: [script(look, kind, "/mnt" if kind == "startContainer" else str(bundle.directory))] for kind in KINDS[1:4]
    }
    options = bundle.write(hooks, linux={"namespaces": namespaces, "uidMappings": ids, "gidMappings": ids})
    await containers.wait((await containers.run(options)).id)
    seen = [line.split() for line in (bundle.directory / "seen").read_text().splitlines()]
    assert [line[:2] for line in seen] == [["createRuntime", "0"], ["createContainer", "0"], ["startContainer", "0"]]
    assert seen[0][2] == os.readlink("/proc/self/ns/user") != seen[1][2] == seen[2][2]
    shutil.rmtree(bundle.directory)


async def test_its_environment_and_arguments_are_those_of_the_spec(containers: Containers, bundle: Bundle) -> None:
    seen = bundle.directory / "seen"
    hook = {
        "path": "/bin/sh",
        "args": ["renamed", "-c", f"echo $0 > {seen}; tr '\\0' '\\n' < /proc/self/environ >> {seen}"],
    }
    await containers.wait(
        (await containers.run(bundle.write({"prestart": [{**hook, "env": ["PATH=/bin", "A=b c"]}]}))).id
    )
    assert seen.read_text().splitlines()[:1] == ["renamed"]
    assert set(seen.read_text().splitlines()[1:]) - {"PWD=" + str(bundle.directory)} == {"PATH=/bin", "A=b c"}


async def test_one_that_fails_after_the_start_ends_the_container(containers: Containers, bundle: Bundle) -> None:
    options = bundle.write({"poststart": [script("exit 4")], "poststop": [bundle.noting("poststop")]}, "sleep", "1000")
    ref = await containers.create(options)
    with pytest.raises(EngineError, match="the poststart hook /bin/sh ended with status 4"):
        await containers.start(ref.id)
    detail = await containers.inspect(ref.id)
    assert detail.state.status == Status.STOPPED
    assert "poststart" in (detail.state.error or "")
    assert [note["kind"] for note in bundle.notes()] == ["poststop"]


async def test_one_that_fails_after_the_end_is_only_told_of(containers: Containers, bundle: Bundle) -> None:
    options = bundle.write({"poststop": [script("exit 5"), bundle.noting("poststop")]}, "sh", "-c", "exit 9")
    with containers.bus.subscribe() as events:
        ref = await containers.run(options)
        assert (await containers.wait(ref.id)).exit_code == 9
        told = []
        async for event in events:
            if isinstance(event, Event) and event.action == "hook":
                told.append(event.attributes)
            if isinstance(event, Event) and event.action == "die":
                break
    assert told == [
        {"hook": "poststop", "path": "/bin/sh", "error": "ended with status 5"},
        {"hook": "poststop", "path": "/bin/sh"},
    ]
    assert [note["kind"] for note in bundle.notes()] == ["poststop"]


async def test_one_that_does_not_read_its_state_is_no_worse(containers: Containers, bundle: Bundle) -> None:
    quiet = {"path": "/bin/true"}
    ref = await containers.run(bundle.write({kind: [quiet] for kind in KINDS[:4]}))
    assert (await containers.wait(ref.id)).exit_code == 0


async def test_one_under_way_ends_with_its_engine(machine: Machine, bundle: Bundle) -> None:
    fifo = bundle.directory / "pid"
    os.mkfifo(fifo)
    said, here = os.open(fifo, os.O_RDWR | os.O_NONBLOCK), asyncio.Event()
    asyncio.get_running_loop().add_reader(said, here.set)
    ref = await machine.containers.create(bundle.write({"createRuntime": [script(f"echo $$ > {fifo}; sleep 1000")]}))
    starting = asyncio.ensure_future(machine.containers.start(ref.id))
    await asyncio.wait_for(here.wait(), 20)
    asyncio.get_running_loop().remove_reader(said)
    pid = int(os.read(said, 64))
    os.close(said)
    await machine.restart_engine()
    await asyncio.gather(starting, return_exceptions=True)
    assert not alive(pid)
    assert (await machine.containers.inspect(ref.id)).state.status == Status.CREATED
    assert machine.keeper.held == {}
