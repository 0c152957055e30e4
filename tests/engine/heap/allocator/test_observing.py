"""HELIOS_HEAP, the ring of events and the trace: what they say, and that none of it breaks a program."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.heap import layout
from engine.heap.layout import HeapEventKind, HeapPolicy, HeapRoot
from engine.heap.playground.trace import from_recording
from tests.engine.heap.allocator.conftest import Ended, Programs

# Prints the root and then the ring as hexadecimal digits, as they are when the body is done.
ROOT = f"""
#include <dlfcn.h>
#include <time.h>
void print(const void *from, size_t length) {{
    for (size_t i = 0; i < length; i++) printf("%02x", ((const unsigned char *)from)[i]);
    puts("");
}}
char *root(void) {{ return dlsym(RTLD_DEFAULT, "helios_heap_root"); }}
void print_root(void) {{
    char copy[{HeapRoot.SIZE}];
    memcpy(copy, root(), sizeof copy);
    static char ring[{layout.EVENTS * layout.HeapEvent.SIZE}];
    memcpy(ring, *(char **)(root() + {HeapRoot.events.offset}), sizeof ring);
    print(copy, sizeof copy);
    print(ring, sizeof ring);
}}
void watch_for(int seconds) {{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    *(uint64_t *)(root() + {HeapRoot.watch_until.offset}) = now.tv_sec + seconds;
}}
"""


class Event(NamedTuple):
    number: int
    kind: HeapEventKind
    thread: int
    time: int
    address: int
    size: int
    detail: int


class Root:
    def __init__(self, ended: Ended) -> None:
        assert ended.status == 0, ended.errors
        root, ring = ended.output.splitlines()[-2:]
        self.bytes, self.ring = bytes.fromhex(root), bytes.fromhex(ring)

    def __getitem__(self, field: layout.Field) -> int:
        return int.from_bytes(self.bytes[field.offset : field.offset + field.size], "little")

    @property
    def events(self) -> list[Event]:
        """Oldest first."""
        found = []
        for at in range(0, len(self.ring), layout.HeapEvent.SIZE):
            entry = {
                name: int.from_bytes(self.ring[at + field.offset : at + field.offset + field.size], "little")
                for name, field in layout.HeapEvent.fields().items()
            }
            if entry["number"]:
                kind = HeapEventKind(entry["kind_and_thread"] >> 24)
                thread = entry["kind_and_thread"] & 0xFFFFFF
                rest = (entry["time"], entry["address"], entry["size"], entry["detail"])
                found.append(Event(entry["number"], kind, thread, *rest))
        return sorted(found)


def root_after(programs: Programs, body: str, heap: str = "") -> Root:
    return Root(programs.run(programs.main(f"{body}; print_root();", "-ldl", before=ROOT), heap=heap))


@pytest.mark.parametrize("policy", list(HeapPolicy))
def test_the_policy_can_be_chosen(programs: Programs, policy: HeapPolicy) -> None:
    assert root_after(programs, "", f"policy={policy.name.lower()}")[HeapRoot.policy] == policy


def test_words_are_put_together_with_commas(programs: Programs) -> None:
    root = root_after(programs, "", "slabs=off,,cache=off,policy=next,")
    assert root[HeapRoot.modes] == layout.MODE_NO_SLABS | layout.MODE_NO_CACHE
    assert root[HeapRoot.policy] == HeapPolicy.NEXT


def test_addresses_are_the_same_in_every_run_with_a_base(programs: Programs) -> None:
    program = programs.main('printf("%p %p %p\\n", malloc(10), malloc(5000), malloc(8 << 20));')
    outputs = {programs.run(program, heap="base=0x600000000000,secret=0x1").output for _ in range(3)}
    assert len(outputs) == 1
    assert all(word.startswith("0x6000") for word in outputs.pop().split())


def test_the_secret_is_another_in_every_process_unless_it_is_given(programs: Programs) -> None:
    assert root_after(programs, "", "secret=0xBEEF")[HeapRoot.secret] == 0xBEEF
    assert root_after(programs, "")[HeapRoot.secret] != root_after(programs, "")[HeapRoot.secret]


@pytest.mark.parametrize(
    "word",
    ["polcy=best", "policy=fastest", "slabs=on", "base=4", "base=0x1000", "secret=0x", "secret=0xg", "trace=", "CHECK"],
)
def test_what_is_not_understood_is_said_in_one_line_and_the_program_runs_on(programs: Programs, word: str) -> None:
    ended = programs.run(programs.main('free(malloc(100)); puts("done");'), heap=f"slabs=off,{word}")
    assert (ended.status, ended.output) == (0, "done\n")
    assert ended.line.startswith(
        f'helios-heap: HELIOS_HEAP has "{word}"; known are policy=best|first|next|worst, slabs=off,'
    )
    assert root_after(programs, "", f"slabs=off,{word}")[HeapRoot.modes] == 0


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
words = st.sampled_from(["policy=first", "slabs=off", "check", "events", "base=0x", "secret=0x12", "=", ""])


@settings(max_examples=60)
@given(st.lists(words | texts, max_size=5))
def test_no_words_at_all_break_a_program(programs: Programs, parts: list[str]) -> None:
    ended = programs.run(programs.main('free(malloc(100)); puts("done");'), heap=",".join(parts))
    assert (ended.status, ended.output) == (0, "done\n")
    assert not any(letter < " " for letter in ended.errors.removesuffix("\n"))  # one line, fit for a terminal


def test_events_are_off_until_somebody_watches(programs: Programs) -> None:
    root = root_after(programs, "free(malloc(100)); free(malloc(5000));")
    assert root[HeapRoot.event_count] == 0
    assert root.events == []


def test_an_event_tells_what_the_program_asked(programs: Programs) -> None:
    root = root_after(programs, "char *p = malloc(5000); p = realloc(p, 100000); free(p);", "events")
    kinds = (HeapEventKind.ALLOC, HeapEventKind.REALLOC, HeapEventKind.FREE)
    asked = [event for event in root.events if event.kind in kinds]
    first = next(i for i, event in enumerate(asked) if event.size == 5000)
    alloc, realloc, free = asked[first : first + 3]
    assert (alloc.kind, realloc.kind, free.kind) == kinds
    assert (realloc.size, realloc.detail) == (100_000, alloc.address)
    assert free.address == realloc.address
    assert alloc.time <= realloc.time <= free.time
    assert alloc.number < realloc.number < free.number


def test_numbers_go_on_and_the_ring_keeps_the_newest(programs: Programs) -> None:
    root = root_after(programs, "for (int i = 0; i < 20000; i++) free(malloc(100));", "events")
    events = root.events
    assert len(events) == layout.EVENTS
    assert [event.number for event in events] == list(range(events[0].number, events[0].number + layout.EVENTS))
    assert root[HeapRoot.event_count] == events[-1].number


def test_watching_ends_by_itself(programs: Programs) -> None:
    root = root_after(programs, "watch_for(-2); free(malloc(100)); free(malloc(100));")
    assert root[HeapRoot.event_count] == 0
    assert root[HeapRoot.watch_until] == 0


def test_watching_begins_when_a_time_is_written_into_the_root(programs: Programs) -> None:
    root = root_after(programs, "watch_for(60); free(malloc(1234));")
    assert any(event.kind == HeapEventKind.ALLOC and event.size == 1234 for event in root.events)
    assert root[HeapRoot.watch_until] > 0


def test_events_of_several_threads_are_never_mixed(programs: Programs) -> None:
    program = programs.main(
        "pthread_t t[4]; for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, work, (void *)(i + 1));"
        "for (int i = 0; i < 4; i++) pthread_join(t[i], 0); print_root();",
        "-ldl",
        before=ROOT + "void *work(void *n) { for (int i = 0; i < 20000; i++) free(malloc((long)n * 1111)); return 0; }",
    )
    events = [event for event in Root(programs.run(program, heap="events")).events if event.kind == HeapEventKind.ALLOC]
    assert len(events) > 100
    sizes: dict[int, set[int]] = {}
    for event in events:
        sizes.setdefault(event.thread, set()).add(event.size)
    assert all(len(of_thread - {0}) == 1 for thread, of_thread in sizes.items() if of_thread & {1111, 2222, 3333, 4444})


def traced(programs: Programs, body: str, path: Path, before: str = "") -> list[str]:
    ended = programs.run(programs.main(body, before=before), heap=f"trace={path}")
    assert ended.status == 0, ended.errors
    assert ended.errors == ""
    return path.read_text().splitlines()


def test_a_trace_has_every_operation_in_order(programs: Programs, tmp_path: Path) -> None:
    lines = traced(
        programs,
        "char *p = malloc(1001), *q = calloc(10, 110), *m = memalign(256, 999);"
        "p = realloc(p, 70000); free(q); free(0); free(m); free(realloc(0, 77)); p = realloc(p, 0);",
        tmp_path / "t",
    )
    start = next(i for i, line in enumerate(lines) if line.startswith("a 1001 "))
    p, q, m = (line.split()[-1] for line in lines[start : start + 3])
    moved, other = lines[start + 3].split()[-1], lines[start + 6].split()[-1]
    assert lines[start : start + 9] == [
        f"a 1001 {p}", f"a 1100 {q}", f"m 256 999 {m}",
        f"r {p} 70000 {moved}", f"f {q}", f"f {m}", f"a 77 {other}", f"f {other}", f"f {moved}",
    ]  # fmt: skip
    assert lines[0].startswith("# helios-heap trace of process ")


def test_a_long_trace_goes_on_in_the_file(programs: Programs, tmp_path: Path) -> None:
    lines = traced(programs, "for (int i = 0; i < 100000; i++) free(malloc(i));", tmp_path / "t")
    sizes = [line.split()[1] for line in lines if line.startswith("a ")]
    assert sizes[-100_000:] == [str(size) for size in range(100_000)]
    assert len(list(from_recording(f"{line}\n" for line in lines))) == len(lines) - 1


def test_threads_never_write_an_address_as_given_before_it_is_written_as_freed(
    programs: Programs, tmp_path: Path
) -> None:
    work = "void *work(void *n) { for (int i = 0; i < 5000; i++) free(realloc(malloc(5000), 9000)); return 0; }"
    body = (
        "pthread_t t[4]; for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, work, 0);"
        "for (int i = 0; i < 4; i++) pthread_join(t[i], 0);"
    )
    there: set[str] = set()
    for line in traced(programs, body, tmp_path / "t", before=work)[1:]:
        words = line.split()
        if words[0] in "fr":
            there.discard(words[1])
        if words[0] in "amr":
            assert words[-1] not in there, line
            there.add(words[-1])


@pytest.mark.parametrize(
    "end", ["_exit(0)", "kill(getpid(), 9)", 'execl("/bin/sh", "sh", "-c", "", (char *)0)', "abort()"]
)
def test_a_trace_is_in_the_file_whatever_ends_the_program(programs: Programs, tmp_path: Path, end: str) -> None:
    path = tmp_path / "t"
    program = programs.main(f'malloc(4321); putenv("LD_PRELOAD="); {end};')
    programs.run(program, heap=f"trace={path}")
    assert [line for line in path.read_text().split("\n") if line.startswith("a 4321 ")]


def test_a_program_that_becomes_another_is_traced_as_the_other(programs: Programs, tmp_path: Path) -> None:
    other = programs.main("malloc(2222);")
    lines = traced(programs, f'malloc(1111); execl("{other}", "other", (char *)0);', tmp_path / "t")
    assert any(line.startswith("a 2222 ") for line in lines)
    assert not any(line.startswith("a 1111 ") for line in lines)


def test_children_are_not_in_the_trace(programs: Programs, tmp_path: Path) -> None:
    other = programs.main("malloc(2222);")
    body = (
        f'malloc(1111); if (fork() == 0) {{ malloc(3333); execl("{other}", "other", (char *)0); }} wait(0);'
        "if (fork() == 0) { malloc(3333); return 0; } wait(0); malloc(4444);"
    )
    lines = traced(programs, body, tmp_path / "t")
    sizes = [line.split()[1] for line in lines if line.startswith("a ")]
    assert {"1111", "4444"} <= set(sizes)
    assert not {"2222", "3333"} & set(sizes)


def test_a_program_meets_no_descriptor_of_the_trace(programs: Programs, tmp_path: Path) -> None:
    before = """
