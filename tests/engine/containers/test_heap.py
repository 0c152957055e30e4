"""Containers whose programs use our allocator (`--heap`): real programs, in all kinds of containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.containers.bundle import heap_of
from engine.containers.lifecycle import Containers
from engine.errors import EngineError
from engine.heap import library
from engine.protocol.heap import HeapOptions
from engine.protocol.messages import Attach, ContainerOptions, ErrorCode, Exec, Exited, Output

from .conftest import Machine
from .test_lifecycle import ended, output

if library.path() is None:
    pytest.skip(library.why_missing(), allow_module_level=True)

MAPS = ("cat", "/proc/self/maps")
PROGRAM = "#include <stdlib.h>\nint main(void) { char *p = malloc(100); p[0] = 42; int n = p[0]; free(p); return n; }\n"


def options(*command: str, image: str | None = "host", **further: object) -> ContainerOptions:
    further = {"heap": HeapOptions(), **further}
    return ContainerOptions(image=image, command=list(command), name="web", **further)  # type: ignore[arg-type]


async def said(containers: Containers, made: ContainerOptions, *, status: int = 0) -> str:
    """What the container's program printed, which ended with that status."""
    await containers.run(made)
    assert await ended(containers, "web") == status
    return await output(containers, "web")


def place(machine: Machine) -> Path:
    """Where the container's own copy of the library is."""
    return heap_of(machine.places.containers / machine.containers.find("web").id)


def built(directory: Path, compiler: str, *flags: str) -> Path:
    """A root directory with nothing but a program of that compiler."""
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} here")
    root = directory / "root"
    root.mkdir()
    (directory / "program.c").write_text(PROGRAM)
    subprocess.run([compiler, *flags, "-o", root / "program", directory / "program.c"], check=True)
    return root


@pytest.mark.parametrize(
    "further",
    [
        {},
        {"read_only": True},
        {"init": True},
        {"user": "1234:1234"},
        {"cap_drop": ["ALL"]},
        {"namespaces": {"user": "private"}},
        {"namespaces": {"user": "private"}, "user": "1234", "read_only": True},
        {"privileged": True},
    ],
    ids=str,
)
async def test_programs_use_it(machine: Machine, further: dict[str, object]) -> None:
    assert library.NAME in await said(machine.containers, options(*MAPS, **further))


async def test_programs_of_programs_use_it_too(machine: Machine) -> None:
    shown = await said(machine.containers, options("sh", "-c", "env -u HOME sh -c 'cat /proc/self/maps; true'"))
    assert library.NAME in shown


async def test_exec_uses_it(machine: Machine) -> None:
    await machine.containers.run(options("sleep", "600"))
    session = await machine.containers.exec(Exec(container="web", command=list(MAPS)))
    messages = [message async for message in session]
    assert messages[-1] == Exited(exit_code=0)
    assert library.NAME.encode() in b"".join(each.data for each in messages if isinstance(each, Output))


async def test_nothing_is_there_for_a_container_that_did_not_ask(machine: Machine) -> None:
    await machine.containers.run(ContainerOptions(image="busybox", command=["ls", "-a", "/"], name="web"))
    await ended(machine.containers, "web")
    assert library.PLACE.strip("/") not in await output(machine.containers, "web")
    assert not place(machine).exists()


async def test_the_container_can_not_write_to_it(machine: Machine) -> None:
    script = f"echo x >> {library.PLACE}/{library.NAME}; rm {library.PLACE}/{library.NAME}; touch {library.PLACE}/x"
    await said(machine.containers, options("sh", "-c", script, privileged=True), status=1)
    assert sorted(os.listdir(place(machine))) == sorted([library.NAME, *library.LINKS])


async def test_each_container_has_one_of_its_own(machine: Machine) -> None:
    """Root of a rootless container is the user whose engine it is: it may write over its own only."""
    await machine.containers.run(options("true"))
    await ended(machine.containers, "web")
    (place(machine) / library.NAME).write_bytes(b"no library any more")
    await machine.containers.remove("web")
    await machine.containers.run(options(*MAPS))
    assert await ended(machine.containers, "web") == 0
    assert library.NAME in await output(machine.containers, "web")


async def test_the_environment_says_what_was_asked_for(machine: Machine) -> None:
    asked = options("env", env=["A=b"], heap=HeapOptions(policy="first", check=True))
    lines = (await said(machine.containers, asked)).splitlines()
    assert {f"LD_PRELOAD={library.INSIDE}", "HELIOS_HEAP=policy=first,check", "A=b"} <= set(lines)


async def test_what_a_user_preloads_goes_together_with_it(machine: Machine) -> None:
    of_users = next(str(path.resolve()) for path in Path("/usr/lib").glob("*-linux-gnu/libz.so.1*"))
    preload = f"LD_PRELOAD={of_users}"
    shown = await said(machine.containers, options("cat", "/proc/self/environ", "/proc/self/maps", env=[preload]))
    assert f"LD_PRELOAD={library.INSIDE}:{of_users}\0" in shown
    assert library.NAME in shown
    assert shown.count(of_users) > 1


