/* The root of the heap, and how a heap starts: at the first call of malloc, which may come before any constructor. */
#define _GNU_SOURCE
#include "root.h"

#include <errno.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "events.h"
#include "fork.h"
#include "lock.h"
#include "options.h"
#include "segments.h"
#include "slabs.h"
#include "thread_cache.h"

#define NONBLOCKING 1 /* GRND_NONBLOCK; early at boot there may be no randomness yet */
#define HUGE_FROM (1u << 20)

struct heap_root root __attribute__((aligned(4096))) = {
    .magic = ROOT_MAGIC,
    .version = LAYOUT_VERSION,
    .size = sizeof(struct heap_root),
    .self = &root,
    .bins = &bins,
    .events = event_ring,
    .observers = OBSERVE_START,
    .frees_until_look = 1,
};
extern struct heap_root helios_heap_root __attribute__((alias("root"))) EXPORT;
struct heap_bins bins;

static uint64_t new_secret(void)
{
    uint64_t secret = 0;
    int saved = errno;
    if (syscall(SYS_getrandom, &secret, sizeof secret, NONBLOCKING) != sizeof secret) {
        const uint64_t *given = (const uint64_t *)getauxval(AT_RANDOM); /* 16 bytes from the kernel */
        secret = (given ? given[1] : 0) ^ (uintptr_t)&secret;
    }
    errno = saved;
    return secret;
}

static void take_options(void)
{
    options_read();
    root.policy = options.policy;
    root.modes = (options.slabs ? 0 : MODE_NO_SLABS) | (options.cache ? 0 : MODE_NO_CACHE) |
                 (options.check ? MODE_CHECK : 0) | (options.trace_length ? MODE_TRACE : 0);
    root.secret = options.has_secret ? options.secret : new_secret();
    segments_start(options.base);
}

COLD void heap_start(void)
{
    static bool begun;
    if (begun)
        return;
    begun = true;
    root.page_size = getauxval(AT_PAGESZ);
    root.huge_threshold = HUGE_FROM;
    slabs_start();
    take_options();
    uint32_t observers = (options.events ? OBSERVE_EVENTS : 0) | (options.check ? OBSERVE_CHECK : 0) |
                         (options.trace_length ? OBSERVE_TRACE : 0);
    __atomic_store_n(&root.observers, observers, __ATOMIC_RELEASE);
    thread_caches_start(); /* from here on somebody may allocate */
    fork_start();
}

__attribute__((constructor)) static void start_with_the_library(void)
{
    heap_start();
    lock_start();
}
