/* Memory from the kernel: segments, aligned to 4 MiB, and the map that tells for any address what lies there. */
#ifndef HELIOS_SEGMENTS_H
#define HELIOS_SEGMENTS_H
#include "root.h"

#if defined(__x86_64__)
#define ADDRESS_BITS 47 /* beyond only for those who ask mmap for it; we don't */
#else
#define ADDRESS_BITS 48
#endif
#define SEGMENT_MAP_UNITS (1ul << (ADDRESS_BITS - SEGMENT_SHIFT))
#define FARTHEST_BACK 63

/* A byte per unit of address space: kind | units back towards the segment's start << 2. All but a page or two of it
 * stays untouched. */
extern uint8_t segment_map[SEGMENT_MAP_UNITS] INTERNAL;

static inline enum segment_kind kind_at(uintptr_t address)
{
    uintptr_t unit = address >> SEGMENT_SHIFT;
    return unlikely(unit >= SEGMENT_MAP_UNITS) ? SEGMENT_NONE : segment_map[unit] & 3;
}

/* The same question for slabs alone, whose byte is their kind: they are one unit long. */
static inline bool is_in_slabs(uintptr_t address)
{
    uintptr_t unit = address >> SEGMENT_SHIFT;
    return likely(unit < SEGMENT_MAP_UNITS) && segment_map[unit] == SEGMENT_SLABS;
}

/* The segment that `address` lies in; it must lie in a slab segment or arena. */
static inline struct segment *segment_of(uintptr_t address)
{
    uintptr_t unit = address >> SEGMENT_SHIFT, back;
    while ((back = segment_map[unit] >> 2))
        unit -= back;
    return (struct segment *)(unit << SEGMENT_SHIFT);
}

void segments_start(uintptr_t base); /* where the first one is wished for; 0: anywhere */

/* All of them keep errno and return NULL or false when the kernel has no more. Lengths are multiples of the page. */
void *map_pages(size_t length);
void unmap_pages(void *pages, size_t length);
void *map_units(size_t length); /* aligned to SEGMENT_UNIT, named helios-heap */
void unmap_units(void *pages, size_t length);
bool register_segment(struct segment *segment, enum segment_kind kind, size_t length);
void unregister_segment(struct segment *segment);
struct segment *map_segment(enum segment_kind kind, size_t length); /* both in one, and noted on the map */
void unmap_segment(struct segment *segment);

void note_on_map(uintptr_t base, size_t length, enum segment_kind kind);
void note_segment_moved(struct segment *segment, size_t length);
#endif
