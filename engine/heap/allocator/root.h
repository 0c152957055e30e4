/* The root of the heap, and the few words that all files share. */
#ifndef HELIOS_ROOT_H
#define HELIOS_ROOT_H
#include <stdbool.h>

#include "layout.h"

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define NOINLINE __attribute__((noinline))
#define COLD __attribute__((noinline, cold))
#define EXPORT __attribute__((visibility("default")))
/* Also where it is declared: else the compiler reaches it through the table of what may be replaced. */
#define INTERNAL __attribute__((visibility("hidden")))

extern struct heap_root root INTERNAL; /* exported as helios_heap_root */
extern struct heap_bins bins INTERNAL;

/* Reads the options and makes the heap ready. May be called again, and from within itself. */
void heap_start(void);

#define UNIT_MASK (SEGMENT_UNIT - 1ul)

static inline uintptr_t round_up(uintptr_t number, uintptr_t unit)
{
    return (number + unit - 1) & ~(unit - 1);
}
#endif
