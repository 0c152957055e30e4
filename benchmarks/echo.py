"""How long a key takes to come back: from the keyboard through the console to a program on its terminal, and to the
screen. Beside it the same in tmux, key by key in turn. The ratio is what counts.

    python benchmarks/echo.py [KEYS]

The program is `cat`: the kernel's terminal echoes the key, so the program itself costs nothing.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from promises import measured
from ptyprocess import PtyProcess

COLUMNS, LINES = 120, 40
KEYS = 200
PATIENCE = 20.0
# Letters that end no control sequence a console writes, so that they are seen only as an echo.
LETTERS = b"NOQUVWXYZ"
HELIOSTUI = [sys.executable, "-m", "heliostui"]


class Screen:
    """A program with a terminal of its own, as a user sees it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = PtyProcess.spawn(command, env=environment, dimensions=(LINES, COLUMNS))

    def read(self, patience: float) -> bytes:
        ready, _, _ = select.select([self.process.fd], [], [], patience)
        return os.read(self.process.fd, 65_536) if ready else b""

    def until(self, text: bytes) -> None:
        shown = b""
        end = time.monotonic() + PATIENCE
        while text not in shown:
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} was not shown, but {shown[-2000:]!r}")
            shown += self.read(1.0)

    def quiet(self) -> None:
        """Until nothing has been drawn for a while."""
        while self.read(0.3):
            pass

    def echo(self, key: bytes) -> float:
        """Seconds from the key to its echo."""
        while self.read(0):
            pass
        start = time.perf_counter()
        os.write(self.process.fd, key)
        shown = b""
        while key not in shown:
            shown += self.read(PATIENCE)
        return time.perf_counter() - start


def console(directory: Path) -> tuple[Screen, dict[str, str]]:
    environment = {
        **os.environ,
        "HELIOSTUI_RUNTIME": str(directory / "run"),
        "HELIOSTUI_STATE": str(directory / "state"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    run = [*HELIOSTUI, "run", "-d", "-it", "--name", "echo", "host", "cat"]
    subprocess.run(run, env=environment, check=True, stdout=subprocess.DEVNULL)
    screen = Screen(HELIOSTUI, environment)
    screen.until(b"echo")
    screen.quiet()
    os.write(screen.process.fd, b"\r")
    screen.until(b"keys")
    screen.quiet()
    return screen, environment


def tmux(directory: Path) -> Screen:
    command = ["tmux", "-S", str(directory / "tmux"), "-f", "/dev/null", "new-session", "cat"]
    environment = {key: value for key, value in os.environ.items() if key not in ("TMUX", "TMUX_PANE")}
    screen = Screen(command, {**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"})
    screen.quiet()
    return screen


def measure(screens: dict[str, Screen], keys: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in screens}
    for number in range(keys):
        letter = LETTERS[number % len(LETTERS)].to_bytes()
        for name, screen in screens.items():
            if number % len(LETTERS) == 0:
                os.write(screen.process.fd, b"\r")
                screen.quiet()
            times[name].append(screen.echo(letter))
            time.sleep(random.uniform(0.02, 0.06))  # as one types; at no fixed phase of anybody's timer
    return times


def main() -> None:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    if not shutil.which("tmux"):
        raise SystemExit("tmux is not installed; there is nothing to compare with")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        ours, environment = console(directory)
        theirs = tmux(directory)
        try:
            times = measure({"console": ours, "tmux": theirs}, keys)
        finally:
            ours.process.close(force=True)
            subprocess.run(["tmux", "-S", str(directory / "tmux"), "kill-server"], check=False)
            theirs.process.close(force=True)
            subprocess.run([*HELIOSTUI, "rm", "-f", "echo"], env=environment, check=False, stdout=subprocess.DEVNULL)
            subprocess.run([*HELIOSTUI, "engine", "stop", "--all"], env=environment, check=False)
    print(f"{'key to echo, ms':20}{'median':>10}{'p95':>10}")
    for peer, found in times.items():
        p95 = statistics.quantiles(found, n=20)[-1]
        print(f"{peer:20}{statistics.median(found) * 1e3:10.2f}{p95 * 1e3:10.2f}")
    ratio = statistics.median(times["console"]) / statistics.median(times["tmux"])
    print(f"console/tmux{ratio:18.2f}")
    measured("echo", ratio)


if __name__ == "__main__":
    main()
