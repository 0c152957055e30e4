#define _GNU_SOURCE
#include "events.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "thread_cache.h"

struct heap_event event_ring[EVENTS];

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Its cache knows; the system call would take as long as the rest of an event. */
uint32_t thread_id(void)
{
    return thread_cache ? thread_cache->thread : (uint32_t)syscall(SYS_gettid);
}

/* Does anybody want to know? If it's only who wrote a time that is past, nobody does any more. */
static bool wanted(uint64_t *time)
{
    bool always = __atomic_load_n(&root.observers, __ATOMIC_RELAXED) & (OBSERVE_EVENTS | OBSERVE_CHECK);
    uint64_t until = __atomic_load_n(&root.watch_until, __ATOMIC_RELAXED);
    if (!always && !until)
        return false;
    *time = now();
    if (always || *time / 1000000000 <= until)
        return true;
    /* Only if it's still the same: a reader may just have asked for more. */
    __atomic_compare_exchange_n(&root.watch_until, &until, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return false;
}

/* Numbers are stored modulo 2**32, of which 0 stands for "is being written". */
static uint64_t next_number(void)
{
    uint64_t number;
    do
        number = __atomic_add_fetch(&root.event_count, 1, __ATOMIC_RELAXED);
    while ((uint32_t)number == 0);
    return number;
}

uint64_t event_record(enum heap_event_kind kind, uint64_t address, uint64_t size, uint64_t detail)
{
    uint64_t time;
    if (!wanted(&time))
        return 0;
    uint64_t number = next_number();
    struct heap_event *entry = &event_ring[(number - 1) % EVENTS];
    uint32_t before = __atomic_exchange_n(&entry->number, 0, __ATOMIC_ACQUIRE);
    /* Somebody who claimed this place a whole round ago still writes: lose one of the two events rather than mix them. */
    if (before == 0 && number > EVENTS)
        return number;
    entry->kind_and_thread = (uint32_t)kind << EVENT_KIND_SHIFT | thread_id();
    entry->time = time;
    entry->address = address;
    entry->size = size;
    entry->detail = detail;
    __atomic_store_n(&entry->number, (uint32_t)number, __ATOMIC_RELEASE);
    return number;
}

static enum heap_event_kind kind_of(const struct heap_event *event)
{
    return event->kind_and_thread >> EVENT_KIND_SHIFT;
}

static bool gives(const struct heap_event *event, uint64_t address)
{
    return (kind_of(event) == EVENT_ALLOC || kind_of(event) == EVENT_REALLOC) && event->address == address;
}

static bool takes(const struct heap_event *event, uint64_t address)
{
    return (kind_of(event) == EVENT_FREE && event->address == address) ||
           (kind_of(event) == EVENT_REALLOC && event->detail == address);
}

/* The newest event that gives or takes the address. */
static bool newest(uint64_t address, struct heap_event *found)
{
    uint64_t count = __atomic_load_n(&root.event_count, __ATOMIC_RELAXED);
    for (uint64_t number = count; number && number + EVENTS > count; number--) {
        *found = event_ring[(number - 1) % EVENTS];
        if (found->number == (uint32_t)number && (gives(found, address) || takes(found, address)))
            return true;
    }
    return false;
}

bool event_of_allocation(uint64_t address, struct heap_event *found)
{
    return newest(address, found) && gives(found, address);
}

bool event_of_release(uint64_t address, struct heap_event *found)
{
    return newest(address, found) && !gives(found, address);
}

void events_after_fork(void)
{
    if (!root.event_count)
        return;
    /* Who was writing at that moment doesn't exist here: leave the place as one of the first round. */
    for (uint32_t place = 0; place < EVENTS; place++)
        if (!event_ring[place].number)
            event_ring[place].number = place + 1;
}
