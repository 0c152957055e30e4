/* The fast executor: walks a program (see program.py) in a child that shares our memory.
 *
 * clone3(CLONE_VM) makes a process without copying the keeper's heap; the child runs walk() on a stack of its own and
 * touches nothing but the program's block. It therefore makes raw system calls only: no libc function, no errno, no
 * thread-local storage. It ends in execve, or in exit with the failed step's number in the header.
 *
 *      block: [header][steps][data][relocs][values: inputs, results][times]      (offsets in the header)
 *
 * Built as a plain shared library, loaded through ctypes by fast.py.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

#define EXPORT __attribute__((visibility("default")))
#define CLONE_VM 0x100ull
#define CLONE_PIDFD 0x1000ull
#define CLONE_VFORK 0x4000ull
#define CLONE_PARENT 0x8000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP 0x200000000ull

#define STACK_ALIGNED(size) (((size) + 63) & ~63ull)

enum { IF_FAILED = 1, STORE = -1 };
static const int64_t SKIPPED = -(1ll << 61), UNDERWAY = -(1ll << 60);

struct header {
    uint32_t magic, count, relocations, inputs, relocs_at, data_at, values_at, times_at;
    uint64_t size;
    int32_t failed;
    uint32_t current;
};
struct step {
    int32_t nr;
    uint32_t flags;
    uint64_t allowed;
    uint32_t references;
    int32_t guard;
    uint64_t args[6];
};
_Static_assert(sizeof(struct header) == 48 && offsetof(struct header, failed) == 40, "program.py: HEADER");
_Static_assert(sizeof(struct step) == 72, "program.py: STEP");

struct clone_args { /* clone3(2), version 2 */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

#if defined(__x86_64__)
static inline long call6(long nr, const uint64_t *a)
{
    long result;
    register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* The child starts on the new stack with the registers it was cloned with, so what it needs stays in registers. */
static long clone_and_call(struct clone_args *args, void (*body)(void *), void *what)
{
    long result;
    register void *function __asm__("r12") = (void *)body;
    register void *argument __asm__("r13") = what;
    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\t"
                     "mov %%r13, %%rdi\n\t"
                     "call *%%r12\n\t"
                     "hlt\n"
                     "1:"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(function), "r"(argument)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
static inline long call6(long nr, const uint64_t *a)
{
    register uint64_t x8 __asm__("x8") = nr, x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2],
                      x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

static long clone_and_call(struct clone_args *args, void (*body)(void *), void *what)
{
    register uint64_t x8 __asm__("x8") = SYS_clone3, x0 __asm__("x0") = (uint64_t)args, x1 __asm__("x1") = sizeof *args;
    register void *function __asm__("x19") = (void *)body;
    register void *argument __asm__("x20") = what;
    __asm__ volatile("svc 0\n\t"
                     "cbnz x0, 1f\n\t"
                     "mov x29, xzr\n\t"
                     "mov x0, x20\n\t"
                     "blr x19\n\t"
                     "brk 1\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(function), "r"(argument)
                     : "memory", "x30");
    return x0;
}
#else
#error "the fast executor knows x86_64 and aarch64; elsewhere the portable one is used"
#endif

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); /* the vDSO, bound at load time (-z now): no resolver runs in the child */
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int allowed(const struct step *step, long result)
{
    long error = -result;
    return step->allowed == UINT64_MAX || (error < 64 && (step->allowed >> error & 1));
}

/* The step's result, or SKIPPED. */
static int64_t perform(const struct step *step, const int64_t *values)
{
    uint64_t args[6];
    if (step->guard >= 0 && (values[step->guard] < 0) != (step->flags & IF_FAILED))
        return SKIPPED;
    for (int i = 0; i < 6; i++) {
        args[i] = step->args[i];
        if (step->references >> i & 1) {
            if (values[args[i]] < 0)
                return SKIPPED;
            args[i] = (uint64_t)values[args[i]];
        }
    }
    if (step->nr == STORE) {
        *(int32_t *)(args[0] + args[2]) = (int32_t)args[1];
        return 0;
    }
    return call6(step->nr, args);
}

static void leave(int code)
{
    call6(SYS_exit_group, (uint64_t[6]){code});
    __builtin_trap(); /* the container's filter refuses even that; nothing is dumped: the keeper is not dumpable */
}

/* Walk from step `first` to before step `end`. Whether all of them went well. */
static int walk(struct header *h, uint32_t first, uint32_t end)
{
    char *base = (char *)h;
    const struct step *steps = (const struct step *)(h + 1);
    int64_t *values = (int64_t *)(base + h->values_at), *results = values + h->inputs;
    uint64_t *times = (uint64_t *)(base + h->times_at);

    for (uint32_t i = first; i < end; i++) {
        times[i] = now();
        h->current = i + 1;
        results[i] = UNDERWAY;
        results[i] = perform(&steps[i], values);
        if (results[i] < 0 && results[i] >= -4095 && !allowed(&steps[i], results[i])) {
            h->failed = (int32_t)i + 1;
            times[i + 1] = now();
            return 0;
        }
    }
    times[end] = now(); /* where the next walk begins, or the end */
    return 1;
}

struct birth {
    struct header *program;
    uint32_t before;
    struct clone_args args;
    long pid; /* of the sister, as the keeper sees it */
};

static void live(void *what)
{
    struct birth *birth = what;
    struct header *h = birth->program;
    if (walk(h, birth->before, h->count))
        h->failed = (int32_t)h->count + 1; /* no execve took us away */
    leave(125);
}

/* The go-between: some namespaces only children come to be in (setns(2): PID, time), others must be made from within a
 * user namespace, and there is no way back out of them for the keeper. So a child of its own goes in and makes the real
 * one, as its sister: CLONE_PARENT. */
static void go_between(void *what)
{
    struct birth *birth = what;
    birth->pid = -ECANCELED;
    if (walk(birth->program, 0, birth->before))
        birth->pid = clone_and_call(&birth->args, live, birth);
    leave(0);
}

static long launch_between(struct birth *birth, char *stack, uint64_t stack_size, int *pidfd)
{
    struct clone_args between = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)stack,
        .stack_size = stack_size,
    };
    long pid = clone_and_call(&between, go_between, birth); /* returns when it has left */
    if (pid < 0)
        return pid;
    call6(SYS_wait4, (uint64_t[6]){pid, 0, 0, 0});
    if (birth->pid < 0)
        return birth->pid;
    *pidfd = (int)call6(SYS_pidfd_open, (uint64_t[6]){birth->pid, 0});
    return birth->pid;
}

