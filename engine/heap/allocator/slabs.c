/* Slabs: taking slots from bitmaps a word at a time, giving them back, and where slabs come from. */
#include "slabs.h"

#include <string.h>

#include "events.h"
#include "segments.h"

uint8_t slot_classes[LARGEST_SLOT / 16 + 1];
static uint8_t no_states[8]; /* of a slab that is nobody's: all slots free, so any free there is a mistake */

COLD void slabs_start(void)
{
    unsigned slot_class = 0;
    for (unsigned size = 16; size <= 128; size += 16)
        root.class_sizes[slot_class++] = size;
    for (unsigned doubling = 128; doubling < LARGEST_SLOT; doubling *= 2)
        for (unsigned step = 1; step <= 8; step++)
            root.class_sizes[slot_class++] = doubling + doubling / 8 * step;
    slot_class = 0;
    for (unsigned sixteenth = 0; sixteenth <= LARGEST_SLOT / 16; sixteenth++) {
        while (root.class_sizes[slot_class] < sixteenth * 16)
            slot_class++;
        slot_classes[sixteenth] = slot_class;
    }
}

static void add_partial(struct slab *slab)
{
    struct slab **first = &root.partial_slabs[slab->slot_class];
    slab->previous = NULL;
    slab->next = *first;
    if (*first)
        (*first)->previous = slab;
    *first = slab;
}

static void remove_partial(struct slab *slab)
{
    if (slab->previous)
        slab->previous->next = slab->next;
    else
        root.partial_slabs[slab->slot_class] = slab->next;
    if (slab->next)
        slab->next->previous = slab->previous;
    slab->next = slab->previous = NULL;
}

void list_slab_segment(struct segment *segment)
{
    segment->previous = NULL;
    segment->next = root.slab_segments;
    if (segment->next)
        segment->next->previous = segment;
    root.slab_segments = segment;
}

void unlist_slab_segment(struct segment *segment)
{
    if (segment->previous)
        segment->previous->next = segment->next;
    else
        root.slab_segments = segment->next;
    if (segment->next)
        segment->next->previous = segment->previous;
    segment->next = segment->previous = NULL;
}

static struct segment *new_slab_segment(void)
{
    struct segment *segment = map_segment(SEGMENT_SLABS, SEGMENT_UNIT);
    if (!segment)
        return NULL;
    for (uintptr_t i = 0; i < SLABS_PER_SEGMENT; i++)
        slab_of((uintptr_t)segment + (i << SLAB_SHIFT))->states = no_states;
    segment->free_slabs = ALL_SLABS;
    list_slab_segment(segment);
    return segment;
}

static void lay_out_slots(struct slab *slab, unsigned slot_class, struct segment *segment, unsigned number)
{
    uintptr_t base = (uintptr_t)segment;
    slab->slot_class = slot_class;
    slab->slot_size = root.class_sizes[slot_class];
    slab->reciprocal = reciprocal_of(slab->slot_size);
    slab->slots = slab->free_count = SLAB_BYTES / slab->slot_size;
    slab->free_slots = (uint64_t *)(base + FREE_SLOTS_OFFSET + number * FREE_SLOTS_STRIDE);
    slab->states = (uint8_t *)(slab->slot_size >= SMALL_STATES_BELOW
                                   ? base + STATES_OFFSET + number * STATES_STRIDE
                                   : base + SMALL_STATES_OFFSET + number * SMALL_STATES_STRIDE);
    memset(slab->states, SLOT_FREE, slab->slots);
    unsigned words = slab->slots / 64, rest = slab->slots % 64;
    memset(slab->free_slots, 0xff, words * sizeof(uint64_t));
    if (rest)
        slab->free_slots[words++] = (1ull << rest) - 1;
    slab->summary = words == 64 ? ~0ull : (1ull << words) - 1;
}

