/* Threads that do what they like with the allocator for a while, and look whether every byte stayed what it was:
 *
 *     soak SECONDS THREADS SEED [fork]
 *
 * Compiled together with the allocator under the names helios_malloc, helios_free …, so that a sanitizer watches both. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void *helios_malloc(size_t), *helios_calloc(size_t, size_t), *helios_realloc(void *, size_t);
void *helios_memalign(size_t, size_t);
void helios_free(void *);
size_t helios_malloc_usable_size(void *);
int helios_malloc_trim(size_t), helios_check(char *, size_t);

#define BLOCKS 400
#define BOXES 64

struct held {
    unsigned char *data;
    size_t size;
    unsigned char mark;
};

static struct held *_Atomic boxes[BOXES]; /* in which threads hand blocks to each other */
static time_t end;
static atomic_ulong operations;

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void fail(const char *what, const struct held *held)
{
    fprintf(stderr, "%s: %p, %zu bytes\n", what, (void *)held->data, held->size);
    abort();
}

static size_t random_size(uint64_t *state)
{
    unsigned range = next(state) % 1000;
    if (range < 700)
        return next(state) % 1100;
    if (range < 950)
        return next(state) % 40000;
    if (range < 998)
        return next(state) % 600000;
    return next(state) % (6u << 20);
}

/* Marks sit at both ends and at some places between; all of it would take too long. */
static size_t step(size_t size)
{
    return size < 2000 ? 1 : 509;
}

static void fill(struct held *held, uint64_t *state)
{
    held->mark = next(state);
    for (size_t i = 0; i < held->size; i += step(held->size))
        held->data[i] = held->mark;
    if (held->size)
        held->data[held->size - 1] = held->mark;
}

static void verify(const struct held *held, size_t size)
{
    for (size_t i = 0; i < size; i += step(held->size))
        if (held->data[i] != held->mark)
            fail("overwritten", held);
    if (size == held->size && size && held->data[size - 1] != held->mark)
        fail("overwritten at its end", held);
}

static void allocate(struct held *held, uint64_t *state)
{
    held->size = random_size(state);
    unsigned how = next(state) % 20;
    size_t alignment = 16;
    if (how == 0)
        held->data = helios_memalign(alignment = (size_t)16 << next(state) % 12, held->size);
    else if (how < 4)
        held->data = helios_calloc(held->size, 1);
    else
        held->data = helios_malloc(held->size);
    if (!held->data || (uintptr_t)held->data % alignment || helios_malloc_usable_size(held->data) < held->size)
        fail("not as asked for", held);
    for (size_t i = 0; how > 0 && how < 4 && i < held->size; i++)
        if (held->data[i])
            fail("not zero", held);
    fill(held, state);
}

static void reallocate(struct held *held, uint64_t *state)
{
    size_t size = random_size(state) + 1, both = size < held->size ? size : held->size;
    struct held before = *held;
    held->data = helios_realloc(held->data, size);
    if (!held->data)
        fail("not reallocated", &before);
    before.data = held->data;
    for (size_t i = 0; i < both; i += step(before.size))
        if (held->data[i] != held->mark)
            fail("lost by realloc", &before);
    held->size = size;
    fill(held, state);
}

static void let_go(struct held *held)
{
    verify(held, held->size);
    helios_free(held->data);
    held->data = NULL;
}

/* Another thread frees it, or takes it on. */
static void exchange(struct held *held, uint64_t *state)
{
    struct held *mine = malloc(sizeof *mine);
    *mine = *held;
    held->data = NULL;
    struct held *other = atomic_exchange(&boxes[next(state) % BOXES], mine);
    if (!other)
        return;
    if (next(state) % 2)
        let_go(other);
    else
        *held = *other;
    free(other);
}

static void *work(void *seed)
{
    uint64_t state = (uintptr_t)seed * 0x9E3779B97F4A7C15ull + 1;
    struct held *held = calloc(BLOCKS, sizeof *held);
    unsigned long done = 0;
    unsigned long life = 20000 + next(&state) % 200000; /* threads end, too */
    for (; done < life && (done % 64 || time(NULL) < end); done++) {
        struct held *one = &held[next(&state) % BLOCKS];
        unsigned what = next(&state) % 100;
        if (!one->data)
            allocate(one, &state);
        else if (what < 70)
            let_go(one);
        else if (what < 90)
            reallocate(one, &state);
        else
            exchange(one, &state);
        if (next(&state) % 100000 == 0)
            helios_malloc_trim(0);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (held[i].data)
            let_go(&held[i]);
    free(held);
    atomic_fetch_add(&operations, done);
    return NULL;
}

static void fork_one(uint64_t *state)
{
    pid_t child = fork();
    if (child == 0) {
        struct held held[50];
        for (int i = 0; i < 50; i++)
            allocate(&held[i], state);
        for (int i = 0; i < 50; i++)
            let_go(&held[i]);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status) {
        fprintf(stderr, "a child ended with %x\n", status);
        abort();
    }
}

int main(int count, char **words)
{
    if (count < 4)
        return 2;
    end = time(NULL) + atol(words[1]);
    unsigned threads = atoi(words[2]);
    uint64_t seed = atol(words[3]), state = seed + 1;
    pthread_t running[threads];
    for (unsigned i = 0; i < threads; i++)
        pthread_create(&running[i], NULL, work, (void *)seed++);
    for (unsigned i = 0; time(NULL) < end; i = (i + 1) % threads) {
        pthread_join(running[i], NULL);
        if (count > 4)
            fork_one(&state);
        pthread_create(&running[i], NULL, work, (void *)seed++);
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(running[i], NULL);
    for (unsigned i = 0; i < BOXES; i++) {
        struct held *left = atomic_exchange(&boxes[i], NULL);
        if (left)
            let_go(left);
        free(left);
    }
    char text[300] = "";
    int wrong = helios_check(text, sizeof text);
    if (wrong)
        fprintf(stderr, "%d: %s\n", wrong, text);
    printf("%lu operations\n", (unsigned long)operations);
    return wrong != 0;
}
