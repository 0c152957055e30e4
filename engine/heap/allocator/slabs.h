/* Slabs: 64 KiB cut into slots of one size, for up to 1024 bytes. Slots have no headers: a bitmap per slab has the free
 * ones, and a byte per slot its state, which tells a double free from a free, and the reader what is used. */
#ifndef HELIOS_SLABS_H
#define HELIOS_SLABS_H
#include "root.h"

#define SLAB_MASK (SLAB_BYTES - 1ul)
#define ALL_SLABS (~0ull << FIRST_SLAB)

extern uint8_t slot_classes[LARGEST_SLOT / 16 + 1] INTERNAL; /* by sixteenths of the size */

static inline unsigned class_of(size_t size)
{
    return slot_classes[(size + 15) >> 4];
}

static inline struct slab *slab_of(uintptr_t address)
{
    struct slab *slabs = (struct slab *)((address & ~UNIT_MASK) + SLABS_OFFSET);
    return &slabs[address >> SLAB_SHIFT & (SLABS_PER_SEGMENT - 1)];
}

static inline uintptr_t slab_base(const struct slab *slab)
{
    uintptr_t offset = (uintptr_t)slab & UNIT_MASK;
    return ((uintptr_t)slab & ~UNIT_MASK) + ((offset - SLABS_OFFSET) / sizeof(struct slab) << SLAB_SHIFT);
}

static inline uint32_t reciprocal_of(uint32_t slot_size)
{
    return (uint32_t)(((1ull << 32) + slot_size - 1) / slot_size); /* exact for all offsets in a slab */
}

/* The slot that `address` lies in. */
static inline uint32_t slot_at(uintptr_t address, uint32_t reciprocal)
{
    return (address & SLAB_MASK) * reciprocal >> 32;
}

void slabs_start(void);

/* With the lock. Fills `end[-1]`, `end[-2]` …, so that a stack of them is popped in order of address, from the
 * `current` slab, or, where that is NULL, from any. Returns how many there were: fewer when memory is exhausted. */
unsigned take_slots(unsigned slot_class, struct slab **current, void **end, unsigned wanted);
void put_slots(void *const *slots, unsigned count); /* of one class */
void leave_slab(struct slab **current); /* others may take slots from it again */

/* Segments that have free slabs, with the lock. */
void list_slab_segment(struct segment *segment);
void unlist_slab_segment(struct segment *segment);
#endif
