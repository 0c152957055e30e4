"""A playground's process: `python -m engine.heap.playground ID LIBRARY OPTIONS PARENT`, with a socket as its stdin.

OPTIONS are HeapOptions as JSON; the same are in HELIOS_HEAP, which the library reads. PARENT is the engine's pid.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

import msgspec

from engine.heap.playground.allocator import Allocator
from engine.heap.playground.heap import PR_SET_PDEATHSIG
from engine.heap.playground.session import Session
from engine.protocol.heap import HeapOptions


def main(id: str, library: str, options: str, parent: str) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal that the engine may still have; it ends us itself
    asked = socket.socket(fileno=os.dup(0))
    allocator = Allocator(library)
    allocator.forget_time()
    Session(id, msgspec.json.decode(options, type=HeapOptions), allocator).serve(asked)


main(*sys.argv[1:])
