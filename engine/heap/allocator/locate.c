#include "locate.h"

#include "blocks.h"
#include "layout_asserts.h"
#include "segments.h"
#include "slabs.h"

static struct place in_slab(uintptr_t address)
{
    const struct slab *slab = slab_of(address);
    struct place place = {.kind = PLACE_OWN};
    if ((address >> SLAB_SHIFT & (SLABS_PER_SEGMENT - 1)) < FIRST_SLAB || !slab->slot_size)
        return place;
    uint32_t slot = slot_at(address, slab->reciprocal);
    if (slot >= slab->slots)
        return place;
    place.kind = PLACE_SLOT;
    place.state = slab->states[slot]; /* the same numbers */
    place.start = slab_base(slab) + (uintptr_t)slot * slab->slot_size;
    place.room = place.size = slab->slot_size;
    return place;
}

static struct place in_arena(const struct segment *arena, uintptr_t address)
{
    struct place place = {.kind = PLACE_OWN};
    if (address < arena->first || address >= arena->end)
        return place;
    /* Headers lie 16 bytes before a granule's end; the one that is asked for lies in this granule or before. */
    uintptr_t base = (uintptr_t)arena;
    uintptr_t granule = (address + BLOCK_HEADER - base) / GRANULE - 1, next = granule + 1;
    while (!get_bit(arena->starts, granule))
        granule--;
    while (!get_bit(arena->starts, next))
        next++;
    place.kind = PLACE_BLOCK;
    place.start = base + (granule + 1) * GRANULE;
    place.room = place.size = (next - granule) * GRANULE - BLOCK_HEADER;
    const struct block *block = (const struct block *)(place.start - BLOCK_HEADER);
    place.damaged = !header_is_sound(block);
    if (get_bit(arena->used, granule))
        place.state = block->word & BLOCK_CACHED && !place.damaged ? PLACE_CACHED : PLACE_USED;
    if (place.state == PLACE_USED && !place.damaged)
        place.size = block->requested;
    return place;
}

struct place locate(uintptr_t address)
{
    struct place place = {.kind = PLACE_NOWHERE};
    switch (kind_at(address)) {
    case SEGMENT_SLABS:
        return in_slab(address);
    case SEGMENT_ARENA:
        return in_arena(segment_of(address), address);
    case SEGMENT_HUGE: {
        const struct segment *huge = segment_of(address);
        place.kind = address < huge->data ? PLACE_OWN : PLACE_HUGE;
        place.state = PLACE_USED;
        place.start = huge->data;
        place.room = (uintptr_t)huge + huge->length - huge->data;
        place.size = huge->requested;
        return place;
    }
    default:
        return place;
    }
}
