/* The program of the image `echo`: a TCP service that sends back what it is sent, to many clients at a time.
 *
 *     echo [PORT]            serve, on IPv4 and IPv6, until TERM, INT, HUP or QUIT
 *     echo --check [PORT]    ask the service on this machine; 0 when what comes back is what was sent
 *
 * Built, as the tiny init is (see engine/sandbox/init.c), as a shared library that is linked with nothing and has an entry
 * point of its own: the kernel runs it as it is. So: raw system calls, no globals that need relocation, no library function.
 * A client has one buffer: it is read from when that is empty, and written to until it is again.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { EINTR_ = 4, EAGAIN_ = 11, MOST = 256, ROOM = 4096, DEFAULT_PORT = 12345, PATIENCE = 3 };
enum { SIGNALS = 0, LISTENER = 1, CLIENTS = 2 }; /* places in the table of poll(2) */

struct client {
    int start, end; /* of what is still to be sent back */
    char data[ROOM];
};
static struct client clients[MOST];
static struct pollfd polled[CLIENTS + MOST];

#if defined(__x86_64__)
static inline long call(long nr, long a, long b, long c, long d, long e)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}
__asm__(".globl echo_start\n.hidden echo_start\n"
        "echo_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call echo_main\n hlt\n");
#elif defined(__aarch64__)
static inline long call(long nr, long a, long b, long c, long d, long e)
{
    register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
                  x3 __asm__("x3") = d, x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}
__asm__(".globl echo_start\n.hidden echo_start\n"
        "echo_start: mov x29, xzr\n mov x0, sp\n bl echo_main\n brk 1\n");
#else
#error "the echo service knows x86_64 and aarch64"
#endif

/* Compilers make calls of these two for large values. */
__attribute__((used, visibility("hidden"))) void *memset(void *place, int value, size_t size)
{
    for (volatile char *byte = place; size--; byte++)
        *byte = (char)value;
    return place;
}

__attribute__((used, visibility("hidden"))) void *memcpy(void *place, const void *from, size_t size)
{
    const char *source = from;
    for (volatile char *byte = place; size--; byte++)
        *byte = *source++;
    return place;
}

static void end(int code)
{
    for (;;)
        call(SYS_exit_group, code, 0, 0, 0, 0);
}

static void say(int where, const char *text)
{
    size_t size = 0;
    while (text[size])
        size++;
    call(SYS_write, where, (long)text, (long)size, 0, 0);
}

static void fail(const char *why)
{
    say(2, "echo: ");
    say(2, why);
    say(2, "\n");
    end(1);
}

static int is(const char *text, const char *word)
{
    while (*text && *text == *word)
        text++, word++;
    return *text == *word;
}

static int port_of(const char *text)
{
    int port = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || port > 65535)
            fail("the port needs to be a number from 1 to 65535");
        port = port * 10 + (*text - '0');
    }
    if (port < 1 || port > 65535)
        fail("the port needs to be a number from 1 to 65535");
    return port;
}

/* --- serving --- */

/* A socket that listens on all addresses of both families, or of IPv4 where there is no IPv6. */
static int listening(int port)
{
    int yes = 1, no = 0;
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    for (int family = AF_INET6;; family = AF_INET) {
        long socket = call(SYS_socket, family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, 0, 0);
        long address = family == AF_INET6 ? (long)&six : (long)&four;
        long size = family == AF_INET6 ? sizeof six : sizeof four;
        if (socket >= 0) {
            call(SYS_setsockopt, socket, SOL_SOCKET, SO_REUSEADDR, (long)&yes, sizeof yes);
            if (family == AF_INET6)
                call(SYS_setsockopt, socket, IPPROTO_IPV6, IPV6_V6ONLY, (long)&no, sizeof no);
            if (!call(SYS_bind, socket, address, size, 0, 0) && !call(SYS_listen, socket, 128, 0, 0, 0))
                return (int)socket;
            call(SYS_close, socket, 0, 0, 0, 0);
        }
        if (family == AF_INET)
            return -1;
    }
}

