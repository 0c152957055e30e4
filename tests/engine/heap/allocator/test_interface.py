"""malloc and its friends as POSIX and glibc have them, also where programs are unkind: threads, forks, signals, C++."""

from __future__ import annotations

import shutil

import pytest

from tests.engine.heap.allocator.conftest import HEAD, Programs

EVERY_WAY = ["", "slabs=off", "cache=off", "policy=next,slabs=off,cache=off", "check"]


@pytest.fixture(params=EVERY_WAY)
def heap(request: pytest.FixtureRequest) -> str:
    """A promise of this kind is kept with every option."""
    option: str = request.param
    return option


def kept(programs: Programs, body: str, heap: str = "", before: str = "", *flags: str) -> None:
    """All of the program's CHECKs hold, and it says nothing."""
    ended = programs.run(programs.main(body, *flags, before=before), heap=heap)
    assert (ended.status, ended.errors) == (0, "")


def test_no_bytes_are_an_address_of_their_own(programs: Programs, heap: str) -> None:
    kept(
        programs,
        "char *p = malloc(0), *q = malloc(0), *c = calloc(0, 9);"
        "CHECK(p && q && c && p != q && p != c); free(p); free(q); free(c);",
        heap,
    )


def test_every_size_is_whole_and_its_own(programs: Programs, heap: str) -> None:
    body = r"""
    static unsigned char *blocks[6000];
    for (int n = 0; n < 6000; n++) {
        size_t size = n < 4000 ? n : (size_t)n * n / 8;
        if (size > 2000000) size = n;
        blocks[n] = malloc(size);
        CHECK(blocks[n] && (uintptr_t)blocks[n] % 16 == 0);
        CHECK(malloc_usable_size(blocks[n]) >= size);
        memset(blocks[n], n, size);
    }
    for (int n = 0; n < 6000; n++) {
        size_t size = n < 4000 ? n : (size_t)n * n / 8;
        if (size > 2000000) size = n;
        for (size_t i = 0; i < size; i += i < 64 || i + 65 > size ? 1 : 61) CHECK(blocks[n][i] == (unsigned char)n);
        free(blocks[n]);
    }"""
    kept(programs, body, heap)


def test_all_of_the_usable_size_can_be_used(programs: Programs, heap: str) -> None:
    body = """
    char *p[500];
    for (int i = 0; i < 500; i++) { p[i] = malloc(i * 37); memset(p[i], i, malloc_usable_size(p[i])); }
    for (int i = 0; i < 500; i++) {
        size_t n = malloc_usable_size(p[i]);
        CHECK(!n || (p[i][0] == (char)i && p[i][n - 1] == (char)i));
        free(p[i]);
    }
    CHECK(malloc_usable_size(0) == 0);"""
    kept(programs, body, heap)


def test_impossible_sizes_are_refused_with_enomem(programs: Programs, heap: str) -> None:
    body = """
    void *p = malloc(10), *out = p;
    size_t odd[] = {SIZE_MAX, SIZE_MAX - 100, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX};
    for (int i = 0; i < 4; i++) {
        errno = 0; CHECK(!malloc(odd[i]) && errno == ENOMEM);
        errno = 0; CHECK(!calloc(odd[i], 1) && errno == ENOMEM);
        errno = 0; CHECK(!realloc(p, odd[i]) && errno == ENOMEM);
        errno = 0; CHECK(!memalign(64, odd[i]) && errno == ENOMEM);
        errno = 0; CHECK(!aligned_alloc(4096, odd[i]) && errno == ENOMEM);
        errno = 0; CHECK(!valloc(odd[i]) && errno == ENOMEM);
        errno = 0; CHECK(!pvalloc(odd[i]) && errno == ENOMEM);
        errno = 7; CHECK(posix_memalign(&out, 64, odd[i]) == ENOMEM && out == p && errno == 7);
    }
    errno = 0; CHECK(!calloc(SIZE_MAX / 2, 3) && errno == ENOMEM);
    errno = 0; CHECK(!calloc((size_t)1 << 32, (size_t)1 << 32) && errno == ENOMEM);
    errno = 0; CHECK(!reallocarray(p, (size_t)1 << 32, (size_t)1 << 32) && errno == ENOMEM);
    memset(p, 1, 10); free(p);"""
    kept(programs, body, heap)


