"""Containers and archives from heliosh: what its `oci` and `tar` hand to the command line (C4, C7)."""

from __future__ import annotations

import io
import os
import shlex
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import CommandLine, UserTerminal

PROMPT = b"ready> "


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A directory for PATH in which `heliostui` is this one."""
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "heliostui").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m heliostui "$@"\n')
    (directory / "heliostui").chmod(0o755)
    return directory


@pytest.fixture
def heliosh(cli: CommandLine, commands: Path, tmp_path: Path) -> Iterator[UserTerminal]:
    """An interactive heliosh in a directory of its own, with the engine of the module."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {
        **cli.environment,
        "PATH": f"{commands}:{os.environ['PATH']}",
        "HOME": str(home),
        "PWD": str(home),
        "XDG_CONFIG_HOME": str(home),
        "TERM": "dumb",
        "PS1": PROMPT.decode(),
    }
    words = ["env", "-C", str(home), sys.executable, "-P", "-m", "engine.shell"]
    with UserTerminal(words, environment, 80, 24) as terminal:
        terminal.until(PROMPT)
        yield terminal


def run(heliosh: UserTerminal, line: str) -> str:
    """What a line writes, up to the next prompt."""
    heliosh.type(line.encode() + b"\n")
    heliosh.until(line.encode() + b"\r\n")
    return heliosh.until(PROMPT).removesuffix(PROMPT).decode().replace("\r\n", "\n")


@pytest.mark.parametrize("command", ["oci", "heliostui"])
def test_a_shell_in_a_container_from_the_shell_of_the_host(
    cli: CommandLine, heliosh: UserTerminal, command: str
) -> None:
    name = f"c7_{command}"
    heliosh.type(f"{command} run -it --name {name} busybox sh\n".encode())
    heliosh.until(b"# ")
    heliosh.type(b"echo in''side as $$\n")
    heliosh.until(b"inside as 1\r\n")
    heliosh.until(b"# ")
    heliosh.type(b"\x10\x11")
    heliosh.until(PROMPT)
    assert cli.containers()[name]["status"] == "running"
    assert name in run(heliosh, f"{command} ps")
    heliosh.type(f"{command} attach {name}\n".encode())
    heliosh.until(b"# ")
    heliosh.type(b"exit 7\n")
    heliosh.until(PROMPT)
    assert run(heliosh, "echo $?") == "7\n"
    assert run(heliosh, "jobs") == ""
    assert run(heliosh, f"{command} rm {name}") == f"{name}\n"


def test_an_interrupt_is_the_containers_and_the_shell_goes_on(heliosh: UserTerminal) -> None:
    heliosh.type(b"oci run --rm -it busybox sh\n")
    heliosh.until(b"# ")
    heliosh.type(b"sh -c 'echo sleep''ing; exec sleep 600'\n")
    heliosh.until(b"sleeping")
    heliosh.type(b"\x03")
    heliosh.until(b"# ")
    heliosh.type(b"exit\n")
    heliosh.until(PROMPT)
    assert run(heliosh, "echo still here") == "still here\n"


def archive(path: Path, *entries: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w") as file:
        for entry in entries:
            entry.size = 4 if entry.isreg() else 0
            file.addfile(entry, io.BytesIO(b"text"))


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_tar_names_what_would_escape_and_unpacks_the_rest(heliosh: UserTerminal, tmp_path: Path) -> None:
    bad = [
        entry("../x"),
        entry("/tmp/escaped"),
        entry("out", tarfile.SYMTYPE, "../.."),
        entry("hard", tarfile.LNKTYPE, "../bin/heliostui"),
        entry("device", tarfile.CHRTYPE),
    ]
    archive(tmp_path / "home/bundle.tar", entry("bundle/config.json"), *bad, entry("last"))
    told = run(heliosh, "tar xf bundle.tar; echo $?")
    for escaping in bad:
        assert f"'{escaping.name}' is refused: it " in told
    assert told.count("is refused") == len(bad)
    assert told.endswith("\n1\n")
    assert sorted(os.listdir(tmp_path)) == ["bin", "home"]
    assert sorted(os.listdir(tmp_path / "home")) == ["bundle", "bundle.tar", "last"]
    assert not Path("/tmp/escaped").exists()


def test_other_uses_of_tar_are_the_systems(heliosh: UserTerminal, tmp_path: Path) -> None:
    (tmp_path / "home/file").write_text("text")
    assert run(heliosh, "tar -cf packed.tar file; echo $?") == "0\n"
    assert run(heliosh, "tar tf packed.tar") == "file\n"
    assert run(heliosh, "rm file; tar -x --file packed.tar; tar -t < packed.tar; cat file; echo") == "file\ntext\n"
    assert "GNU tar" in run(heliosh, "tar --version") or "busybox" in run(heliosh, "tar --help")


def test_a_verb_that_fails_tells_its_status(heliosh: UserTerminal) -> None:
    assert run(heliosh, "oci inspect nobody 2>/dev/null; echo $?") == "[]\n1\n"
    assert "Usage: heliostui" in run(heliosh, "oci")