#include <dirent.h>
int open_files(void) {
    int n = 0; DIR *d = opendir("/proc/self/fd"); while (readdir(d)) n++; closedir(d); return n;
}"""
    program = programs.main('printf("%d", open_files());', before=before)
    plain, with_trace = programs.run(program), programs.run(program, heap=f"trace={tmp_path / 't'}")
    assert plain.output == with_trace.output


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (
            lambda path: path.write_text("precious"),
            "isn't made: there is a file of this name. Remove it, or name another.",
        ),
        (lambda path: path.mkdir(), "isn't made: the file can't be opened."),
    ],
)
def test_nothing_of_the_users_is_written_over(
    programs: Programs, tmp_path: Path, prepare: object, problem: str
) -> None:
    path = tmp_path / "t"
    assert callable(prepare)
    prepare(path)
    ended = programs.run(programs.main('free(malloc(10)); puts("done");'), heap=f"trace={path}")
    assert (ended.status, ended.output) == (0, "done\n")
    assert ended.line == f"helios-heap: the trace {path} {problem}"
    assert path.is_dir() or path.read_text() == "precious"


def test_a_file_that_cannot_grow_ends_the_trace_not_the_program(programs: Programs, tmp_path: Path) -> None:
    program = programs.main('for (int i = 0; i < 100000; i++) free(malloc(i)); puts("done");')
    command: Sequence[str] = ["sh", "-c", f"ulimit -f 1500; exec {program}"]
    variables = {**os.environ, "LD_PRELOAD": programs.library, "HELIOS_HEAP": f"trace={tmp_path / 't'}"}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done\n")
    assert "ends: a file can't be larger here" in ended.stderr