static struct slab *new_slab(unsigned slot_class)
{
    struct segment *segment = root.slab_segments;
    if (!segment && !(segment = new_slab_segment()))
        return NULL;
    uint64_t with_memory = segment->free_slabs & segment->dirty_slabs;
    unsigned number = __builtin_ctzll(with_memory ? with_memory : segment->free_slabs);
    segment->free_slabs &= ~(1ull << number);
    segment->dirty_slabs &= ~(1ull << number);
    if (!segment->free_slabs)
        unlist_slab_segment(segment);
    uintptr_t base = (uintptr_t)segment + ((uintptr_t)number << SLAB_SHIFT);
    struct slab *slab = slab_of(base);
    lay_out_slots(slab, slot_class, segment, number);
    root.live_slabs++;
    event(EVENT_SLAB_NEW, base, slab->slot_size, slab->slots);
    return slab;
}

/* All its slots are free: it goes back to its segment, and keeps its memory for a while. */
static void drop_slab(struct slab *slab)
{
    uintptr_t base = slab_base(slab);
    struct segment *segment = (struct segment *)(base & ~UNIT_MASK);
    uint64_t bit = 1ull << (base >> SLAB_SHIFT & (SLABS_PER_SEGMENT - 1));
    event(EVENT_SLAB_DROP, base, slab->slot_size, 0);
    remove_partial(slab);
    slab->slot_size = slab->slots = 0;
    slab->reciprocal = 0;
    slab->states = no_states;
    slab->stamp = root.period;
    if (!segment->free_slabs)
        list_slab_segment(segment);
    segment->free_slabs |= bit;
    segment->dirty_slabs |= bit;
    root.live_slabs--;
}

/* From one slab, at least one if it has any. */
static unsigned take_from(struct slab *slab, void **end, unsigned wanted)
{
    uintptr_t base = slab_base(slab), size = slab->slot_size;
    uint64_t summary = slab->summary;
    unsigned taken = 0;
    while (summary && taken < wanted) {
        unsigned word = __builtin_ctzll(summary), before = taken;
        uint64_t free = slab->free_slots[word];
        uint8_t *states = &slab->states[word * 64];
        do {
            unsigned slot = __builtin_ctzll(free);
            free &= free - 1;
            states[slot] = SLOT_CACHED;
            taken++;
            end[-(ptrdiff_t)taken] = (void *)(base + (word * 64 + slot) * size);
        } while (free && taken < wanted);
        slab->free_count -= taken - before;
        slab->free_slots[word] = free;
        if (!free)
            summary &= summary - 1;
    }
    slab->summary = summary;
    return taken;
}

void leave_slab(struct slab **current)
{
    struct slab *slab = *current;
    if (!slab)
        return;
    *current = NULL;
    slab->flags &= ~SLAB_CURRENT;
    if (slab->free_count)
        add_partial(slab);
}

static struct slab *next_current(unsigned slot_class, struct slab **current)
{
    leave_slab(current);
    struct slab *slab = root.partial_slabs[slot_class];
    if (slab)
        remove_partial(slab);
    else
        slab = new_slab(slot_class);
    if (slab)
        slab->flags |= SLAB_CURRENT;
    return *current = slab;
}

unsigned take_slots(unsigned slot_class, struct slab **current, void **end, unsigned wanted)
{
    struct slab *only_now = NULL, **slab = current ? current : &only_now;
    unsigned taken = 0;
    while (taken < wanted) {
        if ((!*slab || !(*slab)->free_count) && !next_current(slot_class, slab))
            break;
        taken += take_from(*slab, end - taken, wanted - taken);
    }
    leave_slab(&only_now);
    return taken;
}

static inline void put_slot(uintptr_t address, uint32_t reciprocal)
{
    struct slab *slab = slab_of(address);
    uint32_t slot = slot_at(address, reciprocal), word = slot / 64;
    slab->states[slot] = SLOT_FREE;
    slab->free_slots[word] |= 1ull << slot % 64;
    slab->summary |= 1ull << word;
    slab->free_count++;
    if (slab->flags & SLAB_CURRENT)
        return;
    if (unlikely(slab->free_count == 1))
        add_partial(slab);
    if (unlikely(slab->free_count == slab->slots) && (slab->next || slab->previous))
        drop_slab(slab);
}

void put_slots(void *const *slots, unsigned count)
{
    uint32_t reciprocal = count ? slab_of((uintptr_t)slots[0])->reciprocal : 0;
    for (unsigned i = 0; i < count; i++)
        put_slot((uintptr_t)slots[i], reciprocal);
}
