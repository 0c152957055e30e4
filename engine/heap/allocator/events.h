/* The ring of recent events. Off unless somebody looks: a reader outside writes a time into root.watch_until (seconds of
 * CLOCK_MONOTONIC), and the first event after that time clears it again, so nobody's death leaves the ring on.
 *
 * A reader outside copies the ring twice and then reads root.event_count. Event n is whole in the second copy if it had
 * the number n in both, and event_count < n + EVENTS. */
#ifndef HELIOS_EVENTS_H
#define HELIOS_EVENTS_H
#include <stdbool.h>
#include <stdint.h>

#include "observed.h"

#define EVENT_KIND_SHIFT 24 /* thread ids are below 2**22 */
#define EVENT_THREAD_MASK 0xffffff

extern struct heap_event event_ring[EVENTS] INTERNAL; /* root.events */

uint32_t thread_id(void);

/* Writes an event and returns its number, from 1; 0 when the ring is off. Needs no lock. */
uint64_t event_record(enum heap_event_kind kind, uint64_t address, uint64_t size, uint64_t detail);

/* What happens inside of the allocator says it by this, with or without the lock. */
static inline void event(enum heap_event_kind kind, uint64_t address, uint64_t size, uint64_t detail)
{
    if (unlikely(observed()))
        event_record(kind, address, size, detail);
}

/* What the ring knows of the block that was last given out at this address: who gave it out, or, afterwards, who freed
 * it or had it moved. False: nothing. */
bool event_of_allocation(uint64_t address, struct heap_event *found);
bool event_of_release(uint64_t address, struct heap_event *found);

/* In the child: no place stays claimed by a thread that isn't there. Its numbers go on from the parent's. */
void events_after_fork(void);
#endif
