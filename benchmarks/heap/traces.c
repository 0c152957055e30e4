/* Programs that do nothing but use malloc, each in one of the ways that real ones do.
 *
 *      traces NAME [PERCENT]       PERCENT of the usual number of operations; 100 where none is given
 *
 * Random numbers are the same in every run. Every block is written to at both ends, as a program would, and the
 * number found there when it is freed is summed and printed: a block that two owners had would change the sum.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB 1024ul
#define MIB (1024 * KIB)

static size_t percent = 100;

struct block {
    unsigned char *at;
    size_t size;
};

static size_t times(size_t operations)
{
    return operations * percent / 100;
}

/* xorshift64* */
static uint64_t some(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull >> 16;
}

static size_t between(uint64_t *state, size_t low, size_t high)
{
    return low + some(state) % (high - low + 1);
}

/* As likely between 16 and 32 as between 16 KiB and 32 KiB: most blocks are small, most bytes are in large ones. */
static size_t any_size(uint64_t *state, size_t low, size_t high)
{
    size_t bits = between(state, (size_t)__builtin_ctzl(low), (size_t)__builtin_ctzl(high) - 1);
    return between(state, 1ul << bits, (2ul << bits) - 1);
}

static void *must(void *block)
{
    if (!block)
        abort();
    return block;
}

static void fill(struct block *block, size_t size)
{
    block->at = must(malloc(size));
    block->size = size;
    block->at[0] = (unsigned char)size;
    block->at[size - 1] = (unsigned char)(size >> 8);
}

static uint64_t empty(struct block *block)
{
    if (!block->at)
        return 0;
    uint64_t found = block->at[0] + 256ul * block->at[block->size - 1];
    free(block->at);
    block->at = NULL;
    return found;
}

static uint64_t empty_all(struct block *blocks, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += empty(&blocks[i]);
    free(blocks);
    return sum;
}

/* One of so many blocks is freed and another allocated in its place, again and again. */
static uint64_t replace(uint64_t seed, size_t count, size_t low, size_t high, size_t operations)
{
    struct block *blocks = must(calloc(count, sizeof *blocks));
    uint64_t sum = 0;
    for (size_t i = 0; i < operations; i++) {
        struct block *block = &blocks[some(&seed) % count];
        sum += empty(block);
        fill(block, between(&seed, low, high));
    }
    return sum + empty_all(blocks, count);
}

static uint64_t small_churn(void)
{
    return replace(1, 20000, 8, 256, times(10000000));
}

/* A queue of so many blocks, first in first out: what a parser or a server's connections do. */
static uint64_t queue(void)
{
    enum { LENGTH = 4000 };
    struct block *blocks = must(calloc(LENGTH, sizeof *blocks));
    uint64_t seed = 2, sum = 0;
    for (size_t i = 0, end = times(6000000); i < end; i++) {
        sum += empty(&blocks[i % LENGTH]);
        fill(&blocks[i % LENGTH], any_size(&seed, 16, 4096));
    }
    return sum + empty_all(blocks, LENGTH);
}

/* Vectors and strings that grow to half as much again, or by a few bytes, side by side. */
static uint64_t growth(void)
{
    enum { COUNT = 200 };
    struct block *blocks = must(calloc(COUNT, sizeof *blocks));
    uint64_t seed = 3, sum = 0;
    for (size_t i = 0, end = times(3000000); i < end; i++) {
        struct block *block = &blocks[some(&seed) % COUNT];
        if (block->size > 100 * KIB) {
            sum += empty(block);
            block->size = 0;
        }
        size_t size = i % 8 ? block->size + between(&seed, 1, 64) : block->size * 3 / 2 + 16;
        block->at = must(realloc(block->at, size));
        block->size = size;
        block->at[0] = (unsigned char)size;
        block->at[size - 1] = (unsigned char)i;
    }
    return sum + empty_all(blocks, COUNT);
}

/* Sizes of all kinds; of twenty blocks nineteen die young and one stays: the holes between are what best fit is for. */
static uint64_t long_and_short(void)
{
    enum { YOUNG = 2000, OLD = 30000 };
    struct block *young = must(calloc(YOUNG, sizeof *young)), *old = must(calloc(OLD, sizeof *old));
    uint64_t seed = 4, sum = 0;
    for (size_t i = 0, end = times(5000000); i < end; i++) {
        struct block *block = i % 20 ? &young[some(&seed) % YOUNG] : &old[some(&seed) % OLD];
        sum += empty(block);
        fill(block, any_size(&seed, 16, i % 20 ? 32 * KIB : 8 * KIB));
    }
    return sum + empty_all(young, YOUNG) + empty_all(old, OLD);
}

/* Images, rows of matrices, buffers: few blocks, large ones, of which every page is touched now and then. */
static uint64_t big_blocks(void)
{
    enum { COUNT = 40 };
    struct block *blocks = must(calloc(COUNT, sizeof *blocks));
    uint64_t seed = 5, sum = 0;
    for (size_t i = 0, end = times(40000); i < end; i++) {
        struct block *block = &blocks[some(&seed) % COUNT];
        sum += empty(block);
        fill(block, any_size(&seed, 64 * KIB, 4 * MIB));
        if (i % 16 == 0)
            for (size_t page = 0; page < block->size - 1; page += 4096)
                block->at[page] = block->at[0];
    }
    return sum + empty_all(blocks, COUNT);
}

