/* Waiting for the lock: a little by looking, then in the kernel. */
#define _GNU_SOURCE
#include "lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "glibc.h"

#define LOOKS 100

static const char unknown = 0;
const char *single_threaded_word = &unknown;

void lock_start(void)
{
    const char *word = dlsym ? dlsym(RTLD_DEFAULT, "__libc_single_threaded") : NULL;
    if (word)
        single_threaded_word = word;
}

COLD _Noreturn void stop_for(enum damage damage, const void *block)
{
    unlock_heap();
    report_damage(damage, block);
}

static inline void pause_processor(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

NOINLINE void wait_for_lock(void)
{
    for (int i = 0; i < LOOKS; i++) {
        if (__atomic_load_n(&root.lock, __ATOMIC_RELAXED) == 0 && try_lock())
            return;
        pause_processor();
    }
    int saved = errno;
    while (__atomic_exchange_n(&root.lock, 2, __ATOMIC_ACQUIRE) != 0)
        syscall(SYS_futex, &root.lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
    errno = saved;
}

NOINLINE void wake_waiter(void)
{
    syscall(SYS_futex, &root.lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); /* sets no errno: it can't fail */
}
