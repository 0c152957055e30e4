"""The allocators that the heap is compared with: each a library to preload."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from engine import heap

DEBIAN = {"jemalloc": "libjemalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4", "mimalloc": "libmimalloc.so.2"}
PACKAGES = {"jemalloc": "libjemalloc2", "tcmalloc": "libtcmalloc-minimal4", "mimalloc": "libmimalloc2.0"}
LIBRARIES = ("/lib", "/usr/lib")


class Allocator(NamedTuple):
    """`library`: what is preloaded for it; empty for the one that programs have anyway."""

    name: str
    library: str


def ours(library: str = "") -> Allocator:
    """The heap, of this tree or from another library. FileNotFoundError when it was not compiled."""
    found = [library] if library else sorted(str(path) for path in Path(heap.__path__[0]).glob("_heap*.so"))
    if not found or not Path(found[0]).exists():
        raise FileNotFoundError(f"{library or 'engine/heap/_heap*.so'} is not there: make compiles it, with cc")
    return Allocator("heliostui", found[0])


def glibc() -> Allocator:
    return Allocator("glibc", "")


def others() -> tuple[list[Allocator], list[str]]:
    """Those of Debian's that are installed, and the packages of those that are not."""
    there = {name: find(file) for name, file in DEBIAN.items()}
    missing = [PACKAGES[name] for name, path in there.items() if path is None]
    return [Allocator(name, str(path)) for name, path in there.items() if path is not None], missing


def find(file: str) -> Path | None:
    """A shared library, where Debian and others keep them."""
    places = [Path(root) / below for root in LIBRARIES for below in (".", "x86_64-linux-gnu", "aarch64-linux-gnu")]
    return next((place / file for place in places if (place / file).exists()), None)
