/* The walk over the heap. Each promise has a number, which is the line of its check. */
#include "verify.h"

#include <stdio.h>

#include "bins.h"
#include "lock.h"
#include "segments.h"
#include "slabs.h"

struct walk {
    char *text;
    size_t size;
    int wrong; /* the first */
    uint64_t used_bytes, free_bytes, free_blocks, slabs, cached_slots, cached_blocks;
};

#define EXPECT(walk, promise, address) expect(walk, promise, #promise, __LINE__, (uintptr_t)(address))

static bool expect(struct walk *walk, bool kept, const char *promise, int line, uintptr_t address)
{
    if (!kept && !walk->wrong) {
        walk->wrong = line;
        snprintf(walk->text, walk->size, "At %#lx it is not so that %s (verify.c:%d).", address, promise, line);
    }
    return kept;
}

static void walk_slab(struct walk *walk, struct slab *slab)
{
    unsigned free = 0;
    walk->slabs++;
    EXPECT(walk, slab->slot_size == root.class_sizes[slab->slot_class], slab);
    EXPECT(walk, slab->slots == SLAB_BYTES / slab->slot_size, slab);
    for (unsigned slot = 0; slot < slab->slots; slot++) {
        uintptr_t address = slab_base(slab) + slot * slab->slot_size;
        bool is_free = get_bit(slab->free_slots, slot);
        EXPECT(walk, slab->states[slot] <= SLOT_USED, address);
        EXPECT(walk, is_free == (slab->states[slot] == SLOT_FREE), address);
        EXPECT(walk, !is_free || get_bit(&slab->summary, slot / 64), address);
        EXPECT(walk, slot_at(address, slab->reciprocal) == slot, address);
        free += is_free;
        walk->cached_slots += slab->states[slot] == SLOT_CACHED;
    }
    EXPECT(walk, free == slab->free_count, slab);
    bool listed = slab->next || slab->previous || root.partial_slabs[slab->slot_class] == slab;
    EXPECT(walk, listed == (free && !(slab->flags & SLAB_CURRENT)), slab);
}

static void walk_slab_segment(struct walk *walk, struct segment *segment)
{
    for (unsigned number = FIRST_SLAB; number < SLABS_PER_SEGMENT; number++) {
        struct slab *slab = slab_of((uintptr_t)segment + ((uintptr_t)number << SLAB_SHIFT));
        bool free = get_bit(&segment->free_slabs, number);
        EXPECT(walk, free == !slab->slots, slab);
        EXPECT(walk, free || !get_bit(&segment->dirty_slabs, number), slab);
        if (!free)
            walk_slab(walk, slab);
    }
}

static void walk_free_block(struct walk *walk, struct block *block, size_t size)
{
    struct free_block *free = (struct free_block *)block;
    uint64_t *from = (uint64_t *)(free + 1), *to = size_at_end(block, size);
    EXPECT(walk, *to == size, block);
    EXPECT(walk, !free->next || free->next->previous == free, block);
    EXPECT(walk, (free->previous ? free->previous->next : bins.lists[bin_of(size)]) == free, block);
    for (uint64_t *word = from; word < to; word++) {
        bool may_be_dirty = (uintptr_t)word + 7 >= free->dirty_from && (uintptr_t)word < free->dirty_to;
        if (!EXPECT(walk, *word == 0 || may_be_dirty, word))
            break;
    }
    walk->free_blocks++;
    walk->free_bytes += size;
}

/* Between its first and its last granule a block has no bits set. */
static void walk_inside(struct walk *walk, const struct segment *arena, size_t first, size_t last, bool used)
{
    for (size_t granule = first + 1; granule <= last; granule++) {
        EXPECT(walk, !get_bit(arena->starts, granule), (uintptr_t)arena + granule * GRANULE);
        EXPECT(walk, get_bit(arena->used, granule) == (used && granule == last), (uintptr_t)arena + granule * GRANULE);
    }
}

