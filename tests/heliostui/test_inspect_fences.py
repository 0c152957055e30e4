"""`inspect --isolation`, `--seccomp` and `--bpf`: what fences a container in, as the kernel has it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import get_args

import pytest

from engine.protocol import messages as m
from tests.heliostui.conftest import CommandLine

PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}],
}


@pytest.fixture(scope="module")
def fenced(cli: CommandLine) -> str:
    cli.ok("run", "-d", "--name", "fenced", "--cap-drop", "ALL", "--cap-add", "chown", "host", "sleep", "1000")
    return "fenced"


def test_both_call_tables_stand_side_by_side(cli: CommandLine, fenced: str) -> None:
    told = cli.ok("inspect", "--seccomp", fenced)
    assert "clone3" in told.split("Every other call: errno EPERM")[0]
    for request in get_args(m.AnyRequest):
        assert request.__struct_config__.tag in told.split()


def test_a_profile_comes_from_a_file(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE))
    words = ("run", "--rm", "--security-opt", f"seccomp={file}", "host")
    assert "Operation not supported" in cli(*words, "mkdir", "/x").stderr
    assert cli.ok(*words, "uname") == "Linux"


def test_a_profile_that_can_not_be_is_refused_by_its_path(cli: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "profile.json"
    file.write_text(json.dumps(PROFILE | {"defaultAction": "SCMP_ACT_NOTIFY"}))
    sentence = cli.refused("run", "--security-opt", f"seccomp={file}", "host", "true", status=125)
    assert "$.defaultAction" in sentence
    assert cli.containers().keys() <= {"fenced"}


def test_each_instruction_of_the_filter_has_words(cli: CommandLine, fenced: str) -> None:
    lines = cli.ok("inspect", "--bpf", fenced).splitlines()
    assert len(lines) > 50
    assert [int(line.split()[0].strip("()")) for line in lines] == list(range(len(lines)))
    assert any("EPERM" in line for line in lines)


def test_the_isolation_is_what_the_kernel_says(cli: CommandLine, fenced: str) -> None:
    told = cli.json("inspect", "--isolation", "--format", "json", fenced)
    told = told[0] if isinstance(told, list) else told
    namespaces = {view["type"]: view for view in told["namespaces"]}
    assert namespaces["pid"]["inode"] == os.stat(f"/proc/{told['pid']}/ns/pid").st_ino
    assert not namespaces["pid"]["shared"]
    assert namespaces["user"]["shared"]
    assert told["capabilities"]["effective"] == told["capabilities"]["bounding"] == ["CHOWN"]
    assert "/proc/kcore" in told["masked"]
    text = cli.ok("inspect", "--isolation", fenced)
    assert str(namespaces["pid"]["inode"]) in text
    assert "no new privileges: yes" in text


def test_without_a_filter_it_is_said(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "open", "--security-opt", "seccomp=unconfined", "host", "sleep", "1000")
    assert "may make every system call" in cli.ok("inspect", "--seccomp", "open")
    cli.ok("rm", "-f", "open")