async def test_exec_with_a_preload_of_its_own_keeps_it(machine: Machine) -> None:
    await machine.containers.run(options("sleep", "600"))
    command = ["sh", "-c", "echo $LD_PRELOAD"]
    session = await machine.containers.exec(Exec(container="web", command=command, env=["LD_PRELOAD=/x.so"]))
    told = b"".join([each.data async for each in session if isinstance(each, Output)])
    assert f"{library.INSIDE}:/x.so" in told.decode()


@pytest.mark.parametrize("image", ["busybox", "echo"])
async def test_a_static_program_runs_unharmed(machine: Machine, image: str) -> None:
    command = {"busybox": ["sh", "-c", "echo well"], "echo": []}[image]
    await machine.containers.run(options(*command, image=image))
    if image == "busybox":
        assert await ended(machine.containers, "web") == 0
        assert await output(machine.containers, "web") == "well\n"
    else:
        assert (await machine.containers.inspect("web")).state.status == "running"


async def test_a_program_of_another_libc_runs_unharmed(machine: Machine, tmp_path: Path) -> None:
    root = built(tmp_path, "musl-gcc")
    loader = next(Path("/lib").glob("ld-musl-*.so.1"))
    (root / "lib").mkdir()
    shutil.copy(loader.resolve(), root / "lib" / loader.name)
    made = options("/program", image=None, rootfs=str(root))
    assert await said(machine.containers, made, status=42) == ""


async def test_a_setuid_program_does_without_it(machine: Machine) -> None:
    script = (
        "cp /bin/cat /tmp/mine && chmod 4755 /tmp/mine && setpriv --reuid 1234 --clear-groups /tmp/mine /proc/self/maps"
    )
    shown = await said(machine.containers, options("sh", "-c", script, privileged=True))
    assert library.NAME not in shown
    assert "/tmp/mine" in shown


async def test_a_root_directory_of_the_users_stays_as_it_is(machine: Machine, tmp_path: Path) -> None:
    root = built(tmp_path, "gcc", "-static")
    assert await said(machine.containers, options("/program", image=None, rootfs=str(root)), status=42) == ""
    assert os.listdir(root) == ["program"]


async def test_all_that_was_asked_for_is_told(machine: Machine) -> None:
    await machine.containers.run(options("true"))
    await ended(machine.containers, "web")
    detail = await machine.containers.inspect("web")
    assert detail.options.heap == HeapOptions()
    assert (library.PLACE, str(place(machine))) in [(each.destination, each.source) for each in detail.mounts]
    launch = await machine.containers.launch("web")
    assert any(library.PLACE in step.why for step in launch.steps)
    assert library.INSIDE in json.dumps(detail.spec["process"]["env"])


async def test_the_mount_is_explained(machine: Machine) -> None:
    await machine.containers.run(options("sleep", "600"))
    (mount,) = [
        each for each in (await machine.containers.isolation("web")).mounts if each.destination == library.PLACE
    ]
    assert "allocator" in mount.what_for
    assert mount.options[0] == "ro"


async def test_a_bundle_of_it_runs_with_it(machine: Machine, tmp_path: Path) -> None:
    if shutil.which("busybox") is None:
        pytest.skip("there is no busybox to make a root of")
    bundle = tmp_path / "bundle"
    (bundle / "rootfs").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "", bundle / "rootfs" / "busybox")
    spec = await machine.containers.spec(options("/busybox", "ls", library.PLACE, image=None, rootfs="/"), "rootfs")
    (bundle / "config.json").write_text(json.dumps(spec))
    await machine.containers.run(ContainerOptions(bundle=str(bundle), name="web"))
    assert await ended(machine.containers, "web") == 0
    assert library.NAME in (await output(machine.containers, "web")).split()


async def test_a_container_made_earlier_gets_what_is_compiled_now(machine: Machine) -> None:
    await machine.containers.create(options(*MAPS))
    place(machine).mkdir()
    (place(machine) / library.NAME).write_bytes(b"an older one")
    await machine.containers.start("web")
    assert await ended(machine.containers, "web") == 0
    assert library.NAME in await output(machine.containers, "web")


async def test_where_it_was_not_compiled_it_is_refused(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "path", lambda: None)
    with pytest.raises(EngineError) as refusal:
        await machine.containers.run(options("true"))
    assert refusal.value.code == ErrorCode.UNSUPPORTED
    assert "gcc" in refusal.value.message


async def test_a_program_that_misuses_it_ends_with_one_line(machine: Machine) -> None:
    if shutil.which("python3", path="/usr/bin") is None:
        pytest.skip("there is no python3 to make the mistake")
    calls = "c.malloc.restype = ctypes.c_void_p; p = ctypes.c_void_p(c.malloc(200)); c.free(p); c.free(p)"
    mistake = f"/usr/bin/python3 -c 'import ctypes; c = ctypes.CDLL(None); {calls}'; exit $?"
    await machine.containers.create(options("sh", "-c", mistake))
    session = await machine.containers.attach(Attach(container="web", start=True))
    messages = [message async for message in session]
    assert messages[-1] == Exited(exit_code=134)
    complaint = b"".join(each.data for each in messages if isinstance(each, Output)).decode()
    assert "double free" in complaint