def test_errno_is_kept_by_all_that_succeeds(programs: Programs, heap: str) -> None:
    body = """
    size_t sizes[] = {1, 1000, 5000, 300000, 9 << 20};
    for (int i = 0; i < 5; i++) {
        errno = 42;
        char *p = malloc(sizes[i]), *c = calloc(1, sizes[i]), *m = memalign(4096, sizes[i]);
        p = realloc(p, sizes[i] * 2);
        free(p); free(c); free(m); malloc_trim(0);
        CHECK(errno == 42);
    }"""
    kept(programs, body, heap)


def test_realloc_of_nothing_allocates_and_to_nothing_frees(programs: Programs, heap: str) -> None:
    kept(
        programs,
        "char *p = realloc(0, 100); CHECK(p); memset(p, 1, 100); CHECK(!realloc(p, 0)); CHECK(realloc(0, 0));",
        heap,
    )


def test_realloc_keeps_what_both_sizes_have(programs: Programs, heap: str) -> None:
    body = r"""
    size_t steps[] = {1, 16, 17, 100, 900, 1024, 1025, 3000, 2000, 70000, 60000, 1 << 20, 3 << 20, 9 << 20, 40 << 20,
                      8 << 20, 1 << 20, 5000, 1100, 1000, 64, 1};
    unsigned char *p = malloc(1);
    size_t had = 1;
    p[0] = 7;
    for (int i = 0; i < sizeof steps / sizeof *steps; i++) {
        unsigned char *other = malloc(steps[i] / 3); /* in the way */
        p = realloc(p, steps[i]);
        CHECK(p);
        size_t both = had < steps[i] ? had : steps[i];
        for (size_t b = 0; b < both; b += b < 5000 ? 1 : 997) CHECK(p[b] == (unsigned char)(b * 7 + 7));
        for (size_t b = 0; b < steps[i]; b++) p[b] = b * 7 + 7;
        had = steps[i];
        free(other);
    }
    free(p);"""
    kept(programs, body, heap)


def test_zeroed_memory_is_zero_where_there_was_something_before(programs: Programs, heap: str) -> None:
    body = r"""
    size_t sizes[] = {1, 24, 1000, 1500, 5000, 40000, 200000, 2 << 20, 5 << 20};
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 9; i++) {
            unsigned char *dirty[3], *zero;
            for (int k = 0; k < 3; k++) { dirty[k] = malloc(sizes[i]); memset(dirty[k], 0xEE, sizes[i]); }
            for (int k = 0; k < 3; k++) free(dirty[(k + round) % 3]);
            CHECK(zero = calloc(1, sizes[i]));
            for (size_t b = 0; b < sizes[i]; b++) CHECK(!zero[b]);
            memset(zero, 0xEE, sizes[i]);
            free(zero);
        }"""
    kept(programs, body, heap)


def test_alignments_are_kept_and_odd_ones_are_rounded_up_or_refused(programs: Programs, heap: str) -> None:
    body = r"""
    void *p;
    for (size_t a = 1; a <= 16 << 20; a *= 2)
        for (int i = 0; i < 6; i++) {
            size_t size = (size_t[]){0, 1, 100, 1000, 5000, 2 << 20}[i];
            CHECK((p = memalign(a, size)) && (uintptr_t)p % a == 0); memset(p, 1, size); free(p);
            CHECK((p = aligned_alloc(a, size)) && (uintptr_t)p % a == 0); memset(p, 1, size); free(p);
            if (a < sizeof(void *)) continue;
            CHECK(posix_memalign(&p, a, size) == 0 && (uintptr_t)p % a == 0); memset(p, 1, size); free(p);
        }
    for (size_t a = 3, up = 4; a < 5000; a += 7) {
        while (up < a) up *= 2;
        CHECK((p = memalign(a, 50)) && (uintptr_t)p % up == 0); free(p);
    }
    CHECK(p = memalign(0, 50)); free(p);
    errno = 0; CHECK(!memalign(SIZE_MAX, 1) && errno == EINVAL);
    errno = 0; CHECK(!aligned_alloc(24, 48) && errno == EINVAL);
    for (size_t odd = 0; odd < 60; odd += 4)
        CHECK((posix_memalign(&p, odd, 8) == EINVAL) == (odd < 8 || odd & odd - 1));
    size_t page = getpagesize();
    CHECK((p = valloc(1)) && (uintptr_t)p % page == 0); free(p);
    CHECK((p = pvalloc(1)) && (uintptr_t)p % page == 0); memset(p, 1, page); free(p);
    CHECK((p = pvalloc(page + 1)) && (uintptr_t)p % page == 0); memset(p, 1, 2 * page); free(p);"""
    kept(programs, body, heap)


