/* malloc and its friends under their usual names: arguments as POSIX and glibc have them, then the core. C++'s
 * operators come through malloc. */
#include <errno.h>
#include <unistd.h>

#include "core.h"
#include "lock.h"
#include "purge.h"

/* As in <malloc.h> of glibc, whose declarations of the functions differ from version to version. */
struct mallinfo2 {
    size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
struct mallinfo {
    int arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

static inline bool is_power_of_two(size_t number)
{
    return number && !(number & (number - 1));
}

static void *failed(int error)
{
    errno = error;
    return NULL;
}

EXPORT void *malloc(size_t size)
{
    if (unlikely(observed()))
        return observed_malloc(size, CALLER);
    return allocate(size, false);
}

EXPORT void free(void *address)
{
    if (unlikely(observed()))
        observed_free(address, CALLER);
    else
        release(address, CALLER);
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t all;
    if (unlikely(__builtin_mul_overflow(count, size, &all)))
        return failed(ENOMEM);
    if (unlikely(observed()))
        return observed_calloc(all, CALLER);
    if (unlikely(all > LARGEST_SLOT))
        return large_block(all, GRANULE, true);
    void *slot = allocate(all, false);
    return likely(slot) ? __builtin_memset(slot, 0, all) : NULL;
}

EXPORT void *realloc(void *address, size_t size)
{
    return unlikely(observed()) ? observed_realloc(address, size, CALLER) : core_realloc(address, size, CALLER);
}

EXPORT void *reallocarray(void *address, size_t count, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(count, size, &all))
        return failed(ENOMEM);
    return unlikely(observed()) ? observed_realloc(address, all, CALLER) : core_realloc(address, all, CALLER);
}

static inline void *aligned(size_t alignment, size_t size, const void *caller)
{
    return unlikely(observed()) ? observed_memalign(alignment, size, caller) : core_memalign(alignment, size);
}

/* Rounds odd alignments up, as glibc does. */
EXPORT void *memalign(size_t alignment, size_t size)
{
    if (alignment > SIZE_MAX / 2 + 1)
        return failed(EINVAL);
    size_t power = 1;
    while (power < alignment)
        power *= 2;
    return aligned(power, size, CALLER);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    return is_power_of_two(alignment) ? aligned(alignment, size, CALLER) : failed(EINVAL);
}

EXPORT int posix_memalign(void **result, size_t alignment, size_t size)
{
    if (!is_power_of_two(alignment) || alignment % sizeof(void *))
        return EINVAL;
    int saved = errno;
    void *data = aligned(alignment, size, CALLER);
    errno = saved;
    if (!data)
        return ENOMEM;
    *result = data;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return aligned(getpagesize(), size, CALLER);
}

EXPORT void *pvalloc(size_t size)
{
    size_t page = getpagesize();
    return size > PTRDIFF_MAX - page ? failed(ENOMEM) : aligned(page, round_up(size, page), CALLER);
}

EXPORT size_t malloc_usable_size(void *address)
{
    return unlikely(observed()) ? observed_usable_size(address, CALLER) : core_usable_size(address, CALLER);
}

/* 1: some memory went back to the kernel. There is no top of the heap to leave `pad` bytes at. */
EXPORT int malloc_trim(size_t pad)
{
    (void)pad;
    lock_heap();
    uint64_t before = root.purges + root.unmaps;
    if (thread_cache)
        flush_quick(thread_cache);
    return_all();
    bool returned = root.purges + root.unmaps > before;
    unlock_heap();
    return returned;
}

/* What magazines and quick caches hold counts as used, as glibc counts its own. */
EXPORT struct mallinfo2 mallinfo2(void)
{
    struct mallinfo2 info = {0};
    lock_heap();
    for (uint32_t i = 0; i < root.segment_count; i++) {
        uint64_t entry = root.segments[i].length_and_kind;
        enum segment_kind kind = entry & 3;
        struct segment *segment = (struct segment *)root.segments[i].base;
        info.hblks += kind == SEGMENT_HUGE;
        info.arena += kind == SEGMENT_HUGE ? 0 : entry & ~3ul;
        for (uintptr_t n = FIRST_SLAB; kind == SEGMENT_SLABS && n < SLABS_PER_SEGMENT; n++) {
            struct slab *slab = slab_of((uintptr_t)segment + (n << SLAB_SHIFT));
            info.uordblks += (size_t)(slab->slots - slab->free_count) * slab->slot_size;
            info.fordblks += (size_t)(slab->slots ? slab->free_count * slab->slot_size : SLAB_BYTES);
        }
    }
    info.hblkhd = root.huge_bytes;
    info.uordblks += root.arena_used_bytes;
    info.fordblks += root.arena_free_bytes;
    for (unsigned bin = 0; bin < BINS; bin++)
        for (struct free_block *block = bins.lists[bin]; block; block = block->next)
            info.ordblks++;
    unlock_heap();
    return info;
}

EXPORT struct mallinfo mallinfo(void)
{
    struct mallinfo2 info = mallinfo2();
    return (struct mallinfo){
        .arena = info.arena, .ordblks = info.ordblks, .hblks = info.hblks, .hblkhd = info.hblkhd,
        .uordblks = info.uordblks, .fordblks = info.fordblks,
    };
}
