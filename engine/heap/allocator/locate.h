/* What the heap has at an address, for reports and for check mode: found by segment map, slab table and bitmaps, never by
 * trusting what a program may have overwritten. */
#ifndef HELIOS_LOCATE_H
#define HELIOS_LOCATE_H
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

enum place_kind { PLACE_NONE, PLACE_SLOT, PLACE_BLOCK, PLACE_HUGE, PLACE_OWN };
enum place_state { PLACE_FREE, PLACE_CACHED, PLACE_USED };

struct place {
    enum place_kind kind; /* PLACE_OWN: the allocator's own data */
    enum place_state state;
    uint64_t start;     /* what the program was given, or would be */
    uint64_t room;      /* usable bytes from there */
    uint64_t requested; /* bytes asked for; of a slot its size, nobody knows better */
    bool damaged;       /* the block's header doesn't agree with its checksum */
};

/* Without the lock: a moment's view. */
struct place locate(const void *address);
#endif
