/* The slow twin of malloc and its friends: what they do while somebody looks on (events, check, trace), and until the
 * environment has been read. The exported functions begin with
 *
 *     if (unlikely(observed()))
 *         return observed_malloc(size, CALLER);
 *
 * and everything here ends in the core_ functions below. So a program that nobody watches pays one predictable branch. */
#ifndef HELIOS_OBSERVED_H
#define HELIOS_OBSERVED_H
#include <stdbool.h>
#include <stddef.h>

#include "root.h"

/* Where the program called us; only right in an exported function itself. */
#define CALLER __builtin_return_address(0)

static inline bool observed(void)
{
    return __atomic_load_n(&root.watch_until, __ATOMIC_RELAXED) |
           __atomic_load_n(&root.observers, __ATOMIC_RELAXED);
}

/* Sizes and alignments have been checked by the exported functions (overflow, powers of two). errno as theirs. */
void *observed_malloc(size_t size, const void *caller);
void *observed_calloc(size_t size, const void *caller); /* the product */
void *observed_memalign(size_t alignment, size_t size, const void *caller);
void *observed_realloc(void *address, size_t size, const void *caller); /* with NULL and 0 as the exported one */
void observed_free(void *address, const void *caller);
size_t observed_usable_size(void *address, const void *caller);

/* Around fork(): before the core takes its lock, and after it has let go of it. */
void observed_before_fork(void);
void observed_after_fork(bool child);

/* What the core gives: as the exported functions, but unwatched. `caller` is for the report of a
 * misuse. */
void *core_malloc(size_t size);
void *core_calloc(size_t size);
void *core_memalign(size_t alignment, size_t size);
void *core_realloc(void *address, size_t size, const void *caller);
void core_free(void *address, const void *caller);
size_t core_usable_size(void *address, const void *caller);
#endif
