"""Heaps as root and as an ordinary user see them; and an engine that is killed while it looks."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from engine.client.blocking import Connection
from engine.client.errors import ConnectionLost, EngineUnreachable, RequestFailed
from engine.heap import library
from engine.places import Places
from engine.protocol.heap import HeapTarget
from engine.protocol.messages import EngineInfo, GetEngine, GetHeap, GetHeapMap, HeapFigures, HeapPicture
from tests.engine.heap.test_heaps import FURIOUS
from tests.story.conftest import PATIENCE, Person

if library.path() is None:
    pytest.skip(library.why_missing(), allow_module_level=True)

PYTHON = "/usr/bin/python3"
HOLDS = "blocks = [bytearray(n) for n in range(2000, 100_000, 500)]; del blocks[::2]; print('ready', flush=True)"
KILLS = 5
IDS = "700000:65536"  # as in subuid(5)
SUBORDINATE = (Path("/etc/subuid"), Path("/etc/subgid"))


def ok(person: Person, *words: str) -> str:
    result = person.heliostui(*words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def told(person: Person, *words: str) -> Any:
    return json.loads(ok(person, *words))


def started(person: Person, name: str, *words: str) -> None:
    ok(person, "run", "-d", "--name", name, *words)
    deadline = time.monotonic() + PATIENCE
    while "ready" not in ok(person, "logs", name):
        assert time.monotonic() < deadline


def is_seen(person: Person, *further: str) -> None:
    """The heap of a program in a container with these options, in all the ways there are."""
    if not os.path.exists(PYTHON):
        pytest.skip("there is no python3 to allocate something")
    started(person, "web", "--heap", *further, "host", PYTHON, "-c", f"{HOLDS}; import time; time.sleep(600)")
    (process,) = told(person, "heap", "ls", "--format", "json", "web")
    assert (process["pid"], process["reason"]) == (1, "")
    report = told(person, "heap", "show", "--json", "--exact", "web")
    assert report["consistent"]
    assert report["totals"]["requested"] > 4_000_000
    assert "in use" in ok(person, "heap", "map", "web")
    assert told(person, "heap", "free-list", "--json", "web")["count"] == report["totals"]["free_count"]
    assert library.NAME in ok(person, "exec", "web", "cat", "/proc/self/maps")
    ok(person, "rm", "-f", "web")


def test_a_heap_is_seen_from_outside(anybody: Person) -> None:
    is_seen(anybody)


def test_a_heap_in_a_user_namespace_is_seen_from_outside(anybody: Person) -> None:
    is_seen(anybody, "--userns", "private")


@pytest.fixture
def subordinate_ids(ordinary: Person, tmp_path: Path) -> None:
    """The ordinary user's engine finds further ids, in a mount namespace that has the files of its own: those of the
    machine are for other tests, too."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("newuidmap", "newgidmap"))):
        pytest.skip("giving an ordinary user further ids takes root, newuidmap and newgidmap")
    script = 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"'
    for file in SUBORDINATE:
        file.touch()
    lines = tmp_path / "ids"
    lines.write_text(f"{ordinary.account.pw_name}:{IDS}\n")
    account = ordinary.account
    become = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    start = [*become, ordinary.python, "-m", "heliostui", "engine", "start"]
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, lines, *start],
        env=ordinary.environment,
        cwd=ordinary.directory,
        check=True,
    )


@pytest.mark.parametrize("further", [("-u", "1234"), ("--userns", "private", "-u", "1234")], ids=" ".join)
def test_a_heap_of_a_subordinate_user_is_seen(
    subordinate_ids: None, ordinary: Person, further: tuple[str, ...]
) -> None:
    is_seen(ordinary, *further)


def test_a_container_that_writes_over_the_allocator_harms_nobody_else(ordinary: Person) -> None:
    """Its root is the user whose engine it is, and may make the mount writable."""
    place = library.PLACE
    script = f"mount -o remount,bind,rw {place} && cp /bin/true {place}/new && mv {place}/new {place}/{library.NAME}"
    ok(ordinary, "run", "--name", "bad", "--privileged", "--heap", "host", "sh", "-c", script)
    maps = ok(ordinary, "run", "--rm", "--name", "good", "--heap", "host", "cat", "/proc/self/maps")
    assert library.NAME in maps
    ok(ordinary, "heap", "record", "--", "bash", "-c", "true")


def test_programs_are_recorded_and_played(anybody: Person) -> None:
    recorded = anybody.heliostui(
        "heap", "record", "--", "bash", "-c", "for i in 1 2 3; do x=$x$(echo $i); done; exit 4"
    )
    assert recorded.returncode == 4, recorded.stderr
    (played,) = told(anybody, "heap", "play", "--json", "heap.trace")
    assert played["operations"] > 100
    assert played["ended"] == ""


def test_an_engine_that_is_killed_while_it_looks_leaves_nothing_frozen(anybody: Person) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to build a program that allocates all the time")
    program = anybody.directory / "furious"
    (anybody.directory / "furious.c").write_text(FURIOUS)
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, anybody.directory / "furious.c"], check=True)
    started(anybody, "web", "--heap", "-v", f"{program}:/furious:ro", "host", "/furious")
    places = Places(Path(anybody.environment["HELIOSTUI_RUNTIME"]), Path(anybody.environment["HELIOSTUI_STATE"]))
    over = threading.Event()
    looking = threading.Thread(target=look_all_the_time, args=(places, over))
    looking.start()
    try:
        for _ in range(KILLS):
            pid = engine_pid(places)
            over.wait(0.2)  # of looking
            os.kill(pid, signal.SIGKILL)
    finally:
        over.set()
        looking.join()
    assert [each["status"] for each in anybody.containers()] == ["running"]
    before = sequence(places)
    deadline = time.monotonic() + PATIENCE
    while sequence(places) == before:  # the program does not go on
        assert time.monotonic() < deadline
    ok(anybody, "rm", "-f", "web")


def look_all_the_time(places: Places, over: threading.Event) -> None:
    request = GetHeap(target=HeapTarget(container="web"), exact=True)
    while not over.is_set():
        with suppress(ConnectionLost, EngineUnreachable, RequestFailed), Connection.connect(places) as engine:
            while not over.is_set():
                engine.request(request, HeapFigures)


def engine_pid(places: Places) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(ConnectionLost, EngineUnreachable), Connection.connect(places) as engine:
            return engine.request(GetEngine(), EngineInfo).pid
    raise AssertionError("the engine does not come back")


def sequence(places: Places) -> int:
    with Connection.connect(places) as engine:
        return engine.request(GetHeapMap(target=HeapTarget(container="web")), HeapPicture).map.sequence
