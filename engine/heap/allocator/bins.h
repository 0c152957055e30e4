/* Bins: the free blocks of all arenas in doubly linked lists by size, and bitmaps of the lists that aren't empty. */
#ifndef HELIOS_BINS_H
#define HELIOS_BINS_H
#include "blocks.h"

static inline unsigned bin_of(size_t size)
{
    if (likely(size < EXACT_BINS_BELOW))
        return size / GRANULE;
    unsigned power = 63 - __builtin_clzll(size);
    unsigned doubling = power - EXACT_BINS_SHIFT, part = (size >> (power - 8)) % BINS_PER_DOUBLING;
    unsigned bin = EXACT_BINS + doubling * BINS_PER_DOUBLING + part;
    return bin < BINS ? bin : BINS - 1;
}

/* With the lock. The smallest free block of at least `size` bytes, or as the policy of the process wants it; NULL:
 * none. */
struct free_block *find_free(size_t size);
void add_to_bin(struct free_block *block, size_t size);
void remove_from_bin(struct free_block *block, size_t size);
#endif
