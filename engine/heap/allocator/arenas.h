/* Arenas: segments of blocks, end to end. A free block never has a free neighbour. */
#ifndef HELIOS_ARENAS_H
#define HELIOS_ARENAS_H
#include "blocks.h"

/* All with the lock. */

/* For `size` bytes; NULL when memory is exhausted. The bytes from the data on that may be other than zero end at
 * `*dirty_to`. */
void *take_block(size_t size, size_t alignment, uintptr_t *dirty_to);

/* NULL: no used block has its data there, or its header was overwritten. Needs no lock for a block of one's own. */
struct block *used_block_at(uintptr_t address);
void free_block(struct block *block); /* a used one */

/* In place or not at all. */
bool resize_block(struct block *block, size_t size);

/* A block is to be taken out of its list for good, and its arena unmapped. */
bool is_whole_arena(const struct segment *arena, const struct free_block *block, size_t size);
void unmap_arena(struct segment *arena, struct free_block *block, size_t size);
#endif
