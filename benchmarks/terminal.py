"""How fast the terminal core takes in what programs write, beside Ghostty's core and tmux. Ratios are what counts.

    python benchmarks/terminal.py

Streams are the recordings of the tests, repeated, and two made here: a plain listing and a coloured one, both long.
Ghostty's core is called in this process; tmux is timed from the start of its server to the end of the stream.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from engine.terminal import Terminal

try:
    import pyghostty
except ImportError:
    pyghostty = None

COLUMNS, LINES = 200, 50
SIZE = 2_000_000
ROUNDS = 3
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


def tmux(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, socket = Path(folder, "stream"), str(Path(folder, "socket"))
        file.write_bytes(data)
        server = ["tmux", "-S", socket, "-f", "/dev/null"]
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        subprocess.run(
            [*server, "new-session", "-d", *size, f"cat {file}; tmux -S {socket} wait-for -S end"], check=True
        )
        subprocess.run([*server, "wait-for", "end"], check=True)
        subprocess.run([*server, "kill-server"], check=False, stderr=subprocess.DEVNULL)


def speed(takes: Callable[[bytes], None], data: bytes) -> float:
    """The best of a few rounds, in MB/s."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        takes(data)
        best = min(best, time.perf_counter() - start)
    return len(data) / best / 1e6


def main() -> None:
    peers: dict[str, Callable[[bytes], None]] = {"ours": ours}
    if shutil.which("tmux"):
        peers["tmux"] = tmux
    if pyghostty is not None:
        peers["ghostty"] = ghostty
    print(f"MB/s at {COLUMNS}x{LINES}".ljust(20) + "".join(f"{name:>10}" for name in peers) + "   ours/tmux")
    for name, data in streams().items():
        found = {peer: speed(takes, data) for peer, takes in peers.items()}
        ratio = f"{found['ours'] / found['tmux']:12.2f}" if "tmux" in found else ""
        print(name.ljust(20) + "".join(f"{value:10.1f}" for value in found.values()) + ratio)


if __name__ == "__main__":
    main()
