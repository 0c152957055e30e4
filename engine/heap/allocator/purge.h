/* Giving memory back to the kernel. The policy, in words:
 *
 * - A huge block goes back when it is freed.
 * - Time is cut into periods of at least 25 ms, which end when memory is freed: a program that does nothing keeps what
 *   it has. What has stayed free for one whole period goes back at the end of it:
 *   the pages of slabs without used slots (MADV_DONTNEED), and a segment of nothing but such slabs (munmap);
 *   the dirty pages of free blocks of 128 KiB and more, if they are more than 64 KiB (MADV_DONTNEED);
 *   an arena that is one free block (munmap), if the others have half as much free memory as it has.
 * - malloc_trim does so at once with what is free at that moment, and with the calling thread's quick cache.
 * - Caches of threads are bounded (16 KiB per class of slots, 512 KiB of blocks) and emptied when the thread ends. */
#ifndef HELIOS_PURGE_H
#define HELIOS_PURGE_H
#include "root.h"

#define FREES_BETWEEN_LOOKS 32

/* With the lock. */
void end_period_if_due(void);
void return_all(void);

/* With the lock, after something was freed. */
static inline void count_free(void)
{
    if (unlikely(--root.frees_until_look == 0))
        end_period_if_due();
}
#endif
