/* The one line that a misuse ends with, then abort(). No malloc, no stdio: the heap can't be trusted any more. */
#ifndef HELIOS_REPORT_H
#define HELIOS_REPORT_H
#include "locate.h"

enum call { CALL_FREE, CALL_REALLOC, CALL_USABLE_SIZE };
enum damage { DAMAGE_HEADER, DAMAGE_BOUNDARY_TAG, DAMAGE_FREE_LIST };

/* The program gave `address` to `call`, and it isn't what we gave out and have not got back yet. What it is instead
 * (free already, inside of a block, nobody's, behind an overwritten header) is found out here. Better without the
 * lock: a handler of SIGABRT may allocate. */
_Noreturn void report_bad_address(enum call call, const void *address, const void *caller);

/* The allocator's own data are overwritten: seen at the header of `block`. */
_Noreturn void report_damage(enum damage damage, const void *block);

/* Who did something: thread 0 if that is not known, event 0 if it was not recorded as one. */
struct deed {
    uint64_t event;
    uint64_t caller;
    uint64_t thread;
};

/* What the line says. */
struct misuse {
    const char *what; /* "double free" */
    uintptr_t address;
    struct place place; /* what is there */
    const char *state;  /* instead of the place's, if not NULL */
    const char *byte_words; /* "past its end": where the first bad byte is; NULL: there is none */
    size_t byte;
    const char *first_verb; /* "freed", "allocated"; NULL: nobody's deed led here */
    struct deed first;
    const char *now_verb; /* "freed again" */
    struct deed now;
};

_Noreturn void report(const struct misuse *misuse);

/* The present thread's call; it becomes an event if there is a ring. */
struct deed deed_now(enum call call, uintptr_t address, const void *caller);

/* By enum call. */
extern const char *const call_verbs[] INTERNAL;      /* "freed" */
extern const char *const call_again[] INTERNAL;      /* "freed again" */
extern const char *const call_after_free[] INTERNAL; /* "double free" */
extern const char *const call_inside[] INTERNAL;     /* "interior free" */
#endif
