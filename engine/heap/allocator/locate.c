#include "locate.h"

#include "blocks.h"
#include "huge.h"
#include "layout_asserts.h"
#include "segments.h"
#include "slabs.h"

#define KIND_MASK 3ul /* lengths are multiples of a page */

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

/* Only the first units of huge blocks are on the segment map; for what is inside of one the table is searched. */
static const struct segment *huge_around(uintptr_t address)
{
    const struct segment *huge = huge_at(address);
    for (uint32_t i = 0; !huge && i < root.segment_count; i++) {
        struct segment_entry entry = root.segments[i];
        bool within = address >= entry.base && address - entry.base < (entry.length_and_kind & ~KIND_MASK);
        if (within && (entry.length_and_kind & KIND_MASK) == SEGMENT_HUGE)
            huge = (const struct segment *)entry.base;
    }
    return huge;
}

static struct place in_huge(uintptr_t address)
{
    const struct segment *huge = huge_around(address);
    if (!huge)
        return (struct place){.kind = PLACE_NOWHERE};
    return (struct place){
        .kind = address < huge->data ? PLACE_OWN : PLACE_HUGE,
        .state = PLACE_USED,
        .start = huge->data,
        .room = (uintptr_t)huge + huge->length - huge->data,
        .size = huge->requested,
    };
}

struct place locate(uintptr_t address)
{
    switch (kind_at(address)) {
    case SEGMENT_SLABS:
        return in_slab(address);
    case SEGMENT_ARENA:
        return in_arena(segment_of(address), address);
    default:
        return in_huge(address);
    }
}
