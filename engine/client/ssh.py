"""ssh(1) as a way to another machine: the words it is called with, and what its failures mean. Imports the standard
library only.

Keys, agents, known hosts and the user's configuration are OpenSSH's business. Options that would get in our way when
the configuration has them are switched off: forwardings of its own, a remote command, a terminal.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from engine.client.address import Address
from engine.client.errors import EngineUnreachable

CONNECTING = 10  # seconds for the TCP connection
ALIVE = 15  # seconds between two signs of life; three that fail to come end the connection
OPTIONS = {
    "ControlPersist": "no",
    "ConnectTimeout": str(CONNECTING),
    "ServerAliveInterval": str(ALIVE),
    "ServerAliveCountMax": "3",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}
NOT_FOUND = 127  # a shell's answer
SSH_FAILED = 255


def master(address: Address, control: Path, words: list[str], *, ask: bool) -> list[str]:
    """One connection for everything, which runs `heliostui WORDS` there. Without `ask` nobody is asked anything."""
    options = {**OPTIONS, "BatchMode": "no" if ask else "yes"}
    said = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return [program(), "-M", "-S", _control(control), *said, *_destination(address), _remote(address, words)]


def beside(address: Address, control: Path, words: list[str]) -> list[str]:
    """Another program of heliostui's there, through the connection of `master`."""
    return [
        program(),
        "-S",
        _control(control),
        "-T",
        "-o",
        "BatchMode=yes",
        *_destination(address),
        _remote(address, words),
    ]


def forward(address: Address, control: Path, here: Path, there: str) -> list[str]:
    """Have `master` listen on the socket `here`, for whoever may write to it: its owner."""
    return [
        program(), "-S", _control(control), "-O", "forward", "-o", "StreamLocalBindMask=0177",
        "-L", f"{_path(str(here))}:{_path(there)}", *_destination(address),
    ]  # fmt: skip


def program() -> str:
    """Raises EngineUnreachable where there is no ssh."""
    found = shutil.which("ssh")
    if found is None:
        raise EngineUnreachable("Other machines are reached with OpenSSH, and there is no program 'ssh' here.")
    return found


def environment() -> dict[str, str]:
    """Messages in English, because they are read."""
    return {**os.environ, "LC_MESSAGES": "C"}


def _destination(address: Address) -> list[str]:
    user = ["-l", address.user] if address.user else []
    port = ["-p", str(address.port)] if address.port else []
    return [*user, *port, "--", address.host]


def _remote(address: Address, words: list[str]) -> str:
    """A line for the login shell there."""
    return shlex.join([address.program, *words])


def _control(path: Path) -> str:
    """A path of `-S`, where a per cent sign begins a token, too."""
    return str(path).replace("%", "%%")


def _path(path: str) -> str:
    """A path of `-L`, where a colon parts and a per cent sign begins a token."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace("%", "%%")


def failure(address: Address, status: int | None, said: str) -> EngineUnreachable:
    """What ssh's exit status and what it wrote to standard error mean, in a sentence. None: it took too long."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("Warning: Permanently")]
    last = lines[-1] if lines else ""
    return EngineUnreachable(_sentence(address, status, said, last))


def _sentence(address: Address, status: int | None, said: str, last: str) -> str:
    host, by_hand = address.label, f"`{_by_hand(address)}`"
    if status is None:
        return f"{host} did not answer in time; {by_hand} shows how far it gets."
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in said:
        return (
            f"{host} shows another host key than the one that ssh knows of it, so it may be another machine; "
            f"{by_hand} tells more."
        )
    if "Host key verification failed" in said:
        return f"The host key of {host} is not known yet; {by_hand} shows it and asks whether it is right."
    if "Permission denied" in said and status == SSH_FAILED:
        return f"{host} did not let you in ({_reason(last)}); {by_hand} tries the same by hand."
    if "Too many authentication failures" in said:
        return f"{host} did not let you in after many keys; name the right one in ~/.ssh/config with IdentityFile."
    if status == NOT_FOUND or "command not found" in said:
        return (
            f"There is no '{address.program}' on {host}: install it there, where ssh finds it, "
            f"or name its path: ssh://{address.label}/PATH/heliostui."
        )
    if status == SSH_FAILED:
        return f"{host} can't be reached: {last.removeprefix('ssh: ') or 'ssh says nothing more'}."
    if "the console needs a terminal" in said:
        return f"{host} lets you have its console, and nothing else: `{_by_hand(address, '-t')}` opens it."
    if status == 2 and "heliostui" in said:
        return f"The heliostui on {host} is of another version than this one: it does not know how to be reached."
    if last.startswith("heliostui: "):
        return f"On {host}: {last.removeprefix('heliostui: ')}"
    return f"heliostui on {host} ended with {status}: {last or 'it says nothing more'}."


def _by_hand(address: Address, *options: str) -> str:
    said = [*options, *(["-p", str(address.port)] if address.port else [])]
    return f"ssh{''.join(f' {word}' for word in said)} {address.user + '@' if address.user else ''}{address.host}"


def _reason(line: str) -> str:
    """The methods that are offered, of `user@host: Permission denied (publickey,password).`"""
    match = re.search(r"\(([^)]*)\)", line)
    return f"it takes {match[1].replace(',', ', ')}" if match else "permission denied"
