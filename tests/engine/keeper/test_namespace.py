"""Who gets no user namespace is told why."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.keeper import __path__ as keeper_path

CLONE_NEWUSER = 0x10000000

# An ordinary user in a user namespace that allows no further ones (namespaces(7), /proc/sys/user).
WITHOUT = """
import ctypes, os, sys
uid, gid = os.getuid(), os.getgid()
assert ctypes.CDLL(None).unshare(0x10000000) == 0
for file, text in (("self/setgroups", "deny"), ("self/uid_map", f"1000 {uid} 1"), ("self/gid_map", f"1000 {gid} 1"),
                   ("sys/user/max_user_namespaces", "0")):
    with open(f"/proc/{file}", "w") as opened:
        opened.write(text)
os.execv(sys.executable, [sys.executable, "-S", "-E", *sys.argv[1:]])
"""


def _namespaces() -> bool:
    pid = os.fork()
    if pid == 0:
        os._exit(ctypes.CDLL(None).unshare(CLONE_NEWUSER) != 0)
    return os.waitpid(pid, 0)[1] == 0


@pytest.mark.skipif(not _namespaces(), reason="this user may not make user namespaces at all")
def test_a_limit_of_no_user_namespaces_is_one_sentence_that_says_how_to_raise_it(tmp_path: Path) -> None:
    hear, tell = os.pipe()
    keeper = [str(Path(keeper_path[0]) / "__main__.py"), "--runtime", str(tmp_path), "--state", str(tmp_path)]
    keeper += ["--ready-fd", str(tell), "--engine-command", '["/bin/false"]']
    ended = subprocess.run(
        [sys.executable, "-S", "-E", "-c", WITHOUT, *keeper], pass_fds=[tell], capture_output=True, check=False
    )
    os.close(tell)
    with open(hear) as told:
        sentence = told.read()
    assert sentence == (
        "The engine can't run without root here: no more user namespaces may be made; "
        "root allows some with `sysctl user.max_user_namespaces=15000`.\n"
    )
    assert ended.returncode == 1
    assert list(tmp_path.iterdir()) == []
