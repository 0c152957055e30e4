"""What a program does wrong with its heap ends it with one line that says what, where, and who it was."""

from __future__ import annotations

import re
import signal

import pytest

from tests.engine.heap.allocator.conftest import Ended, Programs

SMALL, LARGE, HUGE = 200, 5_000, 8 << 20  # a slot, a block, a mapping of its own

A_CODE = r"0x[0-9a-f]+ \(/\S+\+0x[0-9a-f]+\)"
A_THREAD = r"by thread \d+"
WHO = rf"{A_THREAD} at {A_CODE}"
EVENT = r"\(event (\d+)\)"
NOT_RECORDED = r"is not recorded: HELIOS_HEAP=check remembers\)"


def aborted(ended: Ended, pattern: str) -> re.Match[str]:
    """The program ended by SIGABRT with one line of this form."""
    assert ended.status == -signal.SIGABRT, ended
    found = re.fullmatch(f"helios-heap: {pattern}", ended.line)
    assert found, ended.line
    return found


@pytest.mark.parametrize(("size", "state"), [(SMALL, "208 bytes, slot of 208"), (LARGE, r"5040 bytes, block of 5040")])
def test_a_double_free_is_named(programs: Programs, size: int, state: str) -> None:
    program = programs.main(f"char *p = malloc({size}); free(p); free(p);")
    aborted(
        programs.run(program),
        rf"double free of 0x[0-9a-f]+ \({state}, cached\): freed again {WHO} \(when it was first freed {NOT_RECORDED}",
    )


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_both_frees_are_named_when_events_are_recorded(programs: Programs, size: int) -> None:
    program = programs.main(f"char *p = malloc({size}); free(p); free(p);")
    found = aborted(
        programs.run(program, heap="events"),
        rf"double free of 0x[0-9a-f]+ \(.+, cached\): freed {WHO} {EVENT}, freed again {WHO} {EVENT}",
    )
    assert int(found[1]) < int(found[2])


def test_a_double_free_is_found_without_any_cache(programs: Programs) -> None:
    program = programs.main(f"char *p = malloc({LARGE}), *q = malloc({LARGE}); free(p); free(p);")
    aborted(
        programs.run(program, heap="cache=off"), r"double free of 0x[0-9a-f]+ \(5040 bytes, block of 5040, free\): .+"
    )


def test_a_double_free_is_found_when_the_block_has_joined_its_neighbours(programs: Programs) -> None:
    program = programs.main(
        f"char *p[3]; for (int i = 0; i < 3; i++) p[i] = malloc({LARGE});"
        "free(p[0]); free(p[2]); free(p[1]); free(p[1]);"
    )
    aborted(
        programs.run(program, heap="cache=off"), r"double free of 0x[0-9a-f]+ \(5056 bytes inside of 0x.+, free\): .+"
    )


def test_a_double_free_of_a_huge_block_is_an_invalid_one_unless_events_are_recorded(programs: Programs) -> None:
    program = programs.main(f"char *p = malloc({HUGE}); free(p); free(p);")
    gone = r"\(not in the heap, or given back to the system\)"
    aborted(programs.run(program), rf"invalid free of 0x[0-9a-f]+ {gone}: freed {WHO}")
    aborted(
        programs.run(program, heap="events"), rf"double free of 0x[0-9a-f]+ {gone}: freed {WHO} {EVENT}, freed again .+"
    )


def test_what_another_thread_freed_is_a_double_free_and_both_threads_are_named(programs: Programs) -> None:
    program = programs.main(
        f"char *p = malloc({SMALL}); pthread_t t; pthread_create(&t, 0, other, p); pthread_join(t, 0); free(p);",
        before="void *other(void *p) { free(p); return 0; }",
    )
    found = aborted(
        programs.run(program, heap="events"),
        r"double free of .+: freed by thread (\d+) at .+, freed again by thread (\d+) at .+",
    )
    assert found[1] != found[2]


