"""An sshd on loopback with host key, accounts' keys and configuration of its own, and an ssh that knows it alone."""

from __future__ import annotations

import os
import pwd
import re
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
PATIENCE = 30.0  # seconds
VENV = Path(sys.executable).parent
# Who may log in is our key's business; PAM is the machine's.
SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized/%u
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
AcceptEnv LANG LC_*
SetEnv {environment}
{more}
"""
CLIENT = """\
Host *
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {directory}/key
  IdentitiesOnly yes
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile /dev/null
  HostKeyAlias here
  LogLevel INFO
"""


class Sshd:
    """`bin` is to come first in PATH: its `ssh` goes here, whatever host it is told."""

    def __init__(self, directory: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.directory, self.port, self.process = directory, port, process
        self.bin = directory / "bin"

    @property
    def path(self) -> str:
        """PATH with our ssh in front."""
        return f"{self.bin}:{os.environ['PATH']}"

    def ssh(self, *words: str) -> list[str]:
        """A command line of ssh to this machine."""
        return [str(self.bin / "ssh"), *words]

    def sessions(self) -> list[int]:
        """The pids of sshd's processes for connections: one or two for each."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        found = []
        for each in below:
            with suppress(psutil.NoSuchProcess):
                if each.name().startswith("sshd"):  # sshd-session, since OpenSSH 9.8
                    found.append(each.pid)
        return found


def missing() -> str:
    """Why there can be no sshd here; empty when there can."""
    if not Path(SSHD).exists() or shutil.which("ssh") is None:
        return "there is no OpenSSH here (openssh-server, openssh-client)"
    return ""


@dataclass(frozen=True)
class Account:
    """Somebody who can log in at this sshd, and is nobody to the rest of the machine; in a group of their own, and
    perhaps one more."""

    name: str
    uid: int
    group: str = ""
    gid: int = 0


@contextmanager
def sshd(
    environment: dict[str, str], *, more: str = "", user: str | None = None, accounts: Sequence[Account] = ()
) -> Iterator[Sshd]:
    """An sshd of who runs the tests. `environment`: variables of its sessions; `more`: lines of sshd_config; `user`:
    who logs in, if nobody else is said. Root's has a mount namespace with /etc/passwd and the like of its own."""
    if reason := missing():
        pytest.skip(reason)
    directory = Path(tempfile.mkdtemp(prefix="heliostui-ssh-"))
    directory.chmod(0o755)
    try:
        me = pwd.getpwuid(os.geteuid()).pw_name
        port = _free_port()
        _keys(directory, me, user or me, *(account.name for account in accounts))
        variables = {"PATH": f"{VENV}:/usr/bin:/bin", **environment}
        said = " ".join(f'"{name}={value}"' for name, value in variables.items())
        (directory / "sshd_config").write_text(
            SERVER.format(port=port, directory=directory, environment=said, more=more)
        )
        _client(directory, port, user or me)
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
        process = subprocess.Popen(
            [*_apart(directory, user or me, accounts), SSHD, "-D", "-e", "-f", str(directory / "sshd_config")],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        try:
            _listening(process)
            yield Sshd(directory, port, process)
        finally:
            for pid in Sshd(directory, port, process).sessions() if process.poll() is None else ():
                with suppress(ProcessLookupError):
                    os.kill(pid, 15)
            process.terminate()
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(directory)


def _apart(directory: Path, user: str, accounts: Sequence[Account]) -> list[str]:
    """What sshd is started by, so that the accounts exist for it, and one without a password may use a key."""
    if os.geteuid() != 0:
        return []
    files = {name: Path("/etc", name).read_text() for name in ("passwd", "group", "shadow")}
    files["shadow"] = re.sub(rf"^{user}:!+", f"{user}:*", files["shadow"], flags=re.MULTILINE)
    for account in accounts:
        home = directory / account.name
        home.mkdir()
        os.chown(home, account.uid, account.uid)
        files["passwd"] += f"{account.name}:x:{account.uid}:{account.uid}::{home}:/bin/sh\n"
        files["shadow"] += f"{account.name}:*:19000:0:99999:7:::\n"
        files["group"] += f"{account.name}:x:{account.uid}:\n"
        if account.group:
            files["group"] += f"{account.group}:x:{account.gid}:{account.name}\n"
    mounts = []
    for name, text in files.items():
        (directory / name).write_text(text)
        mounts.append(f"mount --bind {directory / name} /etc/{name}")
    return ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh"]


def _keys(directory: Path, *users: str) -> None:
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
    (directory / "authorized").mkdir(mode=0o755)
    for user in users:
        (directory / "authorized" / user).write_text((directory / "key.pub").read_text())
    (directory / "known_hosts").write_text("here " + (directory / "host_key.pub").read_text())


def _client(directory: Path, port: int, user: str) -> None:
    (directory / "ssh_config").write_text(CLIENT.format(port=port, directory=directory, user=user))
    (directory / "bin").mkdir()
    wrapper = directory / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {directory}/ssh_config "$@"\n')
    wrapper.chmod(0o755)


def _free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        return int(any_socket.getsockname()[1])


def _listening(process: subprocess.Popen[bytes]) -> None:
    """sshd says so on standard error, which is read no further than that."""
    assert process.stderr is not None
    said = b""
    while b"Server listening" not in said:
        assert select.select([process.stderr], [], [], PATIENCE)[0], said
        data = process.stderr.read1(4096)  # type: ignore[attr-defined]
        assert data, f"sshd ended: {said!r}"
        said += data
