"""Real processes in real cgroups of both versions, made and removed here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cgroups import Cgroup, Hierarchy
from engine.cgroups.cgroup import Cgroup as Base
from engine.cgroups.cgroup import make_ours
from engine.cgroups.discover import choose, may_create
from engine.cgroups.v2 import Cgroup2

FORKER = (
    "import os\nwhile True:\n    if os.fork() == 0: os.setsid(); os.read(0, 1); os._exit(0)\n    os.wait3(os.WNOHANG)"
)


pytestmark = pytest.mark.cgroup2


@pytest.fixture(params=[2, 1], ids=["v2", "v1"])
def hierarchy(request: pytest.FixtureRequest) -> Iterator[Hierarchy]:
    """With a core of each version; the second is what a host without cgroup2 gives."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines(keepends=True)
    mounts = "".join(line for line in lines if request.param == 2 or " - cgroup2 " not in line)
    found = choose(mounts, Path("/proc/self/cgroup").read_text(), may_create)
    if found.version != request.param:
        pytest.skip(f"no cgroup v{request.param} hierarchy here that may be written to")
    made = replace(found, base=f"{os.path.dirname(found.base)}/heliostui-test-{os.getpid()}")
    yield made
    for name in made.ids():
        cgroup = made.find(name)
        cgroup.kill()
        cgroup.remove()
    assert not [base for base in bases(made) if os.path.exists(base)]


def bases(hierarchy: Hierarchy) -> list[str]:
    """Every directory that is made for containers' ones."""
    name = os.path.basename(hierarchy.base)
    return [hierarchy.base, *(f"{directory}/{name}" for directory in hierarchy.v1.values())]


@pytest.fixture
def cgroup(hierarchy: Hierarchy) -> Cgroup:
    return hierarchy.create("c1")


@pytest.fixture
def sleeper(cgroup: Cgroup) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"]) as process:
        cgroup.add(process.pid)
        yield process
        process.kill()


def test_a_new_cgroup_is_empty_and_thawed(cgroup: Cgroup) -> None:
    assert cgroup.processes() == []
    assert not cgroup.frozen
    assert cgroup.wait_empty(0)


def test_one_made_before_those_above_have_cpus_has_some(hierarchy: Hierarchy) -> None:
    """As when several are made at once, and none was there before."""
    if "cpuset" not in hierarchy.v1:
        pytest.skip("no cpuset controller of v1 here")
    for base in bases(hierarchy):
        make_ours(base)
    directory = hierarchy.create("c1").directory("cpuset")
    assert directory is not None
    assert all(Path(directory, name).read_text().strip() for name in ("cpuset.cpus", "cpuset.mems"))


def test_its_directory_can_be_opened(cgroup: Cgroup) -> None:
    descriptor = cgroup.open()
    assert os.readlink(f"/proc/self/fd/{descriptor}") == cgroup.path
    os.close(descriptor)


