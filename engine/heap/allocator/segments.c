/* Memory from the kernel. Segments are asked for one above the other, far below the libraries, so that those of a
 * heap lie side by side; where the kernel has other plans they lie where it says. */
#define _GNU_SOURCE
#include "segments.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "events.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

#define BELOW_LIBRARIES (64ul << 30)

uint8_t segment_map[SEGMENT_MAP_UNITS];

void segments_start(uintptr_t base)
{
    root.top = root.next_base = base ? base : ((uintptr_t)&root & ~UNIT_MASK) - BELOW_LIBRARIES;
}

static void *map_at(uintptr_t wish, size_t length, int flags)
{
    int saved = errno;
    void *pages = mmap((void *)wish, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    errno = saved;
    if (pages == MAP_FAILED)
        return NULL;
    root.bytes_mapped += length;
    root.maps++;
    return pages;
}

void *map_pages(size_t length)
{
    return map_at(0, length, 0);
}

void unmap_pages(void *pages, size_t length)
{
    int saved = errno;
    munmap(pages, length);
    errno = saved;
    root.bytes_mapped -= length;
    root.unmaps++;
}

/* One unit more than needed, and what lies outside of the aligned part given back. */
static char *map_and_trim(size_t length)
{
    char *pages = map_at(0, length + SEGMENT_UNIT, 0);
    if (!pages)
        return NULL;
    char *aligned = (char *)round_up((uintptr_t)pages, SEGMENT_UNIT), *end = aligned + length;
    if (aligned > pages)
        unmap_pages(pages, aligned - pages);
    if (end < pages + length + SEGMENT_UNIT)
        unmap_pages(end, pages + length + SEGMENT_UNIT - end);
    return aligned;
}

/* Not before Linux 5.17, and not in all kernels since. */
static void name_pages(void *pages, size_t length)
{
    static bool unknown;
    int saved = errno;
    if (!unknown && prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, pages, length, "helios-heap"))
        unknown = errno == EINVAL;
    errno = saved;
}

/* There or nowhere. */
static char *map_exactly(uintptr_t base, size_t length)
{
    char *pages = map_at(base, length, MAP_FIXED_NOREPLACE);
    if (pages && (uintptr_t)pages != base) { /* before Linux 4.17 this was but a wish */
        unmap_pages(pages, length);
        return NULL;
    }
    return pages;
}

void *map_units(size_t length)
{
    char *pages = map_exactly(root.next_base, length);
    if (!pages && root.next_base != root.top)
        pages = map_exactly(root.top, length);
    if (!pages)
        pages = map_and_trim(length);
    if (!pages)
        return NULL;
    uintptr_t end = round_up((uintptr_t)pages + length, SEGMENT_UNIT);
    if ((uintptr_t)pages == root.top)
        root.top = end;
    root.next_base = end < root.top ? end : root.top;
    name_pages(pages, length);
    return pages;
}

void unmap_units(void *pages, size_t length)
{
    uintptr_t base = (uintptr_t)pages & ~UNIT_MASK;
    if (round_up((uintptr_t)pages + length, SEGMENT_UNIT) == root.top)
        root.top = base;
    if (base < root.next_base)
        root.next_base = base;
    unmap_pages(pages, length);
}

static struct segment_entry *new_entry(void)
{
    if (!root.segments && !(root.segments = map_at(0, SEGMENT_LIMIT * sizeof(struct segment_entry), MAP_NORESERVE)))
        return NULL;
    struct segment_entry *entry = root.free_entries;
    if (entry)
        root.free_entries = (struct segment_entry *)entry->base;
    else if (root.segment_count < SEGMENT_LIMIT)
        entry = &root.segments[root.segment_count++];
    return entry;
}

bool register_segment(struct segment *segment, enum segment_kind kind, size_t length)
{
    struct segment_entry *entry = new_entry();
    if (!entry)
        return false;
    segment->magic = SEGMENT_MAGIC;
    segment->kind = kind;
    segment->index = entry - root.segments;
    segment->length = length;
    entry->base = (uintptr_t)segment;
    entry->length_and_kind = length | kind;
    event(EVENT_MAP, (uintptr_t)segment, length, kind);
    return true;
}

void unregister_segment(struct segment *segment)
{
    struct segment_entry *entry = &root.segments[segment->index];
    event(EVENT_UNMAP, (uintptr_t)segment, segment->length, segment->kind);
    entry->length_and_kind = 0;
    entry->base = (uintptr_t)root.free_entries;
    root.free_entries = entry;
}

void note_segment_moved(struct segment *segment, size_t length)
{
    struct segment_entry *entry = &root.segments[segment->index];
    segment->length = length;
    entry->base = (uintptr_t)segment;
    entry->length_and_kind = length | segment->kind;
}

void note_on_map(uintptr_t base, size_t length, enum segment_kind kind)
{
    uintptr_t first = base >> SEGMENT_SHIFT, units = (length + UNIT_MASK) >> SEGMENT_SHIFT;
    for (uintptr_t unit = 0; unit < units; unit++) {
        uintptr_t back = unit > FARTHEST_BACK ? FARTHEST_BACK : unit;
        segment_map[first + unit] = kind == SEGMENT_NONE ? SEGMENT_NONE : kind | back << 2;
    }
}

struct segment *map_segment(enum segment_kind kind, size_t length)
{
    struct segment *segment = map_units(length);
    if (!segment)
        return NULL;
    if (!register_segment(segment, kind, length)) {
        unmap_units(segment, length);
        return NULL;
    }
    note_on_map((uintptr_t)segment, length, kind);
    return segment;
}

void unmap_segment(struct segment *segment)
{
    note_on_map((uintptr_t)segment, segment->length, SEGMENT_NONE);
    unregister_segment(segment);
    unmap_units(segment, segment->length);
}
