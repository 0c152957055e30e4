/* A program that allocates what it is told to, and nothing else: a command per line on its standard input, an address or
 * 0 for each on its standard output. Without stdio, which would allocate, too. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static char line[256];

static void answer(uint64_t number)
{
    char text[20], *at = text + sizeof text;
    *--at = '\n';
    do
        *--at = "0123456789abcdef"[number % 16];
    while (number /= 16);
    write(1, at, text + sizeof text - at);
}

static int next_line(void)
{
    for (size_t at = 0; at < sizeof line - 1; at++) {
        if (read(0, line + at, 1) != 1)
            return 0;
        if (line[at] == '\n') {
            line[at] = 0;
            return 1;
        }
    }
    return 0;
}

static void *filled(void *address, size_t size)
{
    return address ? memset(address, 1, size) : address;
}

/* Allocates and frees as fast as it can, slots and blocks of all kinds. */
static void *rage(void *seed)
{
    void *kept[64] = {0};
    uint32_t random = (uintptr_t)seed * 2654435761u + 1;
    for (;;) {
        random = random * 1664525 + 1013904223;
        unsigned place = random >> 8 & 63;
        free(kept[place]);
        kept[place] = malloc(random & 1 ? random >> 16 & 1023 : 1024 + (random >> 12 & 131071));
    }
}

/* `count` allocations of up to `largest` bytes, of which each second is freed again. */
static void many(size_t count, size_t largest)
{
    char **kept = mmap(0, count * sizeof *kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint32_t random = 1;
    for (size_t i = 0; i < count; i++) {
        random = random * 1664525 + 1013904223;
        size_t size = 1 + (random >> 8) % largest;
        kept[i] = filled(malloc(size), size);
    }
    for (size_t i = 0; i < count; i += 2)
        free(kept[i]);
}

/* Pages that nobody will ever provide. */
static uint64_t never(void)
{
    int handler = syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    char *pages = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct uffdio_register range = {{(uintptr_t)pages, 1 << 20}, UFFDIO_REGISTER_MODE_MISSING, 0};
    if (handler < 0 || ioctl(handler, UFFDIO_API, &api) || ioctl(handler, UFFDIO_REGISTER, &range))
        return 0;
    return (uintptr_t)pages;
}

int main(void)
{
    while (next_line()) {
        char *rest = line + 1;
        uint64_t one = strtoull(rest, &rest, 16), two = strtoull(rest, &rest, 16);
        switch (line[0]) {
        case 'a': answer((uintptr_t)filled(malloc(one), one)); break;
        case 'm': answer((uintptr_t)filled(memalign(one, two), two)); break;
        case 'f': free((void *)one); answer(0); break;
        case 'r': answer((uintptr_t)realloc((void *)one, two)); break;
        case 'b': many(one, two); answer(0); break;
        case 't': malloc_trim(0); answer(0); break;
        case 'd': prctl(PR_SET_DUMPABLE, 0); answer(0); break;
        case 'u': answer(never()); break;
        case 's':
            for (uintptr_t i = 0; i < one; i++) {
                pthread_t thread;
                pthread_create(&thread, 0, rage, (void *)i);
            }
            answer(0);
            break;
        case 'x': execl("/proc/self/exe", "puppet again", (char *)0); break;
        case 'y': unsetenv("LD_PRELOAD"); execl("/proc/self/exe", "puppet alone", (char *)0); break;
        }
    }
    return 0;
}