def test_an_aligned_block_can_be_reallocated(programs: Programs, heap: str) -> None:
    kept(
        programs,
        "for (size_t a = 16; a <= 8 << 20; a *= 4) { char *p = memalign(a, 3000); memset(p, 'x', 3000);"
        "p = realloc(p, 900000); CHECK(p[0] == 'x' && p[2999] == 'x');"
        "p = realloc(p, 10); CHECK(p[9] == 'x'); free(p); }",
        heap,
    )


def test_mallinfo2_counts_what_is_used(programs: Programs) -> None:
    body = """
    malloc_trim(0);
    struct mallinfo2 before = mallinfo2();
    char *p[100], *huge = malloc(16 << 20);
    for (int i = 0; i < 100; i++) p[i] = malloc(100000);
    struct mallinfo2 during = mallinfo2();
    size_t more = during.uordblks - before.uordblks;
    CHECK(more >= 100 * 100000 && more < 101 * 100000 + 65536);
    CHECK(during.hblks == before.hblks + 1 && during.hblkhd - before.hblkhd >= 16 << 20);
    CHECK(during.arena >= during.uordblks + during.fordblks - 4096 * 64);
    for (int i = 0; i < 100; i++) free(p[i]);
    free(huge); malloc_trim(0);
    struct mallinfo2 after = mallinfo2();
    CHECK(after.uordblks <= before.uordblks + 65536 && after.hblks == before.hblks && after.hblkhd == before.hblkhd);
    struct mallinfo old = mallinfo();
    CHECK(old.uordblks == (int)after.uordblks);"""
    kept(programs, body)


def test_malloc_trim_gives_memory_back(programs: Programs) -> None:
    before = r"""
long resident(void) {
    FILE *f = fopen("/proc/self/statm", "r"); long all, resident;
    fscanf(f, "%ld %ld", &all, &resident); fclose(f); return resident * (getpagesize() / 1024);
}"""
    body = """
    static char *small[100000], *large[3000];
    long start = resident();
    for (int i = 0; i < 100000; i++) memset(small[i] = malloc(500), 1, 500);
    for (int i = 0; i < 3000; i++) memset(large[i] = malloc(20000), 1, 20000);
    long full = resident();
    for (int i = 0; i < 100000; i++) free(small[i]);
    for (int i = 0; i < 3000; i++) free(large[i]);
    CHECK(malloc_trim(0) == 1);
    CHECK(full - start > 100000 && resident() - start < (full - start) / 10);"""
    kept(programs, body, "", before)


def test_no_address_space_is_no_crash(programs: Programs, heap: str) -> None:
    body = """
    struct rlimit limit = {200 << 20, 200 << 20};
    setrlimit(RLIMIT_AS, &limit);
    static void *p[1000000]; int n = 0;
    while (n < 1000000 && (p[n] = malloc(n % 2 ? 700 : 30000))) n++;
    CHECK(n > 10 && n < 1000000 && errno == ENOMEM);
    errno = 0; CHECK(!malloc(64 << 20) && errno == ENOMEM);
    while (n) free(p[--n]);
    CHECK(p[0] = malloc(10 << 10)); free(p[0]);"""
    kept(programs, body, heap)


BUSY = r"""
#include <stdatomic.h>
static atomic_int stop;
void *busy(void *seed) {
    unsigned state = (uintptr_t)seed; char *p[64] = {0};
    while (!stop) {
        state = state * 1103515245 + 12345;
        unsigned i = state >> 8 & 63, size = (state >> 14 & 15) ? state >> 16 & 1023 : state >> 10 & 65535;
        if (p[i]) { CHECK(p[i][0] == (char)i); free(p[i]); }
        p[i] = malloc(size + 1); p[i][0] = i;
    }
    for (int i = 0; i < 64; i++) free(p[i]);
    return 0;
}
"""


@pytest.mark.parametrize("heap", ["", "cache=off", "slabs=off", "check", "events"])
def test_a_child_can_allocate_whatever_the_parents_threads_were_doing(programs: Programs, heap: str) -> None:
    body = r"""
    pthread_t t[3];
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&t[i], 0, busy, (void *)(i + 1));
    for (int round = 0; round < 100; round++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            for (int i = 0; i < 200; i++) free(malloc(i * 37));
            char *p = calloc(1, 100000); p = realloc(p, 300000); free(p);
            _exit(0);
        }
        int status; CHECK(waitpid(child, &status, 0) == child); CHECK(status == 0);
        free(malloc(round));
    }
    stop = 1;
    for (int i = 0; i < 3; i++) pthread_join(t[i], 0);"""
    kept(programs, body, heap, BUSY)