static void walk_arena(struct walk *walk, struct segment *arena)
{
    bool after_free = false;
    EXPECT(walk, arena->sequence % 2 == 0, arena);
    for (uintptr_t at = arena->first; at < arena->end;) {
        struct block *block = (struct block *)at;
        size_t granule = granule_of(arena, block), size = block_size(block);
        bool used = get_bit(arena->used, granule);
        if (!EXPECT(walk, header_is_sound(block), block) || !EXPECT(walk, size && at + size <= arena->end, block))
            return;
        EXPECT(walk, get_bit(arena->starts, granule), block);
        EXPECT(walk, used == (block->word & BLOCK_USED), block);
        EXPECT(walk, used || !after_free, block); /* or it had been joined with the one before */
        EXPECT(walk, !used || block->requested + BLOCK_HEADER <= size, block);
        walk_inside(walk, arena, granule, granule + size / GRANULE - 1, used);
        if (used) {
            walk->used_bytes += size;
            walk->cached_blocks += !!(block->word & BLOCK_CACHED);
        } else
            walk_free_block(walk, block, size);
        after_free = !used;
        at += size;
    }
    EXPECT(walk, get_bit(arena->starts, granule_of(arena, (void *)arena->end)), arena->end);
    EXPECT(walk, get_bit(arena->used, granule_of(arena, (void *)arena->end)), arena->end);
}

static void walk_segments(struct walk *walk)
{
    for (uint32_t i = 0; i < root.segment_count && !walk->wrong; i++) {
        struct segment_entry *entry = &root.segments[i];
        if (!entry->length_and_kind)
            continue;
        struct segment *segment = (struct segment *)entry->base;
        EXPECT(walk, segment->magic == SEGMENT_MAGIC && segment->index == i, segment);
        EXPECT(walk, entry->length_and_kind == (segment->length | segment->kind), segment);
        EXPECT(walk, kind_at((uintptr_t)segment) == segment->kind, segment);
        if (segment->kind == SEGMENT_SLABS)
            walk_slab_segment(walk, segment);
        else if (segment->kind == SEGMENT_ARENA)
            walk_arena(walk, segment);
    }
}

static void walk_bins(struct walk *walk)
{
    uint64_t listed = 0;
    for (unsigned bin = 0; bin < BINS; bin++) {
        size_t before = 0;
        EXPECT(walk, get_bit(bins.bits, bin) == !!bins.lists[bin], &bins.lists[bin]);
        EXPECT(walk, get_bit(bins.summary, bin / 64) == !!bins.bits[bin / 64], &bins.bits[bin / 64]);
        for (struct free_block *block = bins.lists[bin]; block && !walk->wrong; block = block->next) {
            size_t size = block_size((struct block *)block);
            EXPECT(walk, bin_of(size) == bin && size >= before, block);
            before = size;
            listed++;
        }
    }
    EXPECT(walk, listed == walk->free_blocks, &bins);
}

static void walk_caches(struct walk *walk)
{
    uint64_t slots = 0, blocks = 0;
    for (struct thread_cache *cache = root.thread_caches; cache; cache = cache->next) {
        for (unsigned i = 0; i < SLOT_CLASSES; i++)
            slots += cache->magazines[i].count;
        for (unsigned i = 0; i < QUICK_CLASSES; i++)
            blocks += cache->quick_count[i];
    }
    EXPECT(walk, slots == walk->cached_slots || (root.forks && slots < walk->cached_slots), root.thread_caches);
    EXPECT(walk, blocks == walk->cached_blocks || (root.forks && blocks < walk->cached_blocks), root.thread_caches);
}

int helios_check(char *text, size_t size)
{
    struct walk walk = {.text = text, .size = size};
    lock_heap();
    walk_segments(&walk);
    if (!walk.wrong) {
        walk_bins(&walk);
        walk_caches(&walk);
        EXPECT(&walk, walk.used_bytes == root.arena_used_bytes, &root);
        EXPECT(&walk, walk.free_bytes == root.arena_free_bytes, &root);
        EXPECT(&walk, walk.slabs == root.live_slabs, &root);
    }
    unlock_heap();
    return walk.wrong;
}
