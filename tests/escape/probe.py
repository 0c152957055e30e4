"""Runs inside of a container: tries what it is told, each attempt in a process of its own, and says what came of it.

Standard input: first the numbers of the system calls as a JSON object, then one attempt per line, as a JSON string: an
expression, or statements that leave something in `answer`. Standard output: a JSON object per attempt, with either
"value", or "error" (the name of an errno, or how the process died).
"""

import contextlib
import ctypes
import errno
import fcntl
import glob
import json
import os
import shutil
import socket
import stat
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
numbers: dict[str, int] = json.loads(sys.stdin.readline())


def number(name: str) -> int:
    """A system call's; ENOSYS where this architecture has none of that name."""
    if name not in numbers:
        raise OSError(errno.ENOSYS, name)
    return numbers[name]


def call(name: str | int, *arguments: object) -> int:
    """A system call, by name or number. Raises OSError."""
    nr = number(name) if isinstance(name, str) else name
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = libc.syscall(ctypes.c_long(nr), *plain)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def write(path: str) -> bool:
    """Open for writing and touch nothing: that the kernel allows it is all that has to be known."""
    os.close(os.open(path, os.O_WRONLY))
    return True


def read(path: str, most: int = 64) -> str:
    """The beginning of a file."""
    with open(path, "rb", buffering=0) as file:
        return file.read(most).decode(errors="replace")


def writable(*patterns: str) -> list[str]:
    """Which files of those names can be opened for writing."""
    found = []
    for path in (path for pattern in patterns for path in glob.glob(pattern)):
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.stat(path).st_mode) and write(path):
                found.append(path)
    return found


VOCABULARY = {
    **{f.__name__: f for f in (number, call, write, read, writable)},
    **{m.__name__: m for m in (ctypes, errno, fcntl, glob, os, shutil, socket, stat, struct)},
}


def attempt(source: str) -> dict[str, object]:
    """Try it."""
    names = dict(VOCABULARY)
    try:
        try:
            return {"value": eval(compile(source, "attempt", "eval"), names)}
        except SyntaxError:
            exec(compile(source, "attempt", "exec"), names)
            return {"value": names.get("answer")}
    except OSError as error:
        return {"error": errno.errorcode.get(error.errno or 0, str(error))}


for line in sys.stdin:
    hear, tell = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(tell, json.dumps(attempt(json.loads(line))).encode())
        os._exit(0)
    os.close(tell)
    said = b""
    while piece := os.read(hear, 65536):
        said += piece
    os.close(hear)
    died = {"error": f"wait status {os.waitpid(pid, 0)[1]}"}
    print(said.decode() or json.dumps(died), flush=True)