def test_a_process_that_was_added_is_listed(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    assert cgroup.processes() == [sleeper.pid]


def test_a_process_joins_every_v1_controller_by_itself(cgroup: Cgroup) -> None:
    if not cgroup.joins:
        pytest.skip("no v1 controllers here")
    with ExitStack() as opened:
        tasks = cgroup.open_joins(opened)
        script = "import os, sys; [os.write(int(fd), b'0') for fd in sys.argv[1:]]; print(); sys.stdin.read()"
        with subprocess.Popen(
            [sys.executable, "-c", script, *map(str, tasks)], pass_fds=tasks, stdin=-1, stdout=-1
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            for controller in cgroup.joins:
                assert (Path(cgroup.directory(controller) or "") / "cgroup.procs").read_text() == f"{process.pid}\n"
            process.stdin.close()


@pytest.mark.parametrize("controller", ["cpu", "memory", "pids"])
def test_the_files_of_a_controller_are_where_its_directory_is(cgroup: Cgroup, controller: str) -> None:
    directory = cgroup.directory(controller)
    if directory is None:
        pytest.skip(f"the {controller} controller is not ours")
    name = {("memory", 1): "memory.usage_in_bytes", ("memory", 2): "memory.current", ("cpu", 1): "cpu.shares"}.get(
        (controller, cgroup.version(controller)), {"cpu": "cpu.weight", "pids": "pids.current"}.get(controller)
    )
    assert name is not None
    assert os.path.exists(f"{directory}/{name}")


def test_the_core_freezes_and_says_what_was_used_of_the_cpus(cgroup: Cgroup) -> None:
    assert cgroup.directory("") == cgroup.directory("freezer") == cgroup.path
    assert cgroup.directory("cpuacct") is not None


def test_a_controller_that_does_not_exist_has_no_directory(cgroup: Cgroup) -> None:
    assert cgroup.directory("rubber") is None


def test_frozen_processes_stand_still_until_thawed(cgroup: Cgroup) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        cgroup.add(cat.pid)
        cgroup.freeze()
        assert cgroup.frozen
        cat.stdin.write(b"x")
        cat.stdin.flush()
        os.set_blocking(cat.stdout.fileno(), False)
        assert cat.stdout.read(1) is None
        cgroup.thaw()
        assert not cgroup.frozen
        os.set_blocking(cat.stdout.fileno(), True)
        assert cat.stdout.read(1) == b"x"
        cat.stdin.close()


def test_freezing_twice_is_freezing_once(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    cgroup.freeze()
    cgroup.freeze()
    cgroup.thaw()
    assert not cgroup.frozen


def test_kill_ends_frozen_processes(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    cgroup.freeze()
    cgroup.kill()
    assert sleeper.wait(60) == -9
    assert cgroup.processes() == []


@pytest.mark.parametrize("one_by_one", [False, True], ids=["kill", "one by one"])
def test_kill_ends_a_process_that_forks_all_the_time(cgroup: Cgroup, one_by_one: bool) -> None:
    with subprocess.Popen(
        ["sh", "-c", f'read go; exec {sys.executable} -c "$0"', FORKER], stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        cgroup.add(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        while len(cgroup.processes()) < 20:
            assert process.poll() is None
        if one_by_one:
            Base.kill(cgroup)  # as on kernels without cgroup.kill
        else:
            cgroup.kill()
        assert process.wait(60) == -9
        assert cgroup.wait_empty(60)


def test_an_empty_cgroup_can_be_killed(cgroup: Cgroup) -> None:
    cgroup.kill()


def test_remove_takes_nested_cgroups_along(cgroup: Cgroup, hierarchy: Hierarchy) -> None:
    os.makedirs(f"{cgroup.path}/inner/most")
    cgroup.remove()
    assert not os.path.exists(cgroup.path)
    assert hierarchy.ids() == []


def test_processes_of_nested_cgroups_count(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    os.mkdir(f"{cgroup.path}/inner")
    type(cgroup)(f"{cgroup.path}/inner").add(sleeper.pid)
    assert cgroup.processes() == [sleeper.pid]
    assert not cgroup.wait_empty(0)


def test_remove_waits_for_the_last_process(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    threading.Timer(0.1, sleeper.kill).start()
    cgroup.remove()
    assert not os.path.exists(cgroup.path)


def test_remove_gives_up_on_a_process_that_stays(cgroup: Cgroup, sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(TimeoutError, match=str(sleeper.pid)):
        cgroup.remove(timeout=0.05)
    assert cgroup.processes() == [sleeper.pid]


def test_removing_twice_is_fine(cgroup: Cgroup) -> None:
    cgroup.remove()
    cgroup.remove()


def test_the_last_one_takes_the_directory_of_all_away(hierarchy: Hierarchy) -> None:
    first, second = hierarchy.create("c1"), hierarchy.create("c2")
    assert hierarchy.ids() == ["c1", "c2"]
    first.remove()
    assert hierarchy.ids() == ["c2"]
    second.remove()
    assert not [base for base in bases(hierarchy) if os.path.exists(base)]


def test_a_left_over_cgroup_is_replaced_but_not_one_that_is_lived_in(
    hierarchy: Hierarchy, cgroup: Cgroup, sleeper: subprocess.Popen[bytes]
) -> None:
    with pytest.raises(FileExistsError):
        hierarchy.create("c1")
    cgroup.kill()
    cgroup.freeze()
    assert not hierarchy.create("c1").frozen


@pytest.mark.parametrize("name", ["", "..", ".", "a/b", "-x", "a\n"])
def test_a_name_that_leads_elsewhere_is_refused(hierarchy: Hierarchy, name: str) -> None:
    with pytest.raises(ValueError, match="name of a cgroup"):
        hierarchy.find(name)


def test_only_version_2_is_born_into(cgroup: Cgroup) -> None:
    assert cgroup.clone_into == isinstance(cgroup, Cgroup2)
