/* What the environment asks for: HELIOS_HEAP="policy=first,slabs=off,check". Read once, before the first allocation,
 * without malloc and without anything of the C library that may not have been set up yet. */
#ifndef HELIOS_OPTIONS_H
#define HELIOS_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

struct options {
    enum heap_policy policy;
    uint32_t modes;        /* MODE_ bits */
    bool events;           /* the ring is on from the start */
    bool has_secret;
    uint64_t base;         /* where the first segment goes; 0: anywhere */
    uint64_t secret;       /* the key of the checksums, when has_secret */
    const char *trace;     /* MODE_TRACE: the file; ends after trace_length bytes, not with a 0 */
    uint32_t trace_length;
};

extern struct options options;

/* Fills `options`. What is not understood is said in one line on stderr, and then all is as if nothing was asked. */
void options_read(void);
#endif
