/* Huge blocks: a mapping each, which goes back to the kernel when it is freed. */
#ifndef HELIOS_HUGE_H
#define HELIOS_HUGE_H
#include "root.h"

/* All with the lock. */
void *take_huge(size_t size, size_t alignment); /* fresh, so all zero; NULL: memory is exhausted */
struct segment *huge_at(uintptr_t address);     /* NULL: no huge block has its data there. No lock for one's own */
void free_huge(struct segment *huge);
void *resize_huge(struct segment *huge, size_t size); /* moves pages, not bytes; NULL: not possible, nothing was done */

static inline size_t huge_room(const struct segment *huge)
{
    return (uintptr_t)huge + huge->length - huge->data;
}
#endif
