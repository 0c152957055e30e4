/* Bins: the free blocks of all arenas in doubly linked lists by size, and bitmaps of the lists that aren't empty. */
#ifndef HELIOS_BINS_H
#define HELIOS_BINS_H
#include "blocks.h"
#include "lock.h"

static inline unsigned bin_of(size_t size)
{
    if (likely(size < EXACT_BINS_BELOW))
        return size / GRANULE;
    unsigned power = 63 - __builtin_clzll(size);
    unsigned doubling = power - EXACT_BINS_SHIFT, part = (size >> (power - 8)) % BINS_PER_DOUBLING;
    unsigned bin = EXACT_BINS + doubling * BINS_PER_DOUBLING + part;
    return bin < BINS ? bin : BINS - 1;
}

/* All with the lock. */

static inline size_t free_size(const struct free_block *block)
{
    return block->word & BLOCK_SIZE_MASK;
}

static inline void add_to_bin(struct free_block *block, size_t size)
{
    unsigned bin = bin_of(size);
    struct free_block **first = &bins.lists[bin], *next = *first, *previous = NULL;
    if (bin >= EXACT_BINS)
        for (; next && free_size(next) < size; next = next->next) {
            previous = next;
            root.search_steps++;
        }
    block->previous = previous;
    block->next = next;
    if (next)
        next->previous = block;
    if (previous)
        previous->next = block;
    else
        *first = block;
    set_bit(bins.bits, bin);
    set_bit(bins.summary, bin / 64);
}

static inline void remove_from_bin(struct free_block *block, size_t size)
{
    struct free_block *next = block->next, *previous = block->previous;
    if (unlikely((next && next->previous != block) || (previous && previous->next != block)))
        stop_for(DAMAGE_FREE_LIST, block);
    if (next)
        next->previous = previous;
    if (previous) {
        previous->next = next;
        return;
    }
    unsigned bin = bin_of(size);
    bins.lists[bin] = next;
    if (next)
        return;
    clear_bit(bins.bits, bin);
    if (!bins.bits[bin / 64])
        clear_bit(bins.summary, bin / 64);
}

/* The smallest free block of at least `size` bytes, or as the policy of the process wants it; NULL: none. */
struct free_block *find_free(size_t size);
#endif
