/* What a thread keeps for itself, so that most calls need no lock: per class of slots a magazine, and a quick cache of
 * blocks of a few exact sizes. The inspector sees all of it. */
#ifndef HELIOS_THREAD_CACHE_H
#define HELIOS_THREAD_CACHE_H
#include "slabs.h"

/* NULL: this thread has none yet, or has none any more, or the process wants none. */
extern __thread struct thread_cache *thread_cache INTERNAL __attribute__((tls_model("initial-exec")));

void thread_caches_start(void);
struct thread_cache *thread_cache_or_new(void);          /* NULL: none to be had */
void flush_magazine(struct magazine *magazine, unsigned keep); /* with the lock; the oldest go */
void flush_quick(struct thread_cache *cache);            /* with the lock */
void thread_caches_after_fork(void);                     /* with the lock: only this thread's is left */

/* The order of writes matters in what follows: a fork in another thread may come between any two of them, and the child
 * takes over what the count says is there. Something lost to the child is no harm; something there twice would be. */
static inline void set_count(struct magazine *magazine, uint32_t count)
{
    __atomic_store_n(&magazine->count, count, __ATOMIC_RELEASE);
}

static inline void *pop_slot(struct magazine *magazine)
{
    uint32_t count = magazine->count - 1;
    void *slot = magazine->slots[count];
    magazine->count = count;
    return slot;
}

static inline void push_slot(struct magazine *magazine, void *slot)
{
    uint32_t count = magazine->count;
    magazine->slots[count] = slot;
    set_count(magazine, count + 1);
}

void *pop_quick(struct thread_cache *cache, size_t bytes, size_t requested); /* NULL: none of this size */
bool push_quick(struct thread_cache *cache, void *data);                     /* false: not to be kept, or no room */
#endif
