"""`heap record`: runs a program with our allocator, and writes what it asked of it as a trace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from engine.client.directories import make_directories
from engine.client.errors import EngineUnreachable
from engine.heap import library
from engine.heap.playground.trace import from_recording
from engine.places import Places, places
from engine.protocol.heap import HeapOptions
from heliostui.commandline.failures import Failure, complain

LAUNCH_FAILURE, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
SIGNALLED = 128


def record(program: Sequence[str], output: Path) -> int:
    """The exit status of the program. Raises Failure: there is no allocator, no such program, no room for a trace."""
    here = places()
    if here.host is not None:
        raise Failure("heap record runs programs of this machine: leave out -H, or do it there by ssh", LAUNCH_FAILURE)
    if library.path() is None:
        raise Failure(f"nothing can be recorded: {library.why_missing()}", LAUNCH_FAILURE)
    _check_program(program[0])
    try:
        preload = _laid_out(here)
        with tempfile.TemporaryDirectory(prefix=".heap-record-", dir=_directory(output)) as directory:
            recording = Path(directory, "recording")
            process = _run(program, preload, recording)
            status = process.returncode if process.returncode >= 0 else SIGNALLED - process.returncode
            if not recording.exists() or not recording.stat().st_size:
                why = "it asks for no memory, is linked statically, sets its user id, or has another C library"
                raise Failure(f"{program[0]} did not use our allocator: {why}", status or LAUNCH_FAILURE)
            count = _write(recording, Path(directory, "trace"), program, process.pid)
            os.replace(Path(directory, "trace"), output)
    except OSError as error:
        raise Failure(f"{output} can't be written: {error.strerror}", LAUNCH_FAILURE) from None
    complain(f"{count:,} operations of {program[0]}, process {process.pid} alone, are in {output}")
    return status


def _check_program(name: str) -> None:
    if shutil.which(name) is not None:
        return
    if "/" in name and os.path.exists(name):
        raise Failure(f"{name} can't be executed", NOT_EXECUTABLE)
    raise Failure(f"there is no program {name}", NOT_FOUND)


def _directory(output: Path) -> str:
    """Beside the trace, where there is room for it; the allocator's options end at a comma."""
    directory = str(output.absolute().parent)
    return tempfile.gettempdir() if "," in directory else directory


def _laid_out(own: Places) -> str:
    """What to preload: as in a container, so that programs of another C library run on."""
    try:
        make_directories(own)
    except EngineUnreachable as error:
        raise Failure(str(error), LAUNCH_FAILURE) from None
    if found := next((each for each in " :$" if each in str(own.heap)), None):
        why = "the loader of programs takes no path with a blank, a colon or a $ (LD_PRELOAD)"
        raise Failure(
            f"{own.state} has a {found!r}, and {why}: choose another one with HELIOSTUI_STATE", LAUNCH_FAILURE
        )
    library.lay_out(own.heap)
    return library.preload(str(own.heap))


def _run(program: Sequence[str], preload: str, recording: Path) -> subprocess.Popen[bytes]:
    """To its end; what the terminal sends to both of us is for the program to deal with."""
    variables = library.environment(HeapOptions(), os.environ, preload)
    variables[library.SETTINGS] += f",trace={recording}"
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        process = subprocess.Popen(program, env={**os.environ, **variables})
        process.wait()
    except OSError as error:
        raise Failure(f"{program[0]} can't be executed: {error.strerror}", NOT_EXECUTABLE) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return process


def _write(recording: Path, trace: Path, program: Sequence[str], pid: int) -> int:
    """The recording as a trace; how many operations it has."""
    count = 0
    words = " ".join(program).encode("unicode_escape").decode()
    with recording.open(encoding="ascii", errors="replace") as lines, trace.open("w", encoding="ascii") as file:
        file.write(
            f"# What process {pid} asked of its allocator: {words}\n# Not what other processes did that it started.\n"
        )
        for count, operation in enumerate(from_recording(lines), 1):  # noqa: B007 - the last one counts
            file.write(f"{operation}\n")
    return count
