/* The one lock. Whoever holds it may change slabs, arenas, bins and segments; root.sequence is odd meanwhile, so
 * readers outside know that what they copied may be torn, and copy again. */
#ifndef HELIOS_LOCK_H
#define HELIOS_LOCK_H
#include "report.h"
#include "root.h"

/* glibc's word for it, from 2.32 on; before the library's constructor and with an older glibc a 0. */
extern const char *single_threaded_word INTERNAL;

void lock_start(void); /* in the library's constructor */
/* Lets go of the lock, which a handler of SIGABRT may need, and ends the program. */
_Noreturn void stop_for(enum damage damage, const void *block);

void wait_for_lock(void);
void wake_waiter(void);

static inline bool single_threaded(void)
{
    return *single_threaded_word;
}

static inline bool try_lock(void)
{
    uint32_t unlocked = 0;
    return __atomic_compare_exchange_n(&root.lock, &unlocked, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void lock_heap(void)
{
    if (single_threaded())
        root.lock = 1;
    else if (unlikely(!try_lock()))
        wait_for_lock();
    __atomic_store_n(&root.sequence, root.sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void unlock_heap(void)
{
    __atomic_store_n(&root.sequence, root.sequence + 1, __ATOMIC_RELEASE);
    if (single_threaded())
        root.lock = 0;
    else if (unlikely(__atomic_exchange_n(&root.lock, 0, __ATOMIC_RELEASE) == 2))
        wake_waiter();
}
#endif
