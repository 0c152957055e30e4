"""What the heap is measured with: programs that only allocate, and programs that people use, each with its work."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from peers.allocators import Allocator, find

WORK = Path(__file__).parents[1] / "heap"
PROJECT = Path(__file__).parents[2]
TRACES = "small-churn queue growth long-and-short big-blocks zeros two-threads handed-over larson".split()
THREADED = {"two-threads", "handed-over", "larson"}
# A compiler would otherwise leave out a block that nobody reads, and make one calloc of malloc and memset.
UNTOUCHED = [f"-fno-builtin-{name}" for name in ("malloc", "calloc", "realloc", "free")]


class Used(NamedTuple):
    """By a program and its children: seconds of processor time, seconds by the clock, the largest one's peak in KiB."""

    processor: float
    elapsed: float
    peak: float


class Case(NamedTuple):
    """`beside`: what is done with the program while it runs; without it the program ends by itself."""

    name: str
    command: list[str]
    environment: Mapping[str, str] = MappingProxyType({})
    beside: Callable[[subprocess.Popen[str]], None] | None = None
    linked: bool = False  # with an allocator of its own choice, so that glibc's has to be preloaded too

    def measured(self, allocator: Allocator, directory: Path) -> Used:
        """RuntimeError when the program fails."""
        library = allocator.library or (str(find("libc.so.6")) if self.linked else "")
        result = directory / "used"
        command = [str(directory / "usage"), str(result), library, *self.command]
        output = subprocess.PIPE if self.beside else subprocess.DEVNULL
        given: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": output,
            "stderr": subprocess.PIPE,
            "cwd": directory,
        }
        with subprocess.Popen(command, env={**os.environ, **self.environment}, text=True, **given) as process:
            try:
                if self.beside:
                    self.beside(process)
            except BaseException:
                process.kill()
                raise
            _, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{self.name} with {allocator.name} ended with {process.returncode}: {errors.strip()}")
        return Used(*map(float, result.read_text().split()))


def compiled(directory: Path) -> None:
    """The programs that measure and allocate. FileNotFoundError without a C compiler."""
    common = ["cc", "-O2", "-Wall", "-Wextra"]
    subprocess.run([*common, "-o", str(directory / "usage"), str(WORK / "usage.c")], check=True)
    traces = [*common, *UNTOUCHED, "-pthread", "-o", str(directory / "traces"), str(WORK / "traces.c")]
    subprocess.run(traces, check=True)


def traces(directory: Path) -> Iterator[Case]:
    """Programs that do little else than allocate."""
    for name in TRACES:
        yield Case(name, [str(directory / "traces"), name])
    if program := shutil.which("stress-ng"):
        operations = ["--malloc", "1", "--malloc-ops", "60000", "--no-rand-seed"]
        yield Case("stress-ng --malloc", [program, "--quiet", "--temp-path", str(directory), *operations])


def programs(directory: Path) -> Iterator[Case]:
    """Programs that people use; those that are not installed are left out."""
    yield Case("python", [sys.executable, str(WORK / "work.py")], {"PYTHONMALLOC": "malloc"})
    for name, make in PROGRAMS:
        program = shutil.which(name)
        if program is not None and (case := make(program, directory)) is not None:
            yield case


def _cc(program: str, directory: Path) -> Case:
    source = directory / "large.c"
    source.write_text(c_source(400))
    return Case("gcc -O1", [program, "-O1", "-c", str(source), "-o", "/dev/null"])


def _cxx(program: str, directory: Path) -> Case:
    source = directory / "templates.cc"
    source.write_text(
        "#include <map>\n#include <regex>\nstd::map<std::string, std::regex> all;\n"
        'int main() { return std::regex_replace("text", all["t"], "d").size(); }\n'
    )
    return Case("g++", [program, "-c", str(source), "-o", "/dev/null"])


def _perl(program: str, directory: Path) -> Case:
    return Case("perl", [program, str(WORK / "work.pl")])


def _sqlite3(program: str, directory: Path) -> Case:
    return Case("sqlite3", [program, "-batch", "-init", str(WORK / "work.sql"), ":memory:", ".quit"])


def _git_log(program: str, directory: Path) -> Case | None:
    clone = _clone(program, directory / "log")
    return Case("git log -p", [program, "-C", str(clone), "log", "-p", "--stat"]) if clone else None


def _git_repack(program: str, directory: Path) -> Case | None:
    clone = _clone(program, directory / "repack")
    command = [program, "-C", str(clone), "-c", "pack.threads=2", "repack", "-adfq"]
    return Case("git repack", command) if clone else None


def _clone(git: str, place: Path) -> Path | None:
    """Of this project; nowhere when this is no checkout of it."""
    command = [git, "clone", "--quiet", "--bare", "--no-hardlinks", str(PROJECT), str(place)]
    return place if subprocess.run(command, capture_output=True).returncode == 0 else None


def _bash(program: str, directory: Path) -> Case:
    return Case("bash", [program, "--norc", str(WORK / "work.sh")])


def _vim(program: str, directory: Path) -> Case | None:
    text = directory / "large.txt"
    lines = (f"line {n} of a large file, number {n * 7919 % 60000} and some words to edit\n" for n in range(40_000))
    text.write_text("".join(lines))
    command = [program, "-u", "NONE", "-i", "NONE", "-n", "-es", "-S", str(WORK / "work.vim"), str(text)]
    # Debian's vim-tiny has no scripts.
    scripts = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return Case("vim", command) if "+eval" in scripts else None


def _node(program: str, directory: Path) -> Case:
    return Case("node", [program, str(WORK / "work.js")])


def _tcl(program: str, directory: Path) -> Case:
    return Case("tclsh", [program, str(WORK / "work.tcl")])


def _redis(program: str, directory: Path) -> Case | None:
    benchmark, client = (shutil.which(name) for name in ("redis-benchmark", "redis-cli"))
    if benchmark is None or client is None:
        return None
    socket = str(directory / "redis.sock")
    tests = "-t set,lpush,hset,sadd,zadd,lrange_100,mset -n 40000 -r 40000 -P 16 -d 200 -q".split()

    def beside(server: subprocess.Popen[str]) -> None:
        assert server.stdout is not None
        for line in server.stdout:
            if "ready to accept connections" in line.lower():
                break
        subprocess.run([benchmark, "-s", socket, *tests], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([client, "-s", socket, "shutdown", "nosave"], check=True, stdout=subprocess.DEVNULL)

    command = [program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", str(directory)]
    return Case("redis", command, beside=beside, linked=True)


def c_source(functions: int) -> str:
    """C as people write it, a kilobyte for each function."""
    each = (WORK / "functions.c").read_text().partition("*/\n")[2]
    head = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    return head + "".join(each.replace("NUMBER", str(number)) for number in range(functions))


PROGRAMS: tuple[tuple[str, Callable[[str, Path], Case | None]], ...] = (
    ("gcc", _cc),
    ("g++", _cxx),
    ("perl", _perl),
    ("sqlite3", _sqlite3),
    ("git", _git_log),
    ("git", _git_repack),
    ("bash", _bash),
    ("vim", _vim),
    ("node", _node),
    ("redis-server", _redis),
    ("tclsh", _tcl),
)
