/* Caches of threads: where they come from, what goes back from them, and how they end. */
#define _GNU_SOURCE
#include "thread_cache.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arenas.h"
#include "bins.h"
#include "events.h"
#include "glibc.h"
#include "lock.h"
#include "purge.h"
#include "report.h"
#include "segments.h"

#define MAGAZINE_BYTES 16384
#define SMALLEST_CAPACITY 4
#define QUICK_BUDGET (512u << 10)

__thread struct thread_cache *thread_cache;
static __thread bool thread_is_ending; /* destructors may still allocate; a new cache would have no one to free it */
static pthread_key_t at_thread_exit;

static struct thread_cache *new_cache(void)
{
    struct thread_cache *cache = root.spare_caches;
    if (!cache)
        return map_pages(round_up(sizeof(struct thread_cache), root.page_size));
    root.spare_caches = cache->next;
    return cache;
}

static void begin_cache(struct thread_cache *cache)
{
    for (unsigned i = 0; i < SLOT_CLASSES; i++) {
        struct magazine *magazine = &cache->magazines[i];
        unsigned slots = MAGAZINE_BYTES / root.class_sizes[i];
        slots = slots < SMALLEST_CAPACITY ? SMALLEST_CAPACITY : slots;
        magazine->count = 0;
        magazine->capacity = slots > MAGAZINE_SLOTS ? MAGAZINE_SLOTS : slots;
        magazine->slot_size = root.class_sizes[i];
        magazine->reciprocal = reciprocal_of(magazine->slot_size);
    }
    cache->thread = syscall(SYS_gettid);
    cache->live = 1;
    cache->previous = NULL;
    cache->next = root.thread_caches;
    if (cache->next)
        cache->next->previous = cache;
    root.thread_caches = cache;
}

NOINLINE struct thread_cache *thread_cache_or_new(void)
{
    if (thread_cache || thread_is_ending || root.modes & MODE_NO_CACHE)
        return thread_cache;
    lock_heap();
    struct thread_cache *cache = new_cache();
    if (cache)
        begin_cache(cache);
    unlock_heap();
    if (cache) {
        thread_cache = cache;
        if (pthread_setspecific)
            pthread_setspecific(at_thread_exit, cache);
    }
    return cache;
}

void flush_magazine(struct magazine *magazine, unsigned keep)
{
    unsigned leaving = magazine->count - keep;
    put_slots(magazine->slots, leaving);
    memmove(magazine->slots, magazine->slots + leaving, keep * sizeof(void *));
    magazine->count = keep;
    root.flushes++;
    event(EVENT_FLUSH, 0, magazine->slot_size, leaving);
}

void *pop_quick(struct thread_cache *cache, size_t bytes, size_t requested)
{
    size_t class = bytes / GRANULE;
    unsigned count = class < QUICK_CLASSES ? cache->quick_count[class] : 0;
    if (!count)
        return NULL;
    void *data = cache->quick[class * QUICK_WAYS + count - 1];
    struct block *block = block_of(data);
    if (unlikely(!header_is_sound(block) || (block->word & WORD_MASK) != (bytes | BLOCK_USED | BLOCK_CACHED)))
        report_damage(DAMAGE_HEADER, block);
    __atomic_store_n(&cache->quick_count[class], count - 1, __ATOMIC_RELEASE);
    cache->quick_total--;
    cache->quick_bytes -= bytes;
    set_header(block, bytes | BLOCK_USED, requested);
    event(EVENT_CACHE_HIT, (uintptr_t)data, bytes, 2);
    return data;
}

bool push_quick(struct thread_cache *cache, void *data)
{
    struct block *block = block_of(data);
    size_t bytes = block_size(block), class = bytes / GRANULE;
    bool plainly_used = (uintptr_t)data % GRANULE == 0 && (block->word & (GRANULE - 1)) == BLOCK_USED;
    if (class >= QUICK_CLASSES || !plainly_used || !header_is_sound(block))
        return false; /* the slow way finds out what is wrong, if anything is */
    unsigned count = cache->quick_count[class];
    if (count >= QUICK_WAYS)
        return false;
    set_header(block, bytes | BLOCK_USED | BLOCK_CACHED, 0);
    cache->quick[class * QUICK_WAYS + count] = data;
    __atomic_store_n(&cache->quick_count[class], count + 1, __ATOMIC_RELEASE);
    cache->quick_total++;
    cache->quick_bytes += bytes;
    if (unlikely(cache->quick_bytes > QUICK_BUDGET)) {
        lock_heap();
        flush_quick(cache);
        count_free();
        unlock_heap();
    }
    return true;
}

NOINLINE void flush_quick(struct thread_cache *cache)
{
    uint64_t leaving = cache->quick_total;
    for (unsigned class = 0; class < QUICK_CLASSES; class++)
        while (cache->quick_count[class]) {
            struct block *block = block_of(cache->quick[class * QUICK_WAYS + --cache->quick_count[class]]);
            if (unlikely(!header_is_sound(block)))
                stop_for(DAMAGE_HEADER, block);
            set_header(block, block_size(block) | BLOCK_USED, 0);
            free_block(block);
        }
    cache->quick_total = cache->quick_bytes = 0;
    root.flushes++;
    event(EVENT_FLUSH, 0, 0, leaving);
}

/* With the lock. */
static void end_cache(struct thread_cache *cache)
{
    for (unsigned i = 0; i < SLOT_CLASSES; i++) {
        if (cache->magazines[i].count)
            flush_magazine(&cache->magazines[i], 0);
        leave_slab(&cache->current[i]);
    }
    flush_quick(cache);
    if (cache->previous)
        cache->previous->next = cache->next;
    else
        root.thread_caches = cache->next;
    if (cache->next)
        cache->next->previous = cache->previous;
    cache->live = 0;
    cache->next = root.spare_caches;
    root.spare_caches = cache;
}

static void end_thread(void *cache)
{
    thread_is_ending = true;
    thread_cache = NULL;
    lock_heap();
    end_cache(cache);
    unlock_heap();
}

void thread_caches_after_fork(void)
{
    for (struct thread_cache *cache = root.thread_caches, *next; cache; cache = next) {
        next = cache->next;
        if (cache == thread_cache)
            cache->thread = syscall(SYS_gettid);
        else
            end_cache(cache);
    }
}

void thread_caches_start(void)
{
    if (pthread_key_create)
        pthread_key_create(&at_thread_exit, end_thread);
}
