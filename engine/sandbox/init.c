/* The tiny init of `run --init`: PID 1 that starts the command, passes signals on to it and reaps what is orphaned.
 *
 *     init -- COMMAND [ARG...]
 *
 * Built as a shared library so that the Python build makes it, but linked with nothing and with an entry point of its own:
 * the kernel runs it as it is (an ET_DYN without an interpreter), in any image, whatever C library that has or lacks. So:
 * raw system calls, no globals that need relocation, no library function.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

enum { ENOENT_ = 2, EINTR_ = 4, ENOTDIR_ = 20, WAIT_CONTINUED = 8, WAIT_UNTRACED = 2 };
enum { TIOCSPGRP_ = 0x5410, TIOCSCTTY_ = 0x540e, PATH_MAX_ = 4096 };

#if defined(__x86_64__)
static inline long call(long nr, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl init_start\n.hidden init_start\n"
        "init_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call init_main\n hlt\n");
#elif defined(__aarch64__)
static inline long call(long nr, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                  x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
__asm__(".globl init_start\n.hidden init_start\n"
        "init_start: mov x29, xzr\n mov x0, sp\n bl init_main\n brk 1\n");
#else
#error "the tiny init knows x86_64 and aarch64"
#endif

static void die(int code)
{
    for (;;)
        call(SYS_exit_group, code, 0, 0, 0);
}

static size_t length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

static const char *search_path(char **environment)
{
    for (; *environment; environment++) {
        const char *e = *environment;
        if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=')
            return e + 5;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* execvp(3): returns the errno that says most. */
static long execute(char **argv, char **environment)
{
    const char *name = argv[0];
    for (const char *c = name; *c; c++)
        if (*c == '/')
            return -call(SYS_execve, (long)name, (long)argv, (long)environment, 0);
    long worst = ENOENT_;
    char full[PATH_MAX_];
    size_t name_length = length(name);
    for (const char *dir = search_path(environment); *dir;) {
        size_t n = 0;
        while (dir[n] && dir[n] != ':')
            n++;
        if (n + 1 + name_length < sizeof full) {
            for (size_t i = 0; i < n; i++)
                full[i] = dir[i];
            full[n] = '/';
            for (size_t i = 0; i <= name_length; i++)
                full[n + 1 + i] = name[i];
            long error = -call(SYS_execve, (long)full, (long)argv, (long)environment, 0);
            if (error != ENOENT_ && error != ENOTDIR_)
                worst = error;
        }
        dir += n + (dir[n] == ':');
    }
    return worst;
}

static void complain(const char *name)
{
    static const char start[] = "init: can't execute ";
    call(SYS_write, 2, (long)start, sizeof start - 1, 0);
    call(SYS_write, 2, (long)name, (long)length(name), 0);
    call(SYS_write, 2, (long)"\n", 1, 0);
}

static void mask(int how, uint64_t set)
{
    call(SYS_rt_sigprocmask, how, (long)&set, 0, 8);
}

/* In the child: a process group of its own, in the foreground if there is a terminal. */
static void run(char **argv, char **environment)
{
    call(SYS_setpgid, 0, 0, 0, 0);
    int group = (int)call(SYS_getpid, 0, 0, 0, 0);
    call(SYS_ioctl, 0, TIOCSPGRP_, (long)&group, 0); /* SIGTTOU is blocked; no terminal: no harm */
    mask(SIG_SETMASK, 0);
    long error = execute(argv, environment);
    complain(argv[0]);
    die(error == ENOENT_ || error == ENOTDIR_ ? 127 : 126);
}

/* Reap all that has ended; the command's end is ours. */
static void reap(int child)
{
    int status;
    for (;;) {
        long pid = call(SYS_wait4, -1, (long)&status, 1 /* WNOHANG */, 0);
        if (pid <= 0)
            return;
        if (pid == child)
            die(status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
    }
}

__attribute__((used, visibility("hidden"))) void init_main(long *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1), **environment = argv + argc + 1;
    if (argc < 3)
        die(125);
    mask(SIG_SETMASK, ~0ull);
    int child = (int)call(SYS_clone, SIGCHLD, 0, 0, 0);
    if (child < 0)
        die(125);
    if (child == 0)
        run(argv + 2, environment);
    for (;;) {
        uint64_t every = ~0ull;
        long signal = call(SYS_rt_sigtimedwait, (long)&every, 0, 0, 8);
        if (signal == SIGCHLD)
            reap(child);
        else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU)
            call(SYS_kill, child, signal, 0, 0);
    }
}
