/* What the heap has at an address, for reports and for check mode: found by segment map, slab table and bitmaps, never by
 * trusting what a program may have overwritten. */
#ifndef HELIOS_LOCATE_H
#define HELIOS_LOCATE_H
#include "root.h"

enum place_kind { PLACE_NOWHERE, PLACE_OWN, PLACE_SLOT, PLACE_BLOCK, PLACE_HUGE };
enum place_state { PLACE_FREE, PLACE_CACHED, PLACE_USED };

struct place {
    enum place_kind kind; /* PLACE_OWN: the allocator's own data */
    enum place_state state;
    uintptr_t start; /* what the program was given, or would be given */
    size_t room;     /* usable bytes from there */
    size_t size;     /* bytes asked for, where that is known; else room */
    bool damaged;    /* a block whose header doesn't agree with its checksum */
};

/* A moment's view: without the lock, things may change meanwhile. */
struct place locate(uintptr_t address);
#endif
