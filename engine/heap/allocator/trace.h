/* HELIOS_HEAP=trace=PATH: every operation of the program as a line of text, in the order in which they were done:
 *
 *     a SIZE ADDRESS           malloc, calloc
 *     m ALIGNMENT SIZE ADDRESS memalign and its kin
 *     r OLD SIZE NEW           realloc
 *     f ADDRESS                free
 *
 * What failed and what does nothing, as free(NULL), isn't written. One process is traced: the first to come, and if that
 * becomes another program by exec, that program. Its children aren't. */
#ifndef HELIOS_TRACE_H
#define HELIOS_TRACE_H
#include "root.h"

/* Between these two one thread is alone, so that no address is given anew before its free is written. False: there is
 * no trace, and nothing to end. */
bool trace_begin(void);
void trace_end(void);

void trace_allocation(size_t size, const void *address);
void trace_aligned(size_t alignment, size_t size, const void *address);
void trace_reallocation(const void *old, size_t size, const void *address);
void trace_free(const void *address);

void trace_before_fork(void);
void trace_after_fork(bool child);
#endif