static void welcome(void)
{
    for (int i = 0; i < MOST; i++)
        if (polled[CLIENTS + i].fd < 0) {
            long socket = call(SYS_accept4, polled[LISTENER].fd, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
            if (socket < 0)
                return;
            clients[i].start = clients[i].end = 0;
            polled[CLIENTS + i].fd = (int)socket;
            polled[CLIENTS + i].events = POLLIN;
        }
}

static void see_off(int i)
{
    call(SYS_close, polled[CLIENTS + i].fd, 0, 0, 0, 0);
    polled[CLIENTS + i].fd = -1;
}

/* Read when there is nothing to send back, and send back what there is. */
static void serve(int i)
{
    struct client *client = &clients[i];
    int socket = polled[CLIENTS + i].fd;
    if (client->start == client->end) {
        long size = call(SYS_read, socket, (long)client->data, ROOM, 0, 0);
        if (size == -EAGAIN_ || size == -EINTR_)
            return;
        if (size <= 0) {
            see_off(i);
            return;
        }
        client->start = 0;
        client->end = (int)size;
    }
    long sent = call(SYS_write, socket, (long)(client->data + client->start), client->end - client->start, 0, 0);
    if (sent < 0 && sent != -EAGAIN_ && sent != -EINTR_) {
        see_off(i);
        return;
    }
    if (sent > 0)
        client->start += (int)sent;
    polled[CLIENTS + i].events = client->start < client->end ? POLLOUT : POLLIN;
}

static int full(void)
{
    for (int i = 0; i < MOST; i++)
        if (polled[CLIENTS + i].fd < 0)
            return 0;
    return 1;
}

static void serve_all(int port)
{
    /* All signals wait: SIGPIPE for ever, so that a lost client is an error of write(2); who ends us by signalfd(2). */
    uint64_t all = ~0ull;
    uint64_t ending = 1ull << (SIGTERM - 1) | 1ull << (SIGINT - 1) | 1ull << (SIGHUP - 1) | 1ull << (SIGQUIT - 1);
    call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof all, 0);
    for (int i = 0; i < CLIENTS + MOST; i++)
        polled[i].fd = -1;
    polled[SIGNALS].fd = (int)call(SYS_signalfd4, -1, (long)&ending, sizeof ending, SFD_CLOEXEC, 0);
    polled[LISTENER].fd = listening(port);
    if (polled[LISTENER].fd < 0)
        fail("the port can't be listened on: somebody else may have it");
    polled[SIGNALS].events = POLLIN;
    say(1, "echo: listening\n");
    for (;;) {
        polled[LISTENER].events = full() ? 0 : POLLIN;
        if (call(SYS_ppoll, (long)polled, CLIENTS + MOST, 0, 0, 0) < 0)
            continue;
        if (polled[SIGNALS].revents)
            end(0);
        for (int i = 0; i < MOST; i++)
            if (polled[CLIENTS + i].fd >= 0 && polled[CLIENTS + i].revents)
                serve(i);
        if (polled[LISTENER].revents)
            welcome();
    }
}

/* --- checking --- */

static void check(int port)
{
    char sent[32], back[sizeof sent];
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    long patience[2] = {PATIENCE, 0}; /* struct timeval */
    long socket = call(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0, 0, 0);
    call(SYS_setsockopt, socket, SOL_SOCKET, SO_RCVTIMEO, (long)patience, sizeof patience);
    call(SYS_setsockopt, socket, SOL_SOCKET, SO_SNDTIMEO, (long)patience, sizeof patience);
    if (call(SYS_connect, socket, (long)&address, sizeof address, 0, 0) < 0)
        fail("nobody answers");
    if (call(SYS_getrandom, (long)sent, sizeof sent, 0, 0, 0) != sizeof sent)
        fail("there are no random bytes");
    if (call(SYS_write, socket, (long)sent, sizeof sent, 0, 0) != sizeof sent)
        fail("nobody listens");
    size_t got = 0;
    while (got < sizeof back) {
        long size = call(SYS_read, socket, (long)(back + got), (long)(sizeof back - got), 0, 0);
        if (size <= 0)
            fail("nothing comes back");
        got += (size_t)size;
    }
    for (size_t i = 0; i < sizeof sent; i++)
        if (sent[i] != back[i])
            fail("something else comes back");
    say(1, "what comes back is what was sent\n");
    end(0);
}

__attribute__((used, visibility("hidden"))) void echo_main(long *stack)
{
    int argc = (int)stack[0];
    char **argv = (char **)(stack + 1);
    int checks = argc > 1 && is(argv[1], "--check");
    int port = argc > 1 + checks ? port_of(argv[1 + checks]) : DEFAULT_PORT;
    if (checks)
        check(port);
    serve_all(port);
}
