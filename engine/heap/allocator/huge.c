/* Huge blocks. The header is at the mapping's start and the data behind it, or, for alignments beyond a segment's
 * unit, at the aligned address one unit further. So for any data the header is at the unit that `data - 1` lies in. */
#define _GNU_SOURCE
#include "huge.h"

#include <errno.h>
#include <sys/mman.h>

#include "segments.h"

#define DATA_OFFSET sizeof(struct segment)
#define THRESHOLD_LIMIT (32ul << 20)
#define THRESHOLD_STEP 65536

static void *map_huge(size_t size, size_t alignment, size_t *length)
{
    size_t offset = alignment <= DATA_OFFSET ? DATA_OFFSET : alignment;
    if (alignment <= SEGMENT_UNIT / 2) {
        *length = round_up(offset + size, root.page_size);
        return map_units(*length);
    }
    size_t all = round_up(SEGMENT_UNIT + alignment + size, root.page_size);
    char *pages = map_units(all);
    if (!pages)
        return NULL;
    char *header = (char *)(round_up((uintptr_t)pages + SEGMENT_UNIT, alignment) - SEGMENT_UNIT);
    *length = round_up(SEGMENT_UNIT + size, root.page_size);
    if (header > pages)
        unmap_pages(pages, header - pages);
    if (header + *length < pages + all)
        unmap_pages(header + *length, pages + all - (header + *length));
    return header;
}

static void put_on_map(struct segment *huge, enum segment_kind kind)
{
    note_on_map((uintptr_t)huge, 1, kind);
    note_on_map(huge->data, 1, kind);
}

void *take_huge(size_t size, size_t alignment)
{
    size_t length;
    struct segment *huge = map_huge(size, alignment, &length);
    if (!huge)
        return NULL;
    if (!register_segment(huge, SEGMENT_HUGE, length)) {
        unmap_units(huge, length);
        return NULL;
    }
    size_t offset = alignment <= DATA_OFFSET ? DATA_OFFSET : alignment <= SEGMENT_UNIT / 2 ? alignment : SEGMENT_UNIT;
    huge->data = (uintptr_t)huge + offset;
    huge->requested = size;
    put_on_map(huge, SEGMENT_HUGE);
    root.huge_bytes += length;
    return (void *)huge->data;
}

struct segment *huge_at(uintptr_t address)
{
    struct segment *huge = (struct segment *)((address - 1) & ~UNIT_MASK);
    bool there = kind_at((uintptr_t)huge) == SEGMENT_HUGE && huge->magic == SEGMENT_MAGIC && huge->data == address;
    return there ? huge : NULL;
}

void free_huge(struct segment *huge)
{
    /* Whoever frees such blocks will ask for more of them: then they are cheaper in an arena (as glibc's threshold). */
    if (huge->requested > root.huge_threshold && huge->requested <= THRESHOLD_LIMIT)
        __atomic_store_n(&root.huge_threshold, huge->requested + THRESHOLD_STEP, __ATOMIC_RELAXED);
    root.huge_bytes -= huge->length;
    put_on_map(huge, SEGMENT_NONE);
    unregister_segment(huge);
    unmap_units(huge, huge->length);
}

/* The pages get another place, where there is room behind them. */
static struct segment *move(struct segment *huge, size_t length)
{
    size_t old = huge->length, offset = huge->data - (uintptr_t)huge;
    struct segment *moved = offset < SEGMENT_UNIT ? map_units(length) : NULL;
    if (!moved)
        return NULL;
    if (mremap(huge, old, length, MREMAP_MAYMOVE | MREMAP_FIXED, moved) == MAP_FAILED) {
        unmap_units(moved, length);
        return NULL;
    }
    root.bytes_mapped -= length; /* counted again by who called */
    note_on_map((uintptr_t)huge, 1, SEGMENT_NONE);
    note_on_map((uintptr_t)huge + offset, 1, SEGMENT_NONE);
    moved->data = (uintptr_t)moved + offset;
    put_on_map(moved, SEGMENT_HUGE);
    return moved;
}

void *resize_huge(struct segment *huge, size_t size)
{
    size_t old = huge->length, length = round_up(huge->data - (uintptr_t)huge + size, root.page_size);
    int saved = errno;
    if (length < old)
        munmap((char *)huge + length, old - length);
    else if (length > old) {
        if (mremap(huge, old, length, 0) == MAP_FAILED)
            huge = move(huge, length);
        else if (root.top > (uintptr_t)huge && root.top < (uintptr_t)huge + length)
            root.top = round_up((uintptr_t)huge + length, SEGMENT_UNIT);
    }
    errno = saved;
    if (!huge)
        return NULL;
    root.bytes_mapped += length - old;
    root.huge_bytes += length - old;
    note_segment_moved(huge, length);
    huge->requested = size;
    return (void *)huge->data;
}