/* Tables of zeros, small and large. */
static uint64_t zeros(void)
{
    enum { COUNT = 2000 };
    struct block *blocks = must(calloc(COUNT, sizeof *blocks));
    uint64_t seed = 6, sum = 0;
    for (size_t i = 0, end = times(3000000); i < end; i++) {
        struct block *block = &blocks[some(&seed) % COUNT];
        sum += empty(block);
        block->size = i % 2000 ? any_size(&seed, 16, 4 * KIB) : any_size(&seed, 128 * KIB, 2 * MIB);
        block->at = must(calloc(1, block->size));
        if (block->at[0] | block->at[block->size / 2] | block->at[block->size - 1])
            abort();
        block->at[0] = (unsigned char)i;
    }
    return sum + empty_all(blocks, COUNT);
}

static uint64_t each_thread(void *(*body)(void *), void *first, void *second)
{
    pthread_t other;
    if (pthread_create(&other, NULL, body, second))
        abort();
    uint64_t sum = (uint64_t)(uintptr_t)body(first);
    void *result;
    pthread_join(other, &result);
    return sum + (uint64_t)(uintptr_t)result;
}

static void *own_blocks(void *seed)
{
    uint64_t sum = replace((uintptr_t)seed, 5000, 8, 256, times(4000000));
    return (void *)(uintptr_t)(sum + replace((uintptr_t)seed + 10, 500, 256, 8 * KIB, times(2000000)));
}

/* Two threads that share nothing but the allocator. */
static uint64_t two_threads(void)
{
    return each_thread(own_blocks, (void *)7, (void *)8);
}

/* What passes from one thread to the other: a hundred blocks at a time. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct block blocks[64][100];
    size_t in, out;
} belt = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{{ NULL, 0 }}}, 0, 0 };

static void *produce(void *unused)
{
    uint64_t seed = 9;
    for (size_t i = 0, end = times(50000); i < end; i++) {
        struct block blocks[100];
        for (size_t k = 0; k < 100; k++)
            fill(&blocks[k], any_size(&seed, 16, 2 * KIB));
        pthread_mutex_lock(&belt.mutex);
        while (belt.in - belt.out == 64)
            pthread_cond_wait(&belt.changed, &belt.mutex);
        memcpy(belt.blocks[belt.in++ % 64], blocks, sizeof blocks);
        pthread_cond_signal(&belt.changed);
        pthread_mutex_unlock(&belt.mutex);
    }
    return unused;
}

static void *consume(void)
{
    uint64_t sum = 0;
    for (size_t i = 0, end = times(50000); i < end; i++) {
        struct block blocks[100];
        pthread_mutex_lock(&belt.mutex);
        while (belt.in == belt.out)
            pthread_cond_wait(&belt.changed, &belt.mutex);
        memcpy(blocks, belt.blocks[belt.out++ % 64], sizeof blocks);
        pthread_cond_signal(&belt.changed);
        pthread_mutex_unlock(&belt.mutex);
        for (size_t k = 0; k < 100; k++)
            sum += empty(&blocks[k]);
    }
    return (void *)(uintptr_t)sum;
}

static void *either_end(void *producer)
{
    return producer ? produce(NULL) : consume();
}

/* One thread allocates, the other frees. */
static uint64_t handed_over(void)
{
    return each_thread(either_end, NULL, &belt);
}

/* Larson and Krishnan (1998): a thread lives a short while and leaves its blocks to the next one, which frees them. */
struct life {
    struct block blocks[1000];
    uint64_t seed, sum;
};

static void *live(void *argument)
{
    struct life *life = argument;
    for (size_t i = 0; i < 20000; i++) {
        struct block *block = &life->blocks[some(&life->seed) % 1000];
        life->sum += empty(block);
        fill(block, any_size(&life->seed, 16, 1024));
    }
    return NULL;
}

static void *generations(void *seed)
{
    struct life *life = must(calloc(1, sizeof *life));
    life->seed = (uintptr_t)seed;
    for (size_t i = 0, end = times(150); i < end; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live, life) || pthread_join(thread, NULL))
            abort();
    }
    uint64_t sum = life->sum;
    for (size_t i = 0; i < 1000; i++)
        sum += empty(&life->blocks[i]);
    free(life);
    return (void *)(uintptr_t)sum;
}

static uint64_t larson(void)
{
    return each_thread(generations, (void *)11, (void *)12);
}

static const struct {
    const char *name;
    uint64_t (*run)(void);
} traces[] = {
    { "small-churn", small_churn }, { "queue", queue },           { "growth", growth },
    { "long-and-short", long_and_short }, { "big-blocks", big_blocks }, { "zeros", zeros },
    { "two-threads", two_threads }, { "handed-over", handed_over }, { "larson", larson },
};

int main(int count, char **words)
{
    if (count > 2)
        percent = strtoul(words[2], NULL, 10);
    for (size_t i = 0; count > 1 && i < sizeof traces / sizeof *traces; i++)
        if (!strcmp(words[1], traces[i].name))
            return printf("%llx\n", (unsigned long long)traces[i].run()) < 0;
    return fprintf(stderr, "traces: no trace of that name\n"), 2;
}
