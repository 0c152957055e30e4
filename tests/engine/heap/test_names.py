"""Under which name the heap's memory is in a process's map."""

from __future__ import annotations

import ctypes
import mmap
import subprocess

import pytest

from engine.heap import library
from engine.protocol.heap import HeapOptions

PR_SET_VMA, PR_SET_VMA_ANON_NAME = 0x53564D41, 0


def kernel_names_memory() -> bool:
    """prctl(2), PR_SET_VMA: from Linux 5.17 on, where CONFIG_ANON_VMA_NAME is set."""
    with mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as pages:
        address = ctypes.addressof(here := ctypes.c_char.from_buffer(pages))
        words = [ctypes.c_ulong(word) for word in (PR_SET_VMA_ANON_NAME, address, mmap.PAGESIZE)]
        named: int = ctypes.CDLL(None).prctl(PR_SET_VMA, *words, b"tried")
        del here
    return named == 0


@pytest.mark.skipif(library.path() is None, reason=library.why_missing())
@pytest.mark.skipif(not kernel_names_memory(), reason="this kernel names no memory (CONFIG_ANON_VMA_NAME)")
def test_its_segments_are_called_helios_heap() -> None:
    path = library.path()
    assert path is not None
    environment = library.environment(HeapOptions(), {}, path)
    shown = subprocess.run(["/bin/cat", "/proc/self/maps"], env=environment, capture_output=True, text=True, check=True)
    assert "[anon:helios-heap]" in shown.stdout
