"""Makes the recordings: real programs on a real PTY of 80x24, driven by keys. Run it as root from the project's folder:

    python tests/engine/terminal/record.py

Each runs in its own PID namespace with an empty home, so that nothing of the machine gets into a recording.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

RECORDINGS = Path(__file__).parent / "recordings"
SETTLED = 0.4
PROGRAMS: dict[str, tuple[str, list[str]]] = {
    "vim": (
        "vim -u NONE -c 'set nocompatible number hlsearch' -c 'syntax on' /usr/lib/python3.11/this.py",
        [
            *("/import\r", "n", "G", "o", "日本語 é 🎉", "\x1b", ":split\r", "\x06"),
            *("\x17w", "gg", "dd", "u", ":q!\r", ":qa!\r"),
        ],
    ),
    "less": (
        "less -R /usr/share/common-licenses/GPL-3",
        [" ", " ", "b", "/warranty\r", "n", "G", "g", "\x1b[B" * 3, "q"],
    ),
    "tmux": (
        "tmux -L recording -f /dev/null new -n one 'PS1=\"$ \" sh'",
        [
            *("ls --color=always /usr\r", "\x02%", "seq 30\r", '\x02"', "echo 日本\r", "\x02o", "\x02 ", "\x02z"),
            *("\x02[", "\x15", "q", "\x02c", "printf '\\033]8;;http://x\\033\\\\link\\033]8;;\\033\\\\'\r", "\x02d"),
        ],
    ),
    "git": (
        "sh -c 'cd $(mktemp -d); git init -q -b main; git config user.name me; git config user.email me@box;"
        ' for n in $(seq 40); do git commit -q --allow-empty -m "commit $n: $(seq -s\\  $n)"'
        " --date=2026-01-01T00:00:00Z; done; git tag v1; git checkout -q -b side HEAD~5;"
        " git commit -q --allow-empty -m side; LESS=R git log --graph --color=always --all;"
        " git --no-pager log --oneline --decorate --color=always'",
        [" ", " ", "/commit 20\r", "n", "G", "b", "q"],
    ),
    "mc": (
        "mc -x -s /usr /etc/skel",
        ["\x1b[B" * 3, "\t", "\x1bOP", "\x1b", "\x1b", "\x1b[20~", "\x1b[C", "\x1b", "\x1b", "exit\r"],
    ),
    "htop": ("htop -d 5", ["\x1b[B", "t", "M", "\x1b[15~", "h", "q", "q"]),
    "bash": (
        "bash --norc -i",
        [
            "export PS1='\\[\\e[1;32m\\]me\\[\\e[0m\\]:\\[\\e[34m\\]\\w\\[\\e[m\\]$ '\r",
            *("ls --color=always /usr\r", "echo " + "long " * 20, "\x01", "\x1b[C" * 3, "\x04" * 4, "\r"),
            "printf '\\e[7m%s\\e[m\\t%s\\n' reverse tab\r",
            *("seq 40\r", "\x12prin", "\x07", "clear\r", "exit\r"),
        ],
    ),
}


def record(command: str, keys: list[str]) -> bytes:
    pid, master = pty.fork()
    if not pid:
        home = {"HOME": "/proc", "TERM": "xterm-256color", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        argv = ["unshare", "--pid", "--fork", "--mount-proc", "--uts"]
        os.execvpe("unshare", [*argv, "sh", "-c", f"hostname box; cd /usr; exec {command}"], home)
    ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    output = bytearray(read(master, 1.0))
    for key in keys:
        os.write(master, key.encode())
        output += read(master, SETTLED)
    os.waitpid(pid, 0)
    os.close(master)
    return bytes(output)


def read(master: int, patience: float) -> bytes:
    """What comes until there is nothing new for `patience` seconds, for 2 seconds at most."""
    output, end = b"", time.monotonic() + 2
    while time.monotonic() < end and select.select([master], [], [], patience)[0]:
        try:
            output += os.read(master, 65536)
        except OSError:  # EIO: the program has ended
            break
    return output


if __name__ == "__main__":
    for name in sys.argv[1:] or PROGRAMS:
        command, keys = PROGRAMS[name]
        data = record(command, keys)
        (RECORDINGS / f"{name}.bin").write_bytes(data)
        print(f"{name}: {len(data)} bytes of {shlex.split(command)[0]}")
