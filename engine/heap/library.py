"""The compiled allocator: where it is, how programs are made to use it, and how its options are written.

A container sees a directory of ours at `PLACE`, with the library in it. The loader is told of it as
`/.heliostui/$LIB/heap.so`: glibc puts `lib64` or `lib/x86_64-linux-gnu` there (ld.so(8), "Dynamic string tokens"), and
links in the directory lead back to the library. Other loaders know no tokens, find nothing and say nothing: musl's
would else try the library, miss what only glibc has, and end the program.

Imports the standard library, the errors and the protocol; the command line imports this, too.
"""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec

from engine.errors import EngineError
from engine.protocol.heap import HeapOptions, Policy
from engine.protocol.messages import ErrorCode

PLACE = "/.heliostui"
"""Where it is in a container: below the root itself, which no mount covers."""
NAME = "heap.so"
INSIDE = f"{PLACE}/$LIB/{NAME}"  # `preload(PLACE)`
MULTIARCH = f"{os.uname().machine}-linux-gnu"  # Debian's, for both of our architectures
LINKS = ("lib", "lib64", MULTIARCH)

PRELOAD, SETTINGS = "LD_PRELOAD", "HELIOS_HEAP"
POLICIES: tuple[Policy, ...] = get_args(Policy)
WORDS = "best, first, next or worst (which free block is taken), slabs=off, cache=off, check"

_copying = threading.Lock()


def path() -> str | None:
    """The library's path; None where it was not compiled."""
    return next(iter(glob.glob(os.path.join(os.path.dirname(__file__), "_heap*.so"))), None)


def why_missing() -> str:
    """What to say where it was not."""
    return "heliostui's allocator was not compiled on this machine: install gcc and reinstall heliostui."


def needed() -> str:
    """The library's path. Raises EngineError(UNSUPPORTED) where it was not compiled."""
    if (found := path()) is None:
        raise EngineError(ErrorCode.UNSUPPORTED, f"--heap can't be had: {why_missing()}")
    return found


def parse(text: str) -> HeapOptions:
    """Options as people write them: "first,check". Raises ValueError."""
    found: dict[str, str | bool] = {}
    for word in filter(None, text.split(",")):
        name, value = _setting(word)
        if found.setdefault(name, value) != value:
            raise ValueError(f"'{text}' says two things of one: '{word}' contradicts what comes before it")
    return msgspec.convert(found, HeapOptions)


def _setting(word: str) -> tuple[str, str | bool]:
    policy = word.removeprefix("policy=")
    if policy in POLICIES:
        return "policy", policy
    if word == "check":
        return "check", True
    name, _, value = word.partition("=")
    if name in ("slabs", "cache") and value in ("on", "off"):
        return name, value == "on"
    raise ValueError(f"'{word}' is no word of it: write some of {WORDS}, with commas between")


def spelled(options: HeapOptions) -> str:
    """The options as the library reads them: "policy=first,check"."""
    words = [f"policy={options.policy}"]
    words += [f"{name}=off" for name in ("slabs", "cache") if not getattr(options, name)]
    return ",".join([*words, *(["check"] if options.check else [])])


def preload(directory: str) -> str:
    """The library in a directory that was laid out, as the loader is told of it."""
    return f"{directory}/$LIB/{NAME}"


def environment(options: HeapOptions, given: Mapping[str, str], preload: str = INSIDE) -> dict[str, str]:
    """The variables that make a program use the library, beside what `given` preloads and asks of it itself."""
    own = given.get(SETTINGS)
    return {
        PRELOAD: joined(preload, given.get(PRELOAD)),
        SETTINGS: ",".join([spelled(options), *([own] if own else [])]),
    }


def joined(preload: str, further: str | None) -> str:
    """One LD_PRELOAD of two; whose malloc is used, the first says."""
    return f"{preload}:{further}" if further and further != preload else preload


def kept(before: Sequence[str], asked: Sequence[str]) -> list[str]:
    """What a further program in a container is `asked` to have in its environment: where the library was preloaded
    `before`, it still is, unless nothing is to be."""
    start, mark = f"{PRELOAD}={INSIDE}", f"{PRELOAD}="
    if not any(entry.startswith(start) for entry in before):
        return list(asked)
    changed = {entry for entry in asked if entry.startswith(mark) and entry != mark}
    return [mark + joined(INSIDE, entry.removeprefix(mark)) if entry in changed else entry for entry in asked]


def lay_out(directory: Path) -> None:
    """Make the directory that containers see at `PLACE`, or bring it up to date. A copy of the library: the programs
    that use it must not notice when heliostui is built anew, and other users must be able to read it.

    Each container has one of its own: its root may be the same user as we are, and able to write there (rootless
    `--privileged`). So nothing that lies there is followed.

    Blocks. Raises OSError, and EngineError as `needed`.
    """
    source = needed()
    with _copying:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        for name in LINKS:
            if not os.path.lexists(directory / name):
                (directory / name).symlink_to(".")
        if not _is_copy(directory / NAME, source):
            _copy(source, directory)


def _copy(source: str, directory: Path) -> None:
    """Under a name that nobody else has: `heap record` may do the same at this moment."""
    handle, new = tempfile.mkstemp(dir=directory)
    try:
        with os.fdopen(handle, "wb") as copy, open(source, "rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            told = os.fstat(original.fileno())
            os.utime(handle, ns=(told.st_atime_ns, told.st_mtime_ns))
            os.fchmod(handle, 0o755)
        os.rename(new, directory / NAME)
    except BaseException:
        os.unlink(new)
        raise


def _is_copy(file: Path, source: str) -> bool:
    try:
        there, here = file.lstat(), os.stat(source)
    except FileNotFoundError:
        return False
    return (there.st_size, there.st_mtime_ns) == (here.st_size, here.st_mtime_ns)
