/* HELIOS_HEAP=check: each block of the program's stands between two redzones and behind a record of who allocated and
 * freed it; what was freed is poisoned and kept in quarantine for a while. All of it is laid into blocks of the core,
 * which knows nothing about it:
 *
 *     core's block ─▶ record │ redzone, 16 bytes at least │ the program's bytes │ redzone, 16 bytes at least
 *
 * Redzones are looked at when a block is freed, reallocated or asked for its size; poison when a block leaves the
 * quarantine, and when the program ends. */
#ifndef HELIOS_CHECK_H
#define HELIOS_CHECK_H
#include "root.h"

void *check_allocate(size_t alignment, size_t size, bool zeroed, const void *caller);
void *check_reallocate(void *address, size_t size, const void *caller); /* neither is 0 */
void check_free(void *address, const void *caller);
size_t check_usable_size(void *address, const void *caller); /* what was asked for */

void check_before_fork(void);
void check_after_fork(bool child);
#endif
