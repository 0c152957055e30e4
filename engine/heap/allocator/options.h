/* What the environment asks for: HELIOS_HEAP="policy=first,slabs=off,check". Read once, before the first allocation,
 * without malloc and without anything of the C library that may not have been set up yet. */
#ifndef HELIOS_OPTIONS_H
#define HELIOS_OPTIONS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

struct options {
    enum heap_policy policy;
    bool slabs, cache;     /* both on unless "slabs=off", "cache=off" */
    bool check;            /* redzones, poison, records of who allocated and freed */
    bool events;           /* the ring is on from the start */
    bool has_base, has_secret;
    uint64_t base;         /* where the first segment goes: a multiple of SEGMENT_UNIT */
    uint64_t secret;       /* the key of the checksums */
    size_t trace_length;   /* 0: no trace */
    const char *trace;     /* the file that every operation is written to: a copy, programs write over their environment */
};

extern struct options options;

/* Fills `options`. What is not understood is said in one line on stderr, and then all is as if nothing was asked. */
void options_read(void);
#endif
