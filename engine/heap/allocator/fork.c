/* fork() holds the heap's lock, so the child finds nothing half done.
 *
 * glibc takes the lock of the list of streams after the handlers of pthread_atfork have run, which is too late for us:
 * a thread in fflush(NULL) holds it and may wait for the heap, while fork holds the heap and waits for it (glibc bug
 * 19431). So we take it before our own. In the child glibc resets it if there were threads; else that is left to us. */
#include "fork.h"

#include <stddef.h>

#include "events.h"
#include "glibc.h"
#include "lock.h"
#include "observed.h"
#include "thread_cache.h"

static void before(void)
{
    if (_IO_list_lock)
        _IO_list_lock();
    observed_before_fork();
    lock_heap();
}

static void after_in_parent(void)
{
    unlock_heap();
    observed_after_fork(false);
    if (_IO_list_unlock)
        _IO_list_unlock();
}

static void after_in_child(void)
{
    root.forks++;
    events_after_fork();
    thread_caches_after_fork();
    __atomic_store_n(&root.sequence, root.sequence + 1, __ATOMIC_RELEASE);
    root.lock = 0; /* whoever waited for it was left behind */
    observed_after_fork(true);
    if (_IO_list_resetlock)
        _IO_list_resetlock();
}

void fork_start(void)
{
    __register_atfork(before, after_in_parent, after_in_child, NULL);
}
