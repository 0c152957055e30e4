/* Giving memory back; purge.h has the policy. */
#define _GNU_SOURCE
#include "purge.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "arenas.h"
#include "bins.h"
#include "events.h"
#include "segments.h"
#include "slabs.h"

#define PERIOD_NS 25000000ull
#define LARGE_FREE (128ul << 10)
#define WORTH_A_CALL (64ul << 10)

static bool give_pages_back(uintptr_t from, uintptr_t to)
{
    if (to <= from || madvise((void *)from, to - from, MADV_DONTNEED))
        return false;
    root.purges++;
    event(EVENT_PURGE, from, to - from, 0);
    return true;
}

static void purge_slabs(struct segment *segment)
{
    for (uint64_t left = segment->free_slabs & segment->dirty_slabs; left; left &= left - 1) {
        unsigned number = __builtin_ctzll(left);
        uintptr_t base = (uintptr_t)segment + ((uintptr_t)number << SLAB_SHIFT);
        if ((uint32_t)root.period - slab_of(base)->stamp > 1 && give_pages_back(base, base + SLAB_BYTES))
            segment->dirty_slabs &= ~(1ull << number);
    }
}

static void purge_slab_segments(void)
{
    for (struct segment *segment = root.slab_segments, *next; segment; segment = next) {
        next = segment->next;
        purge_slabs(segment);
        bool only_one = !segment->next && !segment->previous;
        if (segment->free_slabs == ALL_SLABS && !segment->dirty_slabs && !only_one) {
            unlist_slab_segment(segment);
            unmap_segment(segment);
        }
    }
}

/* Gives the pages within the dirty part back and clears what is left of it, so that all of the block is zero. */
static void purge_block(struct free_block *block, size_t size)
{
    uintptr_t first = (uintptr_t)(block + 1), last = (uintptr_t)block + size - sizeof(uint64_t);
    uintptr_t from = block->dirty_from > first ? block->dirty_from : first;
    uintptr_t to = block->dirty_to < last ? block->dirty_to : last;
    uintptr_t pages_from = round_up(from, root.page_size), pages_to = to & ~(root.page_size - 1);
    if (!give_pages_back(pages_from, pages_to))
        return;
    memset((void *)from, 0, pages_from - from);
    memset((void *)pages_to, 0, to - pages_to);
    block->dirty_from = block->dirty_to = 0;
}

static void purge_if_idle(struct free_block *block)
{
    size_t size = block->word & BLOCK_SIZE_MASK;
    if (root.period - block->stamp < 2)
        return;
    struct segment *arena = segment_of((uintptr_t)block);
    if (is_whole_arena(arena, block, size) && root.arena_free_bytes - size > size / 2)
        unmap_arena(arena, block, size);
    else if (block->dirty_to > block->dirty_from + WORTH_A_CALL)
        purge_block(block, size);
}

/* Bins from the largest down. */
static void purge_arenas(void)
{
    for (unsigned word = BIN_WORDS; word-- > bin_of(LARGE_FREE) / 64;)
        for (uint64_t left = bins.bits[word]; left;) {
            unsigned bit = 63 - __builtin_clzll(left);
            left &= ~(1ull << bit);
            for (struct free_block *block = bins.lists[word * 64 + bit], *next; block; block = next) {
                next = block->next;
                purge_if_idle(block);
            }
        }
}

static void return_idle(void)
{
    int saved = errno;
    purge_slab_segments();
    purge_arenas();
    errno = saved;
}

NOINLINE void end_period_if_due(void)
{
    struct timespec now;
    root.frees_until_look = FREES_BETWEEN_LOOKS;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    uint64_t ns = now.tv_sec * 1000000000ull + now.tv_nsec;
    /* A playground, where time shall not matter, starts a period in the far future. */
    if (ns < root.period_start + PERIOD_NS)
        return;
    root.period_start = ns;
    root.period++;
    return_idle();
}

void return_all(void)
{
    root.period += 2; /* as if all had been idle for long */
    return_idle();
}
