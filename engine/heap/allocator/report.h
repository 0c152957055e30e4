/* The one line that a misuse ends with, then abort(). No malloc, no stdio: the heap can't be trusted any more. */
#ifndef HELIOS_REPORT_H
#define HELIOS_REPORT_H
#include "layout.h"

enum call { CALL_FREE, CALL_REALLOC, CALL_USABLE_SIZE };
enum damage { DAMAGE_HEADER, DAMAGE_BOUNDARY_TAG, DAMAGE_FREE_LIST };

/* The program gave `address` to `call`, and it isn't what we gave out and have not got back yet. What it is instead
 * (free already, inside of a block, nobody's, behind an overwritten header) is found out here. Better without the
 * lock: a handler of SIGABRT may allocate. */
_Noreturn void report_bad_address(enum call call, const void *address, const void *caller);

/* The allocator's own data are overwritten: seen at the header of `block`. */
_Noreturn void report_damage(enum damage damage, const void *block);
#endif