def test_streams_and_forks_of_several_threads_never_wait_for_each_other(programs: Programs) -> None:
    """glibc bug 19431: fflush(NULL), getline and fork in three threads."""
    before = r"""
#include <stdatomic.h>
static atomic_int stop;
void *flush(void *none) { while (!stop) fflush(NULL); return 0; }
void *lines(void *path) {
    while (!stop) {
        char *line = 0; size_t room = 0; FILE *f = fopen("/proc/self/maps", "r");
        while (getline(&line, &room, f) > 0) { free(line); line = 0; room = 0; }
        free(line); fclose(f);
    }
    return 0;
}
"""
    body = r"""
    pthread_t a, b; pthread_create(&a, 0, flush, 0); pthread_create(&b, 0, lines, 0);
    for (int i = 0; i < 200; i++) {
        pid_t child = fork(); int status;
        if (!child) { alarm(20); fclose(fopen("/dev/null", "w")); _exit(0); }
        waitpid(child, &status, 0); CHECK(status == 0);
    }
    stop = 1; pthread_join(a, 0); pthread_join(b, 0);"""
    kept(programs, body, "", before)


def test_threads_come_and_go_and_leave_nothing(programs: Programs, heap: str) -> None:
    before = r"""
static pthread_key_t key;
/* A destructor that runs after ours, or before. */
void late(void *p) { free(p); free(malloc(100)); free(malloc(9000)); }
void *work(void *n) {
    pthread_setspecific(key, malloc(333));
    for (int i = 0; i < 300; i++) free(malloc(i * 11));
    return malloc(2000);
}
"""
    body = r"""
    pthread_key_create(&key, late);
    size_t mapped = 0;
    for (int round = 0; round < 200; round++) {
        pthread_t t[4]; void *p;
        for (int i = 0; i < 4; i++) CHECK(pthread_create(&t[i], 0, work, 0) == 0);
        for (int i = 0; i < 4; i++) { pthread_join(t[i], &p); memset(p, 1, 2000); free(p); }
        if (round == 50) mapped = mallinfo2().arena;
    }
    CHECK(mallinfo2().arena <= mapped + (4 << 20));"""
    if heap == "check":  # what is in quarantine is mapped as well
        body = body.replace("4 << 20", "64 << 20")
    kept(programs, body, heap, before)


def test_what_one_thread_allocates_another_may_free(programs: Programs, heap: str) -> None:
    before = r"""
#include <sched.h>
#include <stdatomic.h>
#define MANY 20000
static void *_Atomic box[64];
void *give(void *n) {
    for (int i = 0; i < MANY; i++) {
        size_t size = i % 7 ? i % 900 + 8 : 5000 + i, *p = malloc(size);
        *p = size; memset(p + 1, 'g', size - 8);
        void *none = 0;
        while (!atomic_compare_exchange_weak(&box[i % 64], &none, p)) { none = 0; sched_yield(); }
    }
    return 0;
}
"""
    body = r"""
    pthread_t t; pthread_create(&t, 0, give, 0);
    for (int i = 0; i < MANY; i++) {
        size_t *p;
        while (!(p = atomic_exchange(&box[i % 64], 0))) sched_yield();
        char *last = (char *)p + *p - 1;
        CHECK(*p == 8 || *last == 'g');
        free(p);
    }
    pthread_join(t, 0);"""
    kept(programs, body, heap, before)


def test_a_signal_that_only_counts_disturbs_nothing(programs: Programs, heap: str) -> None:
    before = r"""
#include <sys/time.h>
static volatile int count; void tick(int s) { count++; }
"""
    body = r"""
    signal(SIGALRM, tick); struct itimerval often = {{0, 200}, {0, 200}}; setitimer(ITIMER_REAL, &often, 0);
    char *p[256] = {0};
    for (int i = 0; i < 300000 || count < 3; i++) {
        int k = i * 2654435761u >> 24;
        free(p[k]); CHECK(p[k] = malloc(i % 9 ? i % 800 : i % 40000));
    }"""
    kept(programs, body, heap, before)


def test_a_child_that_a_handler_forks_may_exec(programs: Programs) -> None:
    before = r"""
#include <sys/time.h>
static volatile int count;
void tick(int s) {
    pid_t child = vfork(); int status;
    if (!child) { execl("/bin/true", "true", (char *)0); _exit(1); }
    waitpid(child, &status, 0); count += status == 0;
}
"""
    body = r"""
    signal(SIGALRM, tick); struct itimerval often = {{0, 20000}, {0, 20000}}; setitimer(ITIMER_REAL, &often, 0);
    while (count < 10) { free(malloc(count * 1000)); free(malloc(50)); }"""
    kept(programs, body, "", before)