static void relocate(struct header *program)
{
    const uint32_t *relocs = (const uint32_t *)((char *)program + program->relocs_at);
    for (uint32_t i = 0; i < program->relocations; i++)
        *(uint64_t *)((char *)program + relocs[i]) += (uint64_t)program;
}

/* Start a child that walks the program, its first `before` steps done by a go-between. `flags` go to clone3(2) as they
 * are, with the ones this executor needs added; `cgroup` is a directory to be born into, or -1. Returns the pid and
 * sets *pidfd, or returns -errno: -ECANCELED when the go-between failed at a step. */
EXPORT long heliostui_launch(struct header *program, uint64_t flags, int cgroup, uint32_t before, char *stack,
                             uint64_t stack_size, int *pidfd)
{
    relocate(program);
    /* At the stack's low end, not on ours: the child reads it when we may have returned. */
    struct birth *birth = (struct birth *)stack;
    stack += STACK_ALIGNED(sizeof *birth), stack_size -= STACK_ALIGNED(sizeof *birth);
    uint64_t half = stack_size / 2;
    *birth = (struct birth){
        .program = program,
        .before = before,
        .args = {
            .flags = flags | CLONE_VM | CLONE_CLEAR_SIGHAND | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
            .stack = (uint64_t)stack,
            .stack_size = half,
            .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
        },
    };
    if (before) {
        birth->args.flags |= CLONE_PARENT; /* whose exit signal it inherits */
        return launch_between(birth, stack + half, half, pidfd);
    }
    birth->args.flags |= CLONE_PIDFD;
    birth->args.pidfd = (uint64_t)pidfd;
    birth->args.exit_signal = SIGCHLD;
    return clone_and_call(&birth->args, live, birth);
}
