"""How fast the terminal core takes in what programs write, beside tmux, Ghostty's core and pyte. Ratios count.

    python benchmarks/terminal.py

Streams are the recordings of the tests, repeated, and two made here: a plain listing and a coloured one, both long.
Ghostty's core and pyte are called in this process; tmux shows a `cat` in a detached pane. Contestants take turns,
and the best round counts. The last columns compare ours with tmux: by the clock, and by the time on a processor of this
process and of tmux's server, to which a busy machine does less. pyte gets a part of each, a dash where it raises.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from promises import measured

from engine.terminal import Terminal

try:
    import pyghostty
    import pyte
except ImportError:
    pyghostty = pyte = None  # type: ignore[assignment]

COLUMNS, LINES = 200, 50
SIZE = 1_000_000
ROUNDS = 9
RECORDINGS = Path(__file__).parents[1] / "tests/engine/terminal/recordings"


def streams() -> dict[str, bytes]:
    paths = sorted(str(path) for path in Path("/usr/share").rglob("*"))[:20_000]
    plain = "\r\n".join(paths).encode() + b"\r\n"
    colours = itertools.cycle([b"\x1b[01;34m", b"\x1b[32m", b"\x1b[38;5;208m"])
    coloured = b"".join(colour + path.encode() + b"\x1b[0m\r\n" for colour, path in zip(colours, paths, strict=False))
    recorded = {path.stem: path.read_bytes() for path in sorted(RECORDINGS.glob("*.bin"))}
    return {
        name: data * (SIZE // len(data) + 1)
        for name, data in {"plain": plain, "coloured": coloured, **recorded}.items()
    }


def feed(terminal: Terminal | pyghostty.Terminal, data: bytes) -> None:
    for start in range(0, len(data), 65_536):
        terminal.feed(data[start : start + 65_536])


def ours(data: bytes) -> None:
    feed(Terminal(COLUMNS, LINES), data)


def ghostty(data: bytes) -> None:
    with pyghostty.Terminal(COLUMNS, LINES) as terminal:
        feed(terminal, data)


def by_pyte(data: bytes) -> None:
    stream = pyte.ByteStream(pyte.HistoryScreen(COLUMNS, LINES, history=10_000))
    for start in range(0, len(data), 65_536):
        stream.feed(data[start : start + 65_536])


class Taken(NamedTuple):
    """Seconds."""

    clock: float
    processor: float

    def until(self, end: Taken, times: int = 1) -> Taken:
        return Taken((end.clock - self.clock) * times, (end.processor - self.processor) * times)

    def best(self, other: Taken) -> Taken:
        return Taken(min(self.clock, other.clock), min(self.processor, other.processor))


NEVER = Taken(float("inf"), float("inf"))


def processor_seconds(pid: int) -> float:
    """Of a process, from proc(5): the first number of schedstat are nanoseconds."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def tmux(data: bytes) -> Taken:
    """From the word to a waiting pane to the end of its `cat`."""
    with tempfile.TemporaryDirectory() as folder:
        file, socket = Path(folder, "stream"), str(Path(folder, "socket"))
        file.write_bytes(data)
        server = ["tmux", "-S", socket, "-f", "/dev/null"]
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        waiting = f"tmux -S {socket} wait-for -S ready; tmux -S {socket} wait-for go; cat {file}"
        command = f"{waiting}; tmux -S {socket} wait-for -S end"
        subprocess.run([*server, "new-session", "-d", *size, command], check=True)
        subprocess.run([*server, "wait-for", "ready"], check=True)
        asked = subprocess.run([*server, "display-message", "-p", "#{pid}"], check=True, capture_output=True)
        start = Taken(time.perf_counter(), processor_seconds(int(asked.stdout)))
        subprocess.run([*server, "wait-for", "-S", "go"], check=True)
        subprocess.run([*server, "wait-for", "end"], check=True)
        taken = start.until(Taken(time.perf_counter(), processor_seconds(int(asked.stdout))))
        subprocess.run([*server, "kill-server"], check=False, stderr=subprocess.DEVNULL)
        return taken


def called(takes: Callable[[bytes], None], part: int = 1) -> Callable[[bytes], Taken]:
    """A contestant in this process, which gets one part in so many of the stream."""

    def timed(data: bytes) -> Taken:
        start = Taken(time.perf_counter(), time.process_time())
        try:
            takes(data[: len(data) // part])
        except Exception:  # noqa: BLE001 - whatever a peer raises, it has not taken the stream
            return NEVER
        return start.until(Taken(time.perf_counter(), time.process_time()), part)

    return timed


def main() -> None:
    peers = {"ours": called(ours)}
    if shutil.which("tmux"):
        peers["tmux"] = tmux
    if pyghostty is not None:
        peers |= {"ghostty": called(ghostty), "pyte": called(by_pyte, 50)}
    print(f"MB/s at {COLUMNS}x{LINES}".ljust(20) + "".join(f"{name:>10}" for name in peers) + "  ours/tmux  processor")
    to_tmux: dict[str, float] = {}
    for name, data in streams().items():
        taken = dict.fromkeys(peers, NEVER)
        for _ in range(ROUNDS):
            taken = {peer: taken[peer].best(time_of(data)) for peer, time_of in peers.items()}
        cells = [f"{len(data) / each.clock / 1e6:10.1f}" if each != NEVER else f"{'-':>10}" for each in taken.values()]
        if "tmux" in taken:
            to_tmux[name] = taken["tmux"].clock / taken["ours"].clock
            cells += [f"{theirs / own:11.2f}" for theirs, own in zip(taken["tmux"], taken["ours"], strict=True)]
        print(name.ljust(20) + "".join(cells))
    if to_tmux:  # the slowest of each kind
        measured("terminal plain", to_tmux.pop("plain"))
        measured("terminal full", min(to_tmux.values()))


if __name__ == "__main__":
    main()