def test_libraries_may_allocate_before_main_and_after_it(programs: Programs, heap: str) -> None:
    other = programs.compiled(
        HEAD + "static char *early;"
        "__attribute__((constructor)) void begin(void) { early = malloc(3000); memset(early, 1, 3000); }"
        "__attribute__((destructor)) void end(void) { free(early); free(malloc(10)); }",
        "-shared",
        "-fPIC",
        suffix=".so.c",
    )
    program = programs.main("free(malloc(10));")
    for preload in (f"{programs.library}:{other}", f"{other}:{programs.library}"):
        ended = programs.run(program, heap=heap, environment={"LD_PRELOAD": preload})
        assert (ended.status, ended.errors) == (0, "")


def test_dlopen_and_dlclose_many_times(programs: Programs) -> None:
    other = programs.compiled(
        "#include <stdlib.h>\n__thread char mine[5000];"
        "__attribute__((constructor)) void begin(void) { free(malloc(9)); mine[0] = 1; }",
        "-shared",
        "-fPIC",
        suffix=".so.c",
    )
    kept(
        programs,
        f'for (int i = 0; i < 300; i++) {{ void *h = dlopen("{other}", RTLD_NOW); CHECK(h); dlclose(h); }}',
        "",
        "#include <dlfcn.h>",
        "-ldl",
    )


@pytest.mark.skipif(shutil.which("g++") is None, reason="without a C++ compiler there is no C++ program")
def test_cpp_operators_come_through_it(programs: Programs, heap: str) -> None:
    text = r"""
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>
#include <malloc.h>
struct alignas(256) Wide { char bytes[300]; };
#define CHECK(what) do { if (!(what)) { fprintf(stderr, "line %d: %s\n", __LINE__, #what); exit(3); } } while (0)
int main() {
    for (int round = 0; round < 100; round++) {
        Wide *one = new Wide, *many = new Wide[round + 1];
        CHECK((uintptr_t)one % 256 == 0 && (uintptr_t)many % 256 == 0);
        delete one; delete[] many;
        int *p = new int[round]; delete[] p;
        ::operator delete(::operator new(round), (size_t)round);
        ::operator delete(::operator new(64, std::align_val_t(4096)), (size_t)64, std::align_val_t(4096));
        volatile size_t most = PTRDIFF_MAX; CHECK(!new (std::nothrow) char[most]);
    }
    bool thrown = false;
    try { volatile size_t most = PTRDIFF_MAX; char *p = new char[most]; (void)p; }
    catch (const std::bad_alloc &) { thrown = true; }
    CHECK(thrown);
    std::map<std::string, std::vector<std::string>> words;
    std::vector<std::thread> threads;
    for (int i = 0; i < 2000; i++) words["key " + std::to_string(i)].assign(i % 30, std::string(i, 'x'));
    for (int i = 0; i < 4; i++) threads.emplace_back([] {
        std::vector<std::unique_ptr<std::string>> strings;
        for (int k = 0; k < 2000; k++) strings.push_back(std::make_unique<std::string>(k, 'y'));
    });
    for (auto &thread : threads) thread.join();
    for (int i = 0; i < 2000; i++) CHECK(words["key " + std::to_string(i)].size() == (size_t)(i % 30));
    CHECK(mallinfo2().uordblks > 10000);
}"""
    ended = programs.run(programs.compiled(text, "-std=c++17", suffix=".cc"), heap=heap)
    assert (ended.status, ended.errors) == (0, "")


@pytest.mark.parametrize("heap", ["", "slabs=off,cache=off", "check"])
@pytest.mark.parametrize(
    "command",
    [
        ["perl", "-e", 'my %h; $h{$_ % 5000} .= "x" x ($_ % 300) for 1..60000; print length join "", values %h'],
        ["bash", "-c", "for i in {1..200}; do a[i]=$(printf %0${i}d 1 | head -c 50); done; echo ${#a[@]}"],
        ["git", "--version"],
        ["python3", "-c", "import json; print(len(json.dumps([{str(i): [i] * 20} for i in range(20000)])))"],
        ["sh", "-c", "ls -R /usr/include | sort | tail -5 | md5sum"],
    ],
    ids=lambda command: command[0],
)
def test_programs_say_the_same_with_it_as_without(programs: Programs, command: list[str], heap: str) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    plain = programs.run(command[0], *command[1:], environment={"LD_PRELOAD": "", "LC_ALL": "C"})
    ours = programs.run(command[0], *command[1:], environment={"LC_ALL": "C"}, heap=heap)
    assert ours == plain
