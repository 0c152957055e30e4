/* The peer of start.py: a container runtime in C that makes the system calls of one plan, in the plan's order.
 *
 *      start_peer DIRECTORY CGROUP|- [PART…]
 *
 * plan.h, made from the plan by peers/straight_line.py, has the calls in a row with all arguments filled in; so this
 * program parses no configuration, searches no table and formats no path. It makes DIRECTORY with the overlay's three
 * directories, CGROUP, and PARTs, the cgroups of version 1 beside it; starts the container by the cheapest way there is,
 * a vfork into all namespaces; passes its output on; reaps it; removes CGROUP and PARTs.
 *
 * Standard output: CLOCK_MONOTONIC in ns when main began, a line break, then the container's output.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the generated set_up() is made of: the number of the step, the errno values that do no harm, the call. */
#define STEP(i, harmless, ...)                                                                                         \
    do {                                                                                                               \
        r[i] = syscall(__VA_ARGS__);                                                                                   \
        if (r[i] < 0 && !((harmless) >> errno & 1))                                                                    \
            give_up(i);                                                                                                \
    } while (0)

static void give_up(int step)
{
    dprintf(2, "start_peer: step %d: %s\n", step + 1, strerror(errno));
    _exit(125);
}

#include "plan.h"

#define MOST_PARTS 16
#define CLONE_VM 0x100ull
#define CLONE_PIDFD 0x1000ull
#define CLONE_VFORK 0x4000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_INTO_CGROUP 0x200000000ull

struct clone3_arguments { /* struct clone_args of linux/sched.h */
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static long must(long result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(125);
    }
    return result;
}

/* vfork(2) with clone3's flags: the child borrows our stack until it executes, so it must never return from here. */
static inline __attribute__((always_inline)) long clone3(struct clone3_arguments *arguments)
{
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_clone3), "D"(arguments), "S"(sizeof *arguments)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_clone3, x0 __asm__("x0") = (long)arguments, x1 __asm__("x1") = sizeof *arguments;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
    return x0;
#endif
}

static int receive_descriptor(int channel)
{
    char text[64], control[CMSG_SPACE(sizeof(int))];
    struct iovec vector = {text, sizeof text};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int descriptor;
    do {
        message.msg_controllen = sizeof control;
        must(recvmsg(channel, &message, MSG_CMSG_CLOEXEC), "recvmsg");
    } while (CMSG_FIRSTHDR(&message) == NULL);
    memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof descriptor);
    return descriptor;
}

static void pass_on(int from)
{
    char data[4096];
    ssize_t n;
    while ((n = read(from, data, sizeof data)) > 0)
        must(write(1, data, n), "write");
}

static void make_directories(const char *directory)
{
    must(mkdir(directory, 0700), directory);
    int at = must(open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC), directory);
    must(mkdirat(at, "merged", 0700), "merged");
    must(mkdirat(at, "upper", 0755), "upper");
    must(mkdirat(at, "work", 0700), "work");
    close(at);
}

static int make_part(const char *part)
{
    must(mkdir(part, 0755), part);
    int at = must(open(part, O_PATH | O_DIRECTORY | O_CLOEXEC), part);
    int tasks = must(openat(at, "tasks", O_WRONLY | O_CLOEXEC), "tasks");
    close(at);
    return tasks;
}

int main(int argc, char **argv)
{
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (argc < 3 || argc > 3 + MOST_PARTS)
        return 2;
    const char *cgroup = strcmp(argv[2], "-") ? argv[2] : NULL;
    make_directories(argv[1]);

    int channel[2], out[2], err[2], pidfd = -1;
    /* Channel, standard streams, cgroup, and what the parts are joined by: as engine.sandbox.program has them. */
    long input[5 + MOST_PARTS] = {-1, -1, -1, -1, -1};
    must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), "socketpair");
    input[0] = channel[1];
    if (!TERMINAL) {
        must(pipe2(out, O_CLOEXEC), "pipe2");
        must(pipe2(err, O_CLOEXEC), "pipe2");
        input[1] = must(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
        input[2] = out[1];
        input[3] = err[1];
    }
    if (cgroup) {
        must(mkdir(cgroup, 0755), cgroup);
        input[4] = must(open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC), cgroup);
    }
    for (int i = 3; i < argc; i++)
        input[2 + i] = make_part(argv[i]);
    struct clone3_arguments arguments = {
        .flags = CLONE_FLAGS | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (cgroup ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)&pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup ? (uint64_t)input[4] : 0,
    };
    long child = clone3(&arguments);
    if (child == 0) {
        set_up(input);
        _exit(125);
    }
    if (child < 0) {
        errno = (int)-child;
        must(-1, "clone3");
    }
    close(channel[1]);
    dprintf(1, "%lld\n", begin.tv_sec * 1000000000ll + begin.tv_nsec);
    if (TERMINAL) {
        pass_on(receive_descriptor(channel[0]));
    } else {
        close(out[1]);
        close(err[1]);
        pass_on(out[0]);
        pass_on(err[0]);
    }
    siginfo_t ended;
    must(waitid(P_PIDFD, pidfd, &ended, WEXITED), "waitid");
    for (int i = 3; i < argc; i++)
        must(rmdir(argv[i]), argv[i]);
    if (cgroup)
        must(rmdir(cgroup), cgroup);
    return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
}
