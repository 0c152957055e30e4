"""`heliostui capture`: a container's traffic as a pcap file, for tcpdump and Wireshark."""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import CaptureChunk, StreamCapture, StreamEnd
from engine.protocol.quantities import size, size_text
from heliostui.commandline import signals
from heliostui.commandline.failures import Failure, complain
from heliostui.commandline.parser import add_container, checked
from heliostui.commandline.pcap import Frames
from heliostui.commandline.terminal import STDOUT

LEAST, MOST = 64, 1 << 18  # bytes of a frame
_DEFAULTS = StreamCapture(container="")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        "It ends with Ctrl-C, with the container, or at the limit.\n"
        "To look at once: heliostui capture -w - CONTAINER | tcpdump -r -"
    )
    parser.add_argument(
        "-w", "--write", metavar="FILE", help="where to; - is standard output (default: CONTAINER-TIME.pcap)"
    )
    parser.add_argument("-i", "--interface", metavar="NAME", help="inside (default: the first one but loopback)")
    parser.add_argument(
        "--limit",
        metavar="SIZE",
        type=checked(size),
        default=_DEFAULTS.limit,
        help=f"of the file (default: {_DEFAULTS.limit // 10**6} MB)",
    )
    parser.add_argument(
        "--snaplen",
        metavar="BYTES",
        type=checked(snaplen),
        default=_DEFAULTS.snaplen,
        help="of each frame that are kept (default: all)",
    )
    parser.add_argument("-c", "--count", metavar="NUMBER", type=checked(count), help="end after so many frames")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    add_container(parser)


def snaplen(text: str) -> int:
    """Bytes. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 8 and LEAST <= int(text) <= MOST):
        raise ValueError(f"'{text}' can't be: write a number of bytes from {LEAST} to {MOST}")
    return int(text)


def count(text: str) -> int:
    """A number above 0. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text)):
        raise ValueError(f"'{text}' is no number of frames: write one from 1 on")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    output = Output(arguments)
    request = StreamCapture(
        container=arguments.container,
        interface=arguments.interface,
        snaplen=arguments.snaplen,
        limit=arguments.limit,
    )
    frames = Frames(arguments.count)
    with Connection.connect(places()) as engine, output:
        engine.stream(request)
        last = _pass_on(engine, frames, output)
    output.tell(frames, last)
    return 0


def _pass_on(engine: Connection, frames: Frames, output: Output) -> CaptureChunk:
    """Until Ctrl-C, the container's end, the limit or enough frames; the last message. Only whole frames are written,
    so the file is a good one whatever ends it."""
    last = CaptureChunk(data=b"", packets=0)
    with suppress(signals.Interrupted), signals.steered(lambda _number: None) as wakeups:
        while True:
            for message in engine.arrived():
                if isinstance(message, CaptureChunk):
                    last = message
                    output.write(frames.feed(message.data))
                if frames.enough or isinstance(message, StreamEnd):
                    return last
            readable, _, _ = select.select([engine.fileno(), wakeups], [], [])
            if wakeups in readable and any(number in signals.ENDING for number in os.read(wakeups, 4096)):
                return last
    return last


class Output:
    """The file, which is made with its first bytes, or standard output. Raises Failure where that can't be."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        name = arguments.container.replace("/", "_")
        self._name: str = arguments.write or f"{name}-{stamp}.pcap"
        self._force: bool = arguments.force
        self._file: BinaryIO | None = None
        self._opened = ExitStack()
        if self._name == "-" and os.isatty(STDOUT):
            raise Failure(
                "frames are no text for a terminal: write to a file, or pipe them, as in … -w - | tcpdump -r -"
            )
        if self._name != "-" and not self._force and os.path.lexists(self._name):
            raise self._taken()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def write(self, data: bytes) -> None:
        """More of it, at once."""
        if not data:
            return
        file = self._file = self._file or self._open()
        file.write(data)
        file.flush()

    def tell(self, frames: Frames, last: CaptureChunk) -> None:
        """One line about what was written."""
        if self._file is None:
            complain("nothing was captured, and nothing is written")
            return
        where = "" if self._name == "-" else f" in {self._name}"
        full = "; the limit is reached" if last.full else ""
        dropped = f"; the kernel dropped {last.dropped} that came too fast" if last.dropped else ""
        number = f"{frames.number} frame{'' if frames.number == 1 else 's'}"
        complain(f"{number}, {size_text(frames.size)}{where}{full}{dropped}")

    def _open(self) -> BinaryIO:
        if self._name == "-":
            return sys.stdout.buffer
        try:
            return self._opened.enter_context(Path(self._name).open("wb" if self._force else "xb"))
        except FileExistsError:
            raise self._taken() from None
        except OSError as error:
            raise Failure(f"{self._name} can't be written: {error.strerror}") from None

    def _taken(self) -> Failure:
        return Failure(f"{self._name} is there already: choose another file, or write over it with --force")
