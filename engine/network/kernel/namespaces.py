"""Network namespaces as descriptors: made, and entered by a thread for a while (network_namespaces(7)). Blocks.

A process with threads may enter a network namespace with one of them. It must be a thread that nobody else gets: who
leaves the host's namespace in a user namespace can't come back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from engine.errors import EngineError
from engine.network.kernel import sysctls
from engine.protocol.messages import ErrorCode
from engine.receipts.steps import carried, step
from engine.sandbox.kernel import CLONE

Result = TypeVar("Result")

_WHY = {
    errno.ENOSPC: "no more of them may be made; allow more with `sysctl user.max_net_namespaces=15000`",
    errno.EMFILE: "too many files are open; allow more with `ulimit -n`",
}
_HERE = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def current() -> int:
    """A descriptor of the namespace that the calling thread is in, ours to close."""
    return os.open(_HERE, os.O_RDONLY | os.O_CLOEXEC)


def enter(descriptor: int) -> None:
    """The calling thread goes into it for good. Raises OSError."""
    if _libc.setns(descriptor, CLONE.NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def inside(descriptor: int) -> Iterator[None]:
    """In it until the end of the block, and then back: for the thread of `Home`. What is opened in there stays in
    there. EngineError(UNSUPPORTED) where we may not enter it, or could not come back."""
    back = current()
    try:
        try:
            enter(back)  # may we come back?
            enter(descriptor)
        except OSError as error:
            why = f"A network namespace can't be entered: {error.strerror}."
            raise EngineError(ErrorCode.UNSUPPORTED, why) from None
        try:
            yield
        finally:
            enter(back)
    finally:
        os.close(back)


def make() -> int:
    """A new one for a container, with `sysctls.prepare_container`, ours to close: it ends with the last descriptor and
    process. A thread of its own makes it and ends, because it may not be able to come back."""
    return _aside(_make)


def _make() -> int:
    with step("unshare", "CLONE_NEWNET"):
        if _libc.unshare(CLONE.NEWNET) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    descriptor = current()
    try:
        sysctls.prepare_container()
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _aside(work: Callable[[], Result]) -> Result:
    """What `work` returns, done in a thread of its own."""
    with ThreadPoolExecutor(1, "network namespace") as thread:
        try:
            return thread.submit(carried(work)).result()
        except OSError as error:
            raise _not_made(error) from None
        except RuntimeError as error:  # there may be no more threads
            raise EngineError(ErrorCode.UNSUPPORTED, f"A network namespace can't be made: {error}.") from None


def _not_made(error: OSError) -> EngineError:
    why = _WHY.get(error.errno or 0, error.strerror)
    where = f" ({error.filename})" if error.filename else ""
    return EngineError(ErrorCode.UNSUPPORTED, f"A network namespace can't be made: {why}{where}.")


# Goes into a user namespace, makes a network namespace, which it owns then, and stays until its input ends.
_INSIDE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
ok = libc.setns(int(sys.argv[1]), int(sys.argv[2])) == 0 and libc.unshare(int(sys.argv[3])) == 0
print(0 if ok else ctypes.get_errno(), flush=True)
sys.stdin.read()
"""


def make_in(user_namespace: int) -> int:
    """The same, owned by a user namespace, given by its descriptor: who is root in there may change it."""
    arguments = [str(user_namespace), str(int(CLONE.NEWUSER)), str(int(CLONE.NEWNET))]
    command = [sys.executable, "-I", "-S", "-c", _INSIDE, *arguments]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[user_namespace], bufsize=0
        )
    except OSError as error:
        raise _not_made(error) from None
    with process:
        assert process.stdout is not None
        with step("unshare", "CLONE_NEWNET", "by a process in the user namespace"):
            answer = process.stdout.readline()
        if not answer:
            raise EngineError(ErrorCode.LAUNCH_FAILED, "The process that makes a network namespace was killed.")
        if int(answer):
            raise _not_made(OSError(int(answer), os.strerror(int(answer))))
        return _aside(partial(_enter, f"/proc/{process.pid}/ns/net"))


def _enter(path: str) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        enter(descriptor)
        sysctls.prepare_container()
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
