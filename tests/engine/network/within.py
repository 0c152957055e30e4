"""Doing things in other network namespaces, and as somebody who is root in a user namespace only."""

from __future__ import annotations

import codecs
import ctypes
import gc
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from engine.network.kernel import namespaces

Result = TypeVar("Result")
FORWARDING = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_DUMPABLE = 4


def within(namespace: int, work: Callable[..., Result], *args: Any, **named: Any) -> Result:
    """What `work` returns or raises, done by a new thread that is in the network namespace."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(namespaces.enter, namespace).result()
        return thread.submit(work, *args, **named).result()


def open_descriptors() -> list[str]:
    """Of this process; what earlier tests have left to the garbage collector is closed before."""
    gc.collect()
    return os.listdir("/proc/self/fd")


def as_rootless(work: Callable[[], Result]) -> Result:
    """What `work` returns or raises in a child that is nobody outside, root in a user namespace of its own, and in a
    network namespace that this one owns."""
    for encoding in ("ascii", "idna"):
        codecs.lookup(encoding)  # nobody may not be able to read what is imported later
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, _answer(work))
        finally:
            os._exit(0)  # whatever happens: this is not the process of the tests
    os.close(writer)
    with open(reader, "rb") as pipe:
        result = pickle.loads(pipe.read())
    os.waitpid(child, 0)
    if isinstance(result, BaseException):
        raise result
    return result  # type: ignore[no-any-return]


def _answer(work: Callable[[], object]) -> bytes:
    """What `work` returned or raised, pickled; said in words where it can't be."""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        be_root_of_a_user_namespace()
        check(ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET))
        for forwarding in FORWARDING:  # inherited from the machine
            Path(forwarding).write_text("0")
        answer: object = work()
    except BaseException as error:  # noqa: BLE001  # the parent raises it
        answer = error
    try:
        return pickle.dumps(answer)
    except Exception:  # noqa: BLE001  # anything may resist
        return pickle.dumps(RuntimeError(repr(answer)))


def be_root_of_a_user_namespace() -> None:
    """Of a new one; only who has no threads can."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.prctl(PR_SET_DUMPABLE, 1))
    check(libc.unshare(CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def check(result: int) -> None:
    """OSError if a call of the C library failed."""
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