@pytest.mark.parametrize("size", [SMALL, LARGE, HUGE])
def test_a_pointer_into_a_block_is_no_pointer_to_free(programs: Programs, size: int) -> None:
    program = programs.main(f"char *p = malloc({size}); free(p + 16);")
    aborted(
        programs.run(program),
        rf"interior free of 0x[0-9a-f]+ \(16 bytes inside of 0x[0-9a-f]+: .+, used\): freed {WHO} "
        rf"\(when it was first allocated {NOT_RECORDED}",
    )


@pytest.mark.parametrize("heap", ["", "check"])
def test_a_pointer_into_the_header_of_a_block_is_told_as_one(programs: Programs, heap: str) -> None:
    program = programs.main(f"char *p = malloc({LARGE}); free(p - 1);")
    aborted(programs.run(program, heap=heap), r"interior free of 0x[0-9a-f]+ \(1 byte before 0x[0-9a-f]+: .+")


def test_a_pointer_far_into_a_huge_block_is_known_as_one(programs: Programs) -> None:
    program = programs.main(f"char *p = malloc({HUGE}); free(p + (5 << 20));")
    aborted(
        programs.run(program),
        rf"interior free of 0x[0-9a-f]+ \({5 << 20} bytes inside of 0x.+ huge block of \d+, used\): .+",
    )


@pytest.mark.parametrize("expression", ["&onstack", "(void *)0x1234560", "(void *)-16", "stdout"])
def test_what_was_never_allocated_is_not_freed(programs: Programs, expression: str) -> None:
    program = programs.main(f"long onstack[4]; free({expression});")
    aborted(programs.run(program), rf"invalid free of 0x[0-9a-f]+ \(not in the heap.+\): freed {WHO}")


@pytest.mark.parametrize("before", [8, 16])
def test_an_overwritten_header_is_found_at_free(programs: Programs, before: int) -> None:
    program = programs.main(f"char *p = malloc({LARGE}); p[-{before}] ^= 1; free(p);")
    aborted(programs.run(program), r"overwritten header of 0x[0-9a-f]+ \(\d+ bytes, block of 5040, used\): .+")


def test_an_overflow_into_the_next_block_is_found_there(programs: Programs) -> None:
    program = programs.main(
        f"char *p = malloc({LARGE}), *q = malloc({LARGE}); memset(p < q ? p : q, 'A', {LARGE} + 100); free(p); free(q);"
    )
    aborted(programs.run(program), r"overwritten header of 0x[0-9a-f]+ .+")


def test_an_overwritten_boundary_tag_is_found_before_it_is_believed(programs: Programs) -> None:
    program = programs.main(
        f"char *p[3]; for (int i = 0; i < 3; i++) p[i] = malloc({LARGE});"
        "free(p[0]); memset(p[1] - 16 - 8, 'A', 8); free(p[1]);"
    )
    aborted(programs.run(program, heap="cache=off"), r"overwritten boundary tag of 0x.+")


def test_an_overwritten_free_list_is_found_before_it_is_followed(programs: Programs) -> None:
    program = programs.main(
        f"char *p[5]; for (int i = 0; i < 5; i++) p[i] = malloc({LARGE});"
        f"free(p[0]); free(p[2]); char **links = (char **)p[0]; links[0] = links[1] = p[4];"
        f"malloc({LARGE}); malloc({LARGE}); malloc({LARGE});"
    )
    aborted(programs.run(program, heap="cache=off"), r"overwritten (free list|header) of 0x.+")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("realloc(p, 9000);", "realloc after free"),
        ("malloc_usable_size(p);", "malloc_usable_size after free"),
        ("reallocarray(p, 90, 100);", "realloc after free"),
    ],
)
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_nothing_is_done_with_what_is_free(programs: Programs, size: int, statement: str, words: str) -> None:
    program = programs.main(f"char *p = malloc({size}); free(p); {statement}")
    aborted(programs.run(program), rf"{words} of 0x[0-9a-f]+ \(.+, cached\): .+")


def test_realloc_names_what_it_was_given(programs: Programs) -> None:
    program = programs.main(f"char *p = malloc({LARGE}); realloc(p + 64, 100);")
    aborted(programs.run(program), r"interior realloc of 0x[0-9a-f]+ \(64 bytes inside of 0x.+\): reallocated by .+")


