/* Blocks: headers with their checksums, and the arena's two bitmaps, which say from outside of the program's reach
 * where blocks begin and which are used. */
#ifndef HELIOS_BLOCKS_H
#define HELIOS_BLOCKS_H
#include "root.h"

#define WORD_MASK ((1ull << CHECKSUM_SHIFT) - 1)

static inline size_t block_size(const struct block *block)
{
    return block->word & BLOCK_SIZE_MASK;
}

/* Bytes of the block for `size` bytes of a user's. */
static inline size_t bytes_for(size_t size)
{
    return round_up(size + BLOCK_HEADER, GRANULE);
}

static inline void *block_data(struct block *block)
{
    return block + 1;
}

static inline struct block *block_of(void *data)
{
    return (struct block *)data - 1;
}

/* Keyed by the process's secret and the place: a header copied from elsewhere is as wrong as an overwritten one. */
static inline uint64_t checksum(const struct block *block, uint64_t word, uint64_t requested)
{
    uint64_t sum = ((uintptr_t)block ^ root.secret) + (word + (requested << 20)) * 0x9E3779B97F4A7C15ull;
    return (sum + (requested >> 44)) * 0xD6E8FEB86659FD93ull >> CHECKSUM_SHIFT << CHECKSUM_SHIFT;
}

static inline void set_header(struct block *block, uint64_t size_and_flags, uint64_t requested)
{
    block->word = size_and_flags | checksum(block, size_and_flags, requested);
    block->requested = requested;
}

static inline bool header_is_sound(const struct block *block)
{
    uint64_t word = block->word & WORD_MASK;
    return block->word == (word | checksum(block, word, block->requested));
}

/* The last word of a free block. */
static inline uint64_t *size_at_end(struct block *block, size_t size)
{
    return (uint64_t *)((uintptr_t)block + size) - 1;
}

static inline size_t granule_of(const struct segment *arena, const void *block)
{
    return ((uintptr_t)block - (uintptr_t)arena) / GRANULE;
}

/* Bits are changed under the lock. A block's own are read without it: they stay as they are while it is used, though
 * the words they are in don't. */
static inline bool get_bit(const uint64_t *bitmap, size_t bit)
{
    return __atomic_load_n(&bitmap[bit / 64], __ATOMIC_RELAXED) >> bit % 64 & 1;
}

static inline void set_bit(uint64_t *bitmap, size_t bit)
{
    __atomic_store_n(&bitmap[bit / 64], bitmap[bit / 64] | 1ull << bit % 64, __ATOMIC_RELAXED);
}

static inline void clear_bit(uint64_t *bitmap, size_t bit)
{
    __atomic_store_n(&bitmap[bit / 64], bitmap[bit / 64] & ~(1ull << bit % 64), __ATOMIC_RELAXED);
}

/* A block of `size` bytes that starts at granule `first` is used from now on, or no more. */
static inline void mark_used(struct segment *arena, size_t first, size_t size)
{
    set_bit(arena->used, first);
    set_bit(arena->used, first + size / GRANULE - 1);
}

static inline void mark_free(struct segment *arena, size_t first, size_t size)
{
    clear_bit(arena->used, first);
    clear_bit(arena->used, first + size / GRANULE - 1);
}
#endif
