/* malloc and its friends behind their usual names: which of slabs, arenas and huge blocks serves whom. */
#include "core.h"

#include <errno.h>
#include <string.h>

#include "arenas.h"
#include "huge.h"
#include "lock.h"
#include "purge.h"

#define SIZE_LIMIT (PTRDIFF_MAX - 8ul * SEGMENT_UNIT)
#define ALIGNMENT_LIMIT (1ul << 40)
#define WORTH_KEEPING 64 /* a slot this small is not exchanged for a smaller one */

static void *exhausted(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *uncached_slot(unsigned slot_class)
{
    void *slot[1];
    lock_heap();
    unsigned taken = take_slots(slot_class, NULL, slot + 1, 1);
    unlock_heap();
    return taken ? slot[0] : NULL;
}

/* Half a magazine at once; only called when it is empty. */
static void *refill_and_pop(struct thread_cache *cache, unsigned slot_class)
{
    struct magazine *magazine = &cache->magazines[slot_class];
    unsigned wanted = magazine->capacity / 2;
    lock_heap();
    unsigned taken = take_slots(slot_class, &cache->current[slot_class], magazine->slots + wanted, wanted);
    if (unlikely(taken < wanted))
        memmove(magazine->slots, magazine->slots + wanted - taken, taken * sizeof(void *));
    set_count(magazine, taken);
    root.refills++;
    if (taken)
        event(EVENT_REFILL, (uintptr_t)magazine->slots[taken - 1], magazine->slot_size, taken);
    unlock_heap();
    return taken ? pop_slot(magazine) : NULL;
}

NOINLINE void *slot_slowly(size_t size)
{
    if (unlikely(root.modes & MODE_NO_SLABS))
        return large_block(size, GRANULE, false);
    unsigned slot_class = class_of(size);
    struct thread_cache *cache = thread_cache_or_new();
    void *slot;
    if (unlikely(!cache))
        slot = uncached_slot(slot_class);
    else if (likely(!cache->magazines[slot_class].count))
        slot = refill_and_pop(cache, slot_class);
    else
        slot = pop_slot(&cache->magazines[slot_class]);
    if (unlikely(!slot))
        return exhausted();
    if (cache) {
        cache->magazines[slot_class].allocations++;
        cache->magazines[slot_class].requested += size;
    }
    struct slab *slab = slab_of((uintptr_t)slot);
    slab->states[slot_at((uintptr_t)slot, slab->reciprocal)] = SLOT_USED;
    return slot;
}

/* It may change at any time, and any of its values is as good. */
static size_t huge_threshold(void)
{
    return __atomic_load_n(&root.huge_threshold, __ATOMIC_RELAXED);
}

static void *huge_block(size_t size, size_t alignment)
{
    lock_heap();
    void *data = take_huge(size, alignment);
    unlock_heap();
    return data ? data : exhausted();
}

NOINLINE void *large_block(size_t size, size_t alignment, bool zero)
{
    if (unlikely(size > SIZE_LIMIT || alignment > ALIGNMENT_LIMIT))
        return exhausted();
    if (size + alignment > huge_threshold() + GRANULE)
        return huge_block(size, alignment);
    struct thread_cache *cache = thread_cache_or_new();
    void *data = cache && alignment <= GRANULE ? pop_quick(cache, bytes_for(size), size) : NULL;
    if (data)
        return zero ? memset(data, 0, size) : data;
    uintptr_t dirty_to;
    lock_heap();
    data = take_block(size, alignment, &dirty_to);
    unlock_heap();
    if (unlikely(!data))
        return exhausted();
    size_t dirty = dirty_to - (uintptr_t)data;
    return zero ? memset(data, 0, dirty < size ? dirty : size) : data;
}

NOINLINE void free_slot_slowly(void *address)
{
    struct slab *slab = slab_of((uintptr_t)address);
    struct thread_cache *cache = thread_cache_or_new();
    lock_heap();
    if (cache) {
        struct magazine *magazine = &cache->magazines[slab->slot_class];
        if (magazine->count >= magazine->capacity)
            flush_magazine(magazine, magazine->capacity / 2);
        push_slot(magazine, address);
    } else
        put_slots(&address, 1);
    count_free();
    unlock_heap();
}

static bool free_arena_block(void *address)
{
    if (thread_cache && push_quick(thread_cache, address))
        return true;
    lock_heap();
    struct block *block = used_block_at((uintptr_t)address);
    if (block) {
        free_block(block);
        count_free();
    }
    unlock_heap();
    return block;
}

static bool free_huge_block(void *address)
{
    lock_heap();
    struct segment *huge = huge_at((uintptr_t)address);
    if (huge) {
        free_huge(huge);
        count_free();
    }
    unlock_heap();
    return huge;
}

NOINLINE void free_other(void *address, const void *caller)
{
    if (!address)
        return;
    enum segment_kind kind = kind_at((uintptr_t)address);
    if (!(kind == SEGMENT_ARENA && free_arena_block(address)) && !(kind == SEGMENT_HUGE && free_huge_block(address)))
        report_bad_address(CALL_FREE, address, caller);
}

/* The usable bytes at `address`, which must have been given out. Needs no lock: what is the caller's stays so. */
static size_t room_at(void *address, enum call call, const void *caller)
{
    uintptr_t at = (uintptr_t)address;
    enum segment_kind kind = kind_at(at);
    if (kind == SEGMENT_SLABS) {
        struct slab *slab = slab_of(at);
        uint32_t slot = slot_at(at, slab->reciprocal);
        if (likely(slot * slab->slot_size == (at & SLAB_MASK) && slab->states[slot] == SLOT_USED))
            return slab->slot_size;
    } else if (kind == SEGMENT_ARENA) {
        struct block *block = used_block_at(at);
        if (likely(block))
            return block_size(block) - BLOCK_HEADER;
    } else if (kind == SEGMENT_HUGE) {
        struct segment *huge = huge_at(at);
        if (likely(huge))
            return huge_room(huge);
    }
    report_bad_address(call, address, caller);
}

/* NULL: not without copying. */
static void *resize_in_place(void *address, size_t room, size_t size)
{
    enum segment_kind kind = kind_at((uintptr_t)address);
    if (kind == SEGMENT_SLABS)
        return size <= room && (size >= room / 2 || room <= WORTH_KEEPING) ? address : NULL;
    void *resized = NULL;
    if (kind == SEGMENT_HUGE && size >= huge_threshold() / 2) {
        lock_heap();
        resized = resize_huge(huge_at((uintptr_t)address), size);
        unlock_heap();
    } else if (kind == SEGMENT_ARENA && size < 2 * huge_threshold() &&
               (size > LARGEST_SLOT || root.modes & MODE_NO_SLABS)) {
        lock_heap();
        resized = resize_block(block_of(address), size) ? address : NULL;
        unlock_heap();
    }
    return resized;
}

void *core_malloc(size_t size)
{
    return allocate(size, true);
}

void *core_calloc(size_t size)
{
    if (size > LARGEST_SLOT)
        return large_block(size, GRANULE, true);
    void *slot = allocate(size, true);
    return likely(slot) ? memset(slot, 0, size) : NULL;
}

/* Slots lie at multiples of their size from a multiple of 64 KiB. */
void *core_memalign(size_t alignment, size_t size)
{
    if (alignment <= BLOCK_HEADER)
        return allocate(size, true);
    if (size <= LARGEST_SLOT && alignment <= LARGEST_SLOT && !(root.modes & MODE_NO_SLABS))
        for (unsigned slot_class = class_of(size); slot_class < SLOT_CLASSES; slot_class++)
            if (root.class_sizes[slot_class] % alignment == 0)
                return allocate(root.class_sizes[slot_class], true);
    return large_block(size, alignment, false);
}

void *core_realloc(void *address, size_t size, const void *caller)
{
    if (!address)
        return allocate(size, true);
    if (!size) {
        release(address, caller);
        return NULL;
    }
    if (unlikely(size > SIZE_LIMIT))
        return exhausted();
    size_t room = room_at(address, CALL_REALLOC, caller);
    void *resized = resize_in_place(address, room, size);
    if (resized)
        return resized;
    void *copy = allocate(size, true);
    if (unlikely(!copy))
        return NULL;
    memcpy(copy, address, size < room ? size : room);
    release(address, caller);
    return copy;
}

void core_free(void *address, const void *caller)
{
    release(address, caller);
}

size_t core_usable_size(void *address, const void *caller)
{
    return address ? room_at(address, CALL_USABLE_SIZE, caller) : 0;
}
