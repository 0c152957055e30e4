/* Arenas: taking blocks from free ones and splitting them, giving them back and joining them with their neighbours.
 *
 * A free block knows which of its bytes may be other than zero (dirty_from .. dirty_to, apart from its links and its
 * last word), so calloc needs to clear no memory that is fresh from the kernel, and the purge knows what it can give
 * back. */
#include "arenas.h"

#include <string.h>

#include "bins.h"
#include "events.h"
#include "lock.h"
#include "segments.h"

#define GROWTH_LIMIT (64ul << 20) /* an arena for small requests is a quarter of all arenas, but not more than this */
#define ARENA_OWN 8192 /* more than header, padding and end mark take */

struct range {
    uintptr_t from, to; /* empty: to <= from */
};

static inline struct range part_within(struct range range, uintptr_t from, uintptr_t to)
{
    struct range part = {range.from > from ? range.from : from, range.to < to ? range.to : to};
    return part.to > part.from ? part : (struct range){0, 0};
}

/* Readers outside copy an arena again when its sequence was odd or has changed. */
static inline void begin_change(struct segment *arena)
{
    __atomic_store_n(&arena->sequence, arena->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static inline void end_change(struct segment *arena)
{
    __atomic_store_n(&arena->sequence, arena->sequence + 1, __ATOMIC_RELEASE);
}

static inline void expect_sound(const void *block)
{
    if (unlikely(!header_is_sound(block)))
        stop_for(DAMAGE_HEADER, block);
}

static inline struct block *block_after(struct block *block, size_t size)
{
    return (struct block *)((uintptr_t)block + size);
}

/* Writes a free block; the bitmaps are the caller's. */
static void add_free(struct block *block, size_t size, struct range dirty)
{
    struct free_block *free = (struct free_block *)block;
    set_header(block, size, 0);
    free->dirty_from = dirty.from;
    free->dirty_to = dirty.to;
    free->stamp = root.period;
    *size_at_end(block, size) = size;
    add_to_bin(free, size);
    root.arena_free_bytes += size;
}

static void remove_free(struct free_block *free, size_t size)
{
    remove_from_bin(free, size);
    root.arena_free_bytes -= size;
}

static struct segment *new_arena(size_t needed)
{
    size_t length = needed + needed / 64 + ARENA_OWN; /* a 64th is more than the bitmaps take */
    size_t growth = (root.arena_used_bytes + root.arena_free_bytes) / 4;
    if (growth > GROWTH_LIMIT)
        growth = GROWTH_LIMIT;
    length = round_up(length > growth ? length : growth, SEGMENT_UNIT);
    struct segment *arena = map_segment(SEGMENT_ARENA, length);
    if (!arena)
        return NULL;
    size_t bitmap = length / GRANULE / 8;
    uintptr_t bitmaps = (uintptr_t)arena + ARENA_BITMAPS_OFFSET;
    arena->starts = (uint64_t *)bitmaps;
    arena->used = (uint64_t *)(bitmaps + bitmap);
    arena->first = bitmaps + 2 * bitmap + GRANULE - BLOCK_HEADER;
    arena->end = (uintptr_t)arena + length - BLOCK_HEADER;
    struct block *first = (struct block *)arena->first, *end = (struct block *)arena->end;
    set_bit(arena->used, granule_of(arena, first) - 1); /* nothing to join with before the first */
    set_bit(arena->starts, granule_of(arena, first));
    set_header(end, BLOCK_USED, 0);
    set_bit(arena->starts, granule_of(arena, end));
    set_bit(arena->used, granule_of(arena, end));
    add_free(first, arena->end - arena->first, (struct range){0, 0});
    return arena;
}

bool is_whole_arena(const struct segment *arena, const struct free_block *block, size_t size)
{
    return (uintptr_t)block == arena->first && arena->first + size == arena->end;
}

void unmap_arena(struct segment *arena, struct free_block *block, size_t size)
{
    remove_free(block, size);
    unmap_segment(arena);
}

/* A free block that fits, out of its bin, its arena grown if there is none. */
static struct free_block *claim_free(size_t size)
{
    struct free_block *found = find_free(size);
    if (unlikely(!found) && new_arena(size))
        found = find_free(size);
    if (unlikely(!found))
        return NULL;
    expect_sound(found);
    return found;
}

/* Cuts what lies before the aligned place off the free `block`, as a free block of its own; returns the rest. */
static struct block *cut_lead(struct segment *arena, struct block *block, size_t alignment, struct range dirty)
{
    uintptr_t data = round_up((uintptr_t)block_data(block), alignment);
    struct block *aligned = block_of((void *)data);
    size_t lead = (uintptr_t)aligned - (uintptr_t)block;
    if (lead) {
        set_bit(arena->starts, granule_of(arena, aligned));
        add_free(block, lead, part_within(dirty, (uintptr_t)block, (uintptr_t)aligned));
        root.splits++;
        event(EVENT_SPLIT, (uintptr_t)block, lead, 0);
    }
    return aligned;
}

void *take_block(size_t size, size_t alignment, uintptr_t *dirty_to)
{
    size_t taken = bytes_for(size);
    struct free_block *found = claim_free(alignment > GRANULE ? taken + alignment : taken);
    if (unlikely(!found))
        return NULL;
    struct segment *arena = segment_of((uintptr_t)found);
    struct block *block = (struct block *)found;
    size_t whole = block_size(block);
    struct range dirty = {found->dirty_from, found->dirty_to};
    begin_change(arena);
    remove_free(found, whole);
    if (unlikely(alignment > GRANULE)) {
        block = cut_lead(arena, block, alignment, dirty);
        whole -= (uintptr_t)block - (uintptr_t)found;
    }
    uintptr_t end = (uintptr_t)block + taken;
    if (whole > taken) {
        struct block *rest = block_after(block, taken);
        set_bit(arena->starts, granule_of(arena, rest));
        add_free(rest, whole - taken, part_within(dirty, end, end + whole));
        root.splits++;
        event(EVENT_SPLIT, end, whole - taken, taken);
    }
    set_header(block, taken | BLOCK_USED, size);
    mark_used(arena, granule_of(arena, block), taken);
    root.arena_used_bytes += taken;
    root.arena_allocations++;
    end_change(arena);
    uintptr_t after_links = (uintptr_t)block + sizeof(struct free_block);
    *dirty_to = dirty.to > after_links ? dirty.to : after_links;
    if (whole == taken)
        *dirty_to = end; /* its size was in the last word */
    return block_data(block);
}

/* Puts back a block whose bits say "free" already, joined with its free neighbours. */
static void join_and_add(struct segment *arena, struct block *block, size_t size, struct range dirty)
{
    size_t granule = granule_of(arena, block), after = granule + size / GRANULE;
    if (!get_bit(arena->used, after)) {
        struct free_block *next = (struct free_block *)block_after(block, size);
        expect_sound(next);
        size_t more = block_size((struct block *)next);
        remove_free(next, more);
        clear_bit(arena->starts, after);
        if (next->dirty_to > next->dirty_from)
            dirty.to = next->dirty_to;
        else
            memset(next, 0, sizeof *next); /* all of it is zero now, but for the last word, which stays the last */
        size += more;
        root.coalesces++;
        event(EVENT_COALESCE, (uintptr_t)block, size, more);
    }
    if (!get_bit(arena->used, granule - 1)) {
        size_t more = *((uint64_t *)block - 1);
        struct free_block *previous = (struct free_block *)((uintptr_t)block - more);
        if (unlikely(more > (uintptr_t)block - arena->first || more % GRANULE ||
                     !get_bit(arena->starts, granule - more / GRANULE)))
            stop_for(DAMAGE_BOUNDARY_TAG, block);
        expect_sound(previous);
        if (unlikely(block_size((struct block *)previous) != more))
            stop_for(DAMAGE_BOUNDARY_TAG, block);
        remove_free(previous, more);
        clear_bit(arena->starts, granule);
        dirty.from = previous->dirty_to > previous->dirty_from ? previous->dirty_from : (uintptr_t)block - 8;
        block = (struct block *)previous;
        size += more;
        root.coalesces++;
        event(EVENT_COALESCE, (uintptr_t)block, size, more);
    }
    add_free(block, size, dirty);
}

struct block *used_block_at(uintptr_t address)
{
    struct segment *arena = segment_of(address);
    struct block *block = block_of((void *)address);
    if (unlikely(address % GRANULE || (uintptr_t)block < arena->first || (uintptr_t)block >= arena->end))
        return NULL;
    size_t granule = granule_of(arena, block);
    if (unlikely(!get_bit(arena->starts, granule) || !get_bit(arena->used, granule)))
        return NULL;
    return likely(header_is_sound(block) && !(block->word & BLOCK_CACHED)) ? block : NULL;
}

void free_block(struct block *block)
{
    struct segment *arena = segment_of((uintptr_t)block);
    size_t size = block_size(block), granule = granule_of(arena, block);
    if (unlikely(!get_bit(arena->starts, granule + size / GRANULE)))
        stop_for(DAMAGE_HEADER, block);
    begin_change(arena);
    root.arena_used_bytes -= size;
    root.arena_frees++;
    mark_free(arena, granule, size);
    join_and_add(arena, block, size, (struct range){(uintptr_t)block, (uintptr_t)block + size});
    end_change(arena);
}

/* The used `block` of `size` bytes takes its free neighbour in, if that is enough; `*size` grows. */
static bool absorb_next(struct segment *arena, struct block *block, size_t *size, size_t needed, struct range *dirty)
{
    size_t after = granule_of(arena, block) + *size / GRANULE;
    struct free_block *next = (struct free_block *)block_after(block, *size);
    if (get_bit(arena->used, after))
        return false;
    expect_sound(next);
    size_t more = block_size((struct block *)next);
    if (*size + more < needed)
        return false;
    *dirty = (struct range){next->dirty_from, next->dirty_to};
    remove_free(next, more);
    clear_bit(arena->starts, after);
    clear_bit(arena->used, after - 1);
    *size += more;
    root.coalesces++;
    event(EVENT_COALESCE, (uintptr_t)block, *size, more);
    return true;
}

bool resize_block(struct block *block, size_t size)
{
    struct segment *arena = segment_of((uintptr_t)block);
    size_t old = block_size(block), whole = old, needed = bytes_for(size);
    struct block *rest = block_after(block, needed);
    struct range dirty = {(uintptr_t)rest, (uintptr_t)block + old};
    begin_change(arena);
    if (needed > old && !absorb_next(arena, block, &whole, needed, &dirty)) {
        end_change(arena);
        return false;
    }
    clear_bit(arena->used, granule_of(arena, block) + old / GRANULE - 1);
    mark_used(arena, granule_of(arena, block), needed);
    set_header(block, needed | BLOCK_USED, size);
    root.arena_used_bytes += needed - old;
    if (whole > needed) {
        set_bit(arena->starts, granule_of(arena, rest));
        join_and_add(arena, rest, whole - needed, part_within(dirty, (uintptr_t)rest, (uintptr_t)block + whole));
        root.splits++;
        event(EVENT_SPLIT, (uintptr_t)rest, whole - needed, needed);
    }
    end_change(arena);
    return true;
}