def test_a_handler_of_sigabrt_may_allocate(programs: Programs) -> None:
    program = programs.main(
        f"signal(SIGABRT, handle); char *p = malloc({LARGE}); free(p); free(p);",
        before='void handle(int s) { free(malloc(100)); free(malloc(5000)); write(1, "handled", 7); }',
    )
    ended = programs.run(program, heap="cache=off")
    assert ended.output == "handled"
    aborted(ended, "double free .+")


def test_two_threads_that_misuse_at_once_say_one_line(programs: Programs) -> None:
    program = programs.main(
        "pthread_t t[8]; pthread_barrier_init(&all, 0, 8);"
        "for (int i = 0; i < 8; i++) pthread_create(&t[i], 0, wrong, 0);"
        "for (int i = 0; i < 8; i++) pthread_join(t[i], 0);",
        before="pthread_barrier_t all; void *wrong(void *n) { char *p = malloc(100); free(p);"
        "pthread_barrier_wait(&all); free(p); return 0; }",
    )
    for _ in range(5):
        aborted(programs.run(program), "double free .+")


class TestCheck:
    """HELIOS_HEAP=check finds more, and remembers who it was."""

    @pytest.mark.parametrize("size", [1, SMALL, LARGE, HUGE])
    def test_one_byte_beyond_is_an_overflow(self, programs: Programs, size: int) -> None:
        program = programs.main(f"char *p = malloc({size}); p[{size}] = 1; free(p);")
        aborted(
            programs.run(program, heap="check"),
            rf"overflow of 0x[0-9a-f]+ \({size} bytes?, .+, used, overwritten 1 byte past its end\): "
            rf"allocated {WHO} {EVENT}, freed {WHO} {EVENT}",
        )

    def test_one_byte_before_is_an_underflow(self, programs: Programs) -> None:
        program = programs.main("char *p = malloc(100); p[-1] = 1; free(p);")
        aborted(
            programs.run(program, heap="check"),
            r"underflow of 0x[0-9a-f]+ \(100 bytes, .+, overwritten 1 byte before its start\): .+",
        )

    def test_far_before_is_found_too(self, programs: Programs) -> None:
        program = programs.main("char *p = malloc(100); p[-40] ^= 1; free(p);")
        aborted(programs.run(program, heap="check"), r"overwritten record of 0x.+")

    @pytest.mark.parametrize("call", ["realloc(p, 10)", "malloc_usable_size(p)"])
    def test_other_calls_look_as_well(self, programs: Programs, call: str) -> None:
        program = programs.main(f"char *p = malloc(100); p[100] = 1; {call};")
        aborted(programs.run(program, heap="check"), r"overflow of 0x.+")

    @pytest.mark.parametrize("size", [SMALL, LARGE, HUGE])
    def test_writing_after_free_is_found_at_the_programs_end(self, programs: Programs, size: int) -> None:
        program = programs.main(f"char *p = malloc({size}); free(p); p[7] = 1;")
        aborted(
            programs.run(program, heap="check"),
            rf"write after free of 0x[0-9a-f]+ \({size} bytes, .+, in quarantine, "
            r"overwritten 7 bytes after its start\): "
            rf"freed {WHO} {EVENT}, seen at the program's end, by thread \d+",
        )

    def test_writing_after_free_is_found_when_the_block_leaves_the_quarantine(self, programs: Programs) -> None:
        program = programs.main(
            f"char *p = malloc({LARGE}); free(p); p[7] = 1;"
            "for (int i = 0; i < 100; i++) free(malloc(1 << 20)); _exit(0);"
        )
        aborted(
            programs.run(program, heap="check"), r"write after free of 0x.+ seen when it left the quarantine, by .+"
        )

    @pytest.mark.parametrize("size", [SMALL, LARGE])
    def test_a_double_free_names_both_frees(self, programs: Programs, size: int) -> None:
        program = programs.main(f"char *p = malloc({size}); free(p); malloc({size}); free(p);")
        found = aborted(
            programs.run(program, heap="check"),
            rf"double free of 0x[0-9a-f]+ \({size} bytes, .+, freed, in quarantine\): "
            rf"freed {WHO} {EVENT}, freed again {WHO} {EVENT}",
        )
        assert int(found[1]) < int(found[2])

    def test_a_pointer_into_a_block_names_who_allocated_it(self, programs: Programs) -> None:
        program = programs.main("char *p = malloc(100); free(p + 1);")
        aborted(
            programs.run(program, heap="check"),
            r"interior free of 0x[0-9a-f]+ \(1 byte inside of 0x.+: 100 bytes, .+\): "
            rf"allocated {WHO} {EVENT}, freed {WHO} .+",
        )

    def test_what_was_never_allocated_is_not_freed(self, programs: Programs) -> None:
        program = programs.main("long onstack[4]; free(&onstack);")
        aborted(programs.run(program, heap="check"), rf"invalid free of 0x.+: freed {WHO} {EVENT}")

    def test_a_free_long_ago_is_still_a_double_free(self, programs: Programs) -> None:
        program = programs.main(
            f"char *p = malloc({SMALL}); free(p); for (int i = 0; i < 100; i++) free(malloc(1 << 20)); free(p);"
        )
        aborted(programs.run(program, heap="check"), r"double free of 0x.+")

    def test_new_memory_is_poisoned_and_zeroed_memory_is_not(self, programs: Programs) -> None:
        program = programs.main(
            "unsigned char *p = malloc(100), *z = calloc(10, 10);"
            "for (int i = 0; i < 100; i++) { CHECK(p[i] == 0xAA); CHECK(z[i] == 0); } free(p); free(z);"
        )
        assert programs.run(program, heap="check").status == 0

    def test_freed_memory_is_poisoned(self, programs: Programs) -> None:
        program = programs.main("unsigned char *p = malloc(100); free(p); CHECK(p[0] == 0xDD && p[99] == 0xDD);")
        assert programs.run(program, heap="check").status == 0

    def test_the_callers_place_in_the_program_is_told(self, programs: Programs) -> None:
        program = programs.main("char *p = malloc(10); p[10] = 1; free(p);")
        ended = programs.run(program, heap="check")
        assert ended.errors.count(f"({program}+0x") == 2

    def test_the_usable_size_is_what_was_asked_for(self, programs: Programs) -> None:
        program = programs.main(
            "for (size_t n = 0; n < 3000; n += 7) { char *p = malloc(n); CHECK(malloc_usable_size(p) == n); free(p); }"
        )
        assert programs.run(program, heap="check").status == 0

    def test_alignments_are_kept(self, programs: Programs) -> None:
        program = programs.main(
            "for (size_t a = 8; a <= 1 << 23; a *= 2) { char *p = memalign(a, 100); CHECK((uintptr_t)p % a == 0);"
            "memset(p, 1, 100); p = realloc(p, 200); CHECK(p[99] == 1); free(p); }"
        )
        assert programs.run(program, heap="check").status == 0

    def test_sizes_that_cannot_be_are_refused_as_ever(self, programs: Programs) -> None:
        program = programs.main(
            "errno = 0; CHECK(!malloc(-1ul) && errno == ENOMEM);"
            "CHECK(!malloc(PTRDIFF_MAX)); CHECK(!memalign(1ul << 62, 100));"
        )
        assert programs.run(program, heap="check").status == 0


def test_what_is_aligned_far_takes_no_memory_for_that(programs: Programs) -> None:
    program = programs.main("""
        for (int i = 0; i < 20; i++) { char *p = memalign(256 << 20, 100); CHECK(p); memset(p, 1, 100); free(p); }
        long pages;
        FILE *file = fopen("/proc/self/statm", "r");
        CHECK(fscanf(file, "%*d %ld", &pages) == 1 && pages * getpagesize() < 100 << 20);
        char *p = memalign(256 << 20, 100);
        p[-1] = 1;
        free(p);
    """)
    aborted(programs.run(program, heap="check"), r"underflow of 0x[0-9a-f]+ \(100 bytes, .+")
