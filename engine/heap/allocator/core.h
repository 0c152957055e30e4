/* What malloc and free do nearly always, inline: a slot from the thread's magazine, and back into it. */
#ifndef HELIOS_CORE_H
#define HELIOS_CORE_H
#include "events.h"
#include "observed.h"
#include "report.h"
#include "segments.h"
#include "thread_cache.h"

/* The slow ways; they set errno when they fail. */
void *slot_slowly(size_t size);
void *large_block(size_t size, size_t alignment, bool zero);
void free_slot_slowly(void *address);
void free_other(void *address, const void *caller); /* also what is no one's: it reports that */

/* `told`: known when compiled; what nobody can be watching needs no event. */
static inline __attribute__((always_inline)) void *allocate(size_t size, bool told)
{
    if (unlikely(size > LARGEST_SLOT))
        return large_block(size, GRANULE, false);
    struct thread_cache *cache = thread_cache;
    if (unlikely(!cache))
        return slot_slowly(size);
    struct magazine *magazine = &cache->magazines[class_of(size)];
    if (unlikely(!magazine->count))
        return slot_slowly(size);
    void *slot = pop_slot(magazine);
    magazine->allocations++;
    magazine->requested += size;
    slab_of((uintptr_t)slot)->states[slot_at((uintptr_t)slot, magazine->reciprocal)] = SLOT_USED;
    if (told)
        event(EVENT_CACHE_HIT, (uintptr_t)slot, magazine->slot_size, 1);
    return slot;
}

static inline __attribute__((always_inline)) void release(void *data, const void *caller)
{
    uintptr_t address = (uintptr_t)data;
    if (unlikely(!is_in_slabs(address))) {
        free_other(data, caller);
        return;
    }
    struct slab *slab = slab_of(address);
    uint32_t slot = slot_at(address, slab->reciprocal);
    if (unlikely(slot * slab->slot_size != (address & SLAB_MASK) || slab->states[slot] != SLOT_USED)) {
        free_other(data, caller);
        return;
    }
    slab->states[slot] = SLOT_CACHED;
    struct thread_cache *cache = thread_cache;
    if (likely(cache)) {
        struct magazine *magazine = &cache->magazines[slab->slot_class];
        if (likely(magazine->count < magazine->capacity)) {
            push_slot(magazine, data);
            return;
        }
    }
    free_slot_slowly(data);
}
#endif
