"""Bytes a second that the console sends to its terminal, beside btop and htop: 120x40, once a second, at the same time.

    python benchmarks/wire.py [SECONDS]

20 containers compute, write and sleep in turns. Each contestant has a PTY of its own, which is read as it comes, and
whose terminal answers as one does. What comes before the screen stands is not counted.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from promises import measured
from ptyprocess import PtyProcess

COLUMNS, LINES = 120, 40
SECONDS = 30.0
LIVE = 20
PATIENCE = 30.0
HELIOSTUI = [sys.executable, "-m", "heliostui"]
QUESTION, ANSWER = b"\x1b[5n", b"\x1b[0n"
# A tenth of a second's work or so, some memory, a file, and rest, never the same for long.
LOAD = """
n={n}
while :; do
  i=0; while [ $i -lt $((n * 700 % 9000)) ]; do i=$((i + 1)); done
  head -c $((n % 7 * 100000)) /dev/zero > /tmp/load
  n=$((n + 3)); sleep 0.$((n % 8 + 1))
done
"""


class Wire:
    """One program on a terminal; `bytes` counts what it has sent."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.process = PtyProcess.spawn(list(command), env=environment, dimensions=(LINES, COLUMNS))
        self.bytes = 0
        self.last = b""

    def read(self) -> None:
        data = os.read(self.process.fd, 65_536)
        self.bytes += len(data)
        self.last = (self.last + data)[-200_000:]
        if questions := data.count(QUESTION):
            os.write(self.process.fd, ANSWER * questions)

    def until(self, text: bytes) -> None:
        end = time.monotonic() + PATIENCE
        while text not in self.last:
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} was not shown, but {self.last[-2000:]!r}")
            follow([self], 0.1)

    def type(self, keys: bytes) -> None:
        os.write(self.process.fd, keys)

    def close(self) -> None:
        self.process.close(force=True)


def follow(wires: Sequence[Wire], seconds: float) -> None:
    """Read what they send, for so long."""
    by_descriptor = {wire.process.fd: wire for wire in wires}
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for descriptor in select.select(list(by_descriptor), [], [], left)[0]:
            by_descriptor[descriptor].read()


def rates(wires: dict[str, Wire], seconds: float) -> dict[str, float]:
    """Bytes a second of each, at the same time."""
    before = {name: wire.bytes for name, wire in wires.items()}
    began = time.monotonic()
    follow(list(wires.values()), seconds)
    took = time.monotonic() - began
    return {name: (wire.bytes - before[name]) / took for name, wire in wires.items()}


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """An engine of our own, gone afterwards; the environment that reaches it."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {
            **{name: value for name, value in os.environ.items() if name not in ("TMUX", "NO_COLOR")},
            "HELIOSTUI_RUNTIME": f"{directory}/run",
            "HELIOSTUI_STATE": f"{directory}/state",
            "XDG_CONFIG_HOME": f"{directory}/config",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
        }
        settle(Path(directory, "config"))
        heliostui(environment, "engine", "start")
        try:
            yield environment
        finally:
            heliostui(environment, "engine", "stop", "--all")


def settle(directory: Path) -> None:
    """btop's period; htop has an option for it."""
    (directory / "btop").mkdir(parents=True)
    (directory / "btop" / "btop.conf").write_text("update_ms = 1000\n")


def heliostui(environment: dict[str, str], *words: str) -> None:
    subprocess.run([*HELIOSTUI, *words], env=environment, stdout=subprocess.DEVNULL, check=True)


def make_load(environment: dict[str, str], count: int = LIVE) -> None:
    for number in range(count):
        load = ["sh", "-c", LOAD.format(n=number)]
        heliostui(environment, "run", "-d", "--name", f"load{number:02}", "--network", "none", "host", *load)


def console(environment: dict[str, str], shown: bytes) -> Wire:
    """Our console, once it has shown that and has come to rest."""
    wire = Wire(HELIOSTUI, environment)
    wire.until(shown)
    follow([wire], 3.0)
    return wire


def peers(environment: dict[str, str]) -> dict[str, Wire]:
    commands = {"btop": ["btop", "--utf-force"], "htop": ["htop", "-d", "10"]}
    return {name: Wire(command, environment) for name, command in commands.items() if shutil.which(command[0])}


def live(environment: dict[str, str], seconds: float) -> dict[str, float]:
    """Of console, btop and htop, while 20 containers work."""
    with ExitStack() as ended:
        make_load(environment)
        wires = {"console": console(environment, b"load19"), **peers(environment)}
        for wire in wires.values():
            ended.callback(wire.close)
        follow(list(wires.values()), 3.0)
        return rates(wires, seconds)


def idle(environment: dict[str, str], seconds: float, containers: int) -> float:
    """Of the console alone, while nothing changes; `containers` that sleep."""
    for number in range(containers):
        heliostui(environment, "run", "-d", "--name", f"idle{number}", "--network", "none", "host", "sleep", "9999")
    wire = console(environment, b"idle0" if containers else b"engine")
    try:
        return rates({"console": wire}, seconds)["console"]
    finally:
        wire.close()
        for number in range(containers):
            heliostui(environment, "rm", "-f", f"idle{number}")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with engine() as environment:
        nothing, one = idle(environment, seconds, 0), idle(environment, seconds, 1)
        found = live(environment, seconds)
    print(f"{'nothing runs':28}{nothing:10.1f} B/s")
    print(f"{'one container that sleeps':28}{one:10.1f} B/s")
    print(f"{LIVE} live containers, {COLUMNS}x{LINES}, once a second:")
    for name, rate in found.items():
        ratio = f"{found['console'] / rate:8.2f}x" if rate and name != "console" else ""
        print(f"  {name:26}{rate / 1000:10.2f} kB/s{ratio}")
    measured("idle bytes", nothing)
    measured("wire", found["console"] / 1000)


if __name__ == "__main__":
    main()
