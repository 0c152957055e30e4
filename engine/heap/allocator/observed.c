#include "observed.h"

#include "check.h"
#include "events.h"
#include "locate.h"
#include "trace.h"

static bool checking(void)
{
    return root.observers & OBSERVE_CHECK;
}

/* The first call of all comes here. */
static void be_started(void)
{
    if (unlikely(root.observers & OBSERVE_START))
        heap_start();
}

/* check.c writes its own events: it needs their numbers. */
static void note(enum heap_event_kind kind, const void *address, size_t size, const void *detail)
{
    if (!checking())
        event(kind, (uintptr_t)address, size, (uintptr_t)detail);
}

/* Before it is done: afterwards the address may be another thread's already. What is about to be reported is no event
 * yet: the report looks for the one before. */
static void note_free(uintptr_t address, const void *caller)
{
    struct place place = locate(address);
    if (place.start == address && place.state == PLACE_USED && !place.damaged)
        event(EVENT_FREE, address, place.room, (uintptr_t)caller);
}

static void *observed_allocation(size_t size, bool zero, const void *caller)
{
    be_started();
    bool tracing = trace_begin();
    void *address = checking() ? check_allocate(1, size, zero, caller) : zero ? core_calloc(size) : core_malloc(size);
    note(EVENT_ALLOC, address, size, caller);
    if (tracing) {
        if (address)
            trace_allocation(size, address);
        trace_end();
    }
    return address;
}

void *observed_malloc(size_t size, const void *caller)
{
    return observed_allocation(size, false, caller);
}

void *observed_calloc(size_t size, const void *caller)
{
    return observed_allocation(size, true, caller);
}

void *observed_memalign(size_t alignment, size_t size, const void *caller)
{
    be_started();
    bool tracing = trace_begin();
    void *address = checking() ? check_allocate(alignment, size, false, caller) : core_memalign(alignment, size);
    note(EVENT_ALLOC, address, size, caller);
    if (tracing) {
        if (address)
            trace_aligned(alignment, size, address);
        trace_end();
    }
    return address;
}

void observed_free(void *address, const void *caller)
{
    if (!address)
        return;
    be_started();
    bool tracing = trace_begin();
    if (tracing)
        trace_free(address);
    if (checking())
        check_free(address, caller);
    else {
        note_free((uintptr_t)address, caller);
        core_free(address, caller);
    }
    if (tracing)
        trace_end();
}

void *observed_realloc(void *old, size_t size, const void *caller)
{
    if (!old)
        return observed_malloc(size, caller);
    if (!size) {
        observed_free(old, caller);
        return NULL;
    }
    be_started();
    bool tracing = trace_begin();
    void *address = checking() ? check_reallocate(old, size, caller) : core_realloc(old, size, caller);
    note(EVENT_REALLOC, address, size, old);
    if (tracing) {
        if (address)
            trace_reallocation(old, size, address);
        trace_end();
    }
    return address;
}

size_t observed_usable_size(void *address, const void *caller)
{
    if (!address)
        return 0;
    be_started();
    return checking() ? check_usable_size(address, caller) : core_usable_size(address, caller);
}

void observed_before_fork(void)
{
    trace_before_fork();
    check_before_fork();
}

void observed_after_fork(bool child)
{
    check_after_fork(child);
    trace_after_fork(child);
}
