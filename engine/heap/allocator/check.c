#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "events.h"
#include "glibc.h"
#include "lock.h"
#include "observed.h"
#include "report.h"

#define FRESH 0xAA   /* the program's bytes before it writes any */
#define FREED 0xDD   /* after it freed them */
#define REDZONE 0xFB /* around them */
#define ZONE_BYTES 16
#define FRONT_MOST 4096 /* bytes */
#define SOUND SIZE_MAX
#define QUARANTINE_BLOCKS 65536
#define QUARANTINE_BYTES (32u << 20)

/* At the start of the core's block. */
struct record {
    uint64_t key; /* see key_of */
    struct record *self;
    uintptr_t data; /* the program's address */
    size_t size;
    struct deed allocated;
    struct deed freed; /* thread 0: it is not */
};

static struct {
    pthread_mutex_t lock; /* also of the step from used to freed */
    struct record *blocks[QUARANTINE_BLOCKS]; /* a ring */
    size_t first, count, bytes;
    size_t inherited; /* the oldest of them were freed before fork: the parent looks at them when it ends */
} quarantine = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Of all that the record says, with the process's secret. */
static uint64_t key_of(const struct record *record)
{
    const uint64_t *word = &record->key + 1, *end = (const uint64_t *)(record + 1);
    uint64_t sum = root.secret;
    while (word < end)
        sum = (sum ^ *word++) * 0x9E3779B97F4A7C15ull;
    return sum ^ sum >> 32;
}

static size_t data_offset(size_t alignment)
{
    return round_up(sizeof(struct record) + ZONE_BYTES, alignment);
}

/* Before data that is aligned far, there is much room: a zone of all of it would take as much memory. */
static char *front_zone(struct record *record, char *data)
{
    char *first = (char *)(record + 1);
    return data - first > FRONT_MOST ? data - FRONT_MOST : first;
}

static size_t whole_size(struct record *record)
{
    return core_usable_size(record, NULL);
}

/* The first byte of the area that isn't as it was filled, or SOUND. */
static size_t first_other(const char *area, size_t length, int filled)
{
    /* All the same, nearly always: each byte is as the one before. */
    if (!length || ((unsigned char)*area == filled && !memcmp(area, area + 1, length - 1)))
        return SOUND;
    size_t first = 0;
    while ((unsigned char)area[first] == filled)
        first++;
    return first;
}

static struct place place_of(struct record *record)
{
    struct place place = locate((uintptr_t)record);
    place.start = record->data;
    place.size = record->size;
    return place;
}

static struct misuse misuse_of(struct record *record, const char *what)
{
    struct misuse misuse = {
        .what = what,
        .address = record->data,
        .place = place_of(record),
        .state = record->freed.thread ? "freed, in quarantine" : "used",
        .first_verb = record->freed.thread ? "freed" : "allocated",
        .first = record->freed.thread ? record->freed : record->allocated,
    };
    return misuse;
}

static _Noreturn void stop(struct misuse *misuse, const char *where, size_t byte, const char *verb, struct deed now)
{
    misuse->byte_words = where;
    misuse->byte = byte;
    misuse->now_verb = verb;
    misuse->now = now;
    report(misuse);
}

static void verify_zones(struct record *record, const char *verb, struct deed now)
{
    char *data = (char *)record->data, *front = front_zone(record, data), *back = data + record->size;
    size_t bad = first_other(back, whole_size(record) - (size_t)(back - (char *)record), REDZONE);
    if (bad != SOUND) {
        struct misuse misuse = misuse_of(record, "overflow");
        stop(&misuse, "past its end", bad + 1, verb, now);
    }
    bad = first_other(front, (size_t)(data - front), REDZONE);
    if (bad != SOUND) {
        struct misuse misuse = misuse_of(record, "underflow");
        stop(&misuse, "before its start", (size_t)(data - front) - bad, verb, now);
    }
}

static bool is_sound(const struct record *record)
{
    return record->self == record && record->key == key_of(record);
}

static _Noreturn void stop_for_record(uintptr_t address, struct record *record, const char *verb, struct deed now)
{
    struct misuse misuse = {.what = "overwritten record", .address = address, .place = locate((uintptr_t)record)};
    misuse.now_verb = verb;
    misuse.now = now;
    report(&misuse);
}

static void verify_poison(struct record *record, const char *verb)
{
    struct deed now = {.thread = thread_id()};
    if (!is_sound(record))
        stop_for_record((uintptr_t)record, record, verb, now);
    size_t bad = first_other((char *)record->data, record->size, FREED);
    if (bad != SOUND) {
        struct misuse misuse = misuse_of(record, "write after free");
        stop(&misuse, "after its start", bad, verb, now);
    }
    verify_zones(record, verb, now);
}

void *check_allocate(size_t alignment, size_t size, bool zeroed, const void *caller)
{
    alignment = alignment < 16 ? 16 : alignment;
    size_t offset = data_offset(alignment), whole;
    if (__builtin_add_overflow(size, offset + ZONE_BYTES, &whole)) {
        errno = ENOMEM;
        return NULL;
    }
    struct record *record = alignment > 16 ? core_memalign(alignment, whole) : core_malloc(whole);
    if (!record)
        return NULL;
    char *data = (char *)record + offset, *end = (char *)record + whole_size(record);
    char *front = front_zone(record, data);
    memset(front, REDZONE, (size_t)(data - front));
    memset(data, zeroed ? 0 : FRESH, size);
    memset(data + size, REDZONE, (size_t)(end - data - size));
    *record = (struct record){
        .self = record,
        .data = (uintptr_t)data,
        .size = size,
        .allocated = {.caller = (uintptr_t)caller, .thread = thread_id()},
    };
    record->allocated.event = event_record(EVENT_ALLOC, record->data, size, record->allocated.caller);
    record->key = key_of(record);
    return data;
}

/* The record of the block that has its data at `address`; ends the program if there is none. */
static struct record *record_at(enum call call, void *address, const void *caller)
{
    lock_heap(); /* the table of segments is searched if it is a huge block's */
    struct place place = locate((uintptr_t)address);
    unlock_heap();
    if (place.kind < PLACE_SLOT || place.state != PLACE_USED)
        report_bad_address(call, address, caller);
    struct record *record = (struct record *)place.start;
    if (!is_sound(record))
        stop_for_record((uintptr_t)address, record, call_verbs[call], deed_now(call, (uintptr_t)address, caller));
    if (record->data != (uintptr_t)address) {
        struct misuse misuse = misuse_of(record, call_inside[call]);
        misuse.address = (uintptr_t)address;
        misuse.now_verb = call_verbs[call];
        misuse.now = deed_now(call, misuse.address, caller);
        report(&misuse);
    }
    if (record->freed.thread) {
        struct misuse misuse = misuse_of(record, call_after_free[call]);
        misuse.now_verb = call_again[call];
        misuse.now = deed_now(call, misuse.address, caller);
        report(&misuse);
    }
    return record;
}

static struct record *leave_quarantine(void)
{
    struct record *record = quarantine.blocks[quarantine.first];
    quarantine.first = (quarantine.first + 1) % QUARANTINE_BLOCKS;
    quarantine.count--;
    quarantine.inherited -= quarantine.inherited > 0;
    quarantine.bytes -= record->size;
    return record;
}

static void give_back(struct record *record)
{
    verify_poison(record, "seen when it left the quarantine,");
    record->self = NULL;
    core_free(record, NULL);
}

static void make_room(size_t size)
{
    for (;;) {
        struct record *oldest = NULL;
        pthread_mutex_lock(&quarantine.lock);
        if (quarantine.count && (quarantine.count == QUARANTINE_BLOCKS || quarantine.bytes + size > QUARANTINE_BYTES))
            oldest = leave_quarantine();
        pthread_mutex_unlock(&quarantine.lock);
        if (!oldest)
            return;
        give_back(oldest);
    }
}

static void enter_quarantine(struct record *record)
{
    bool room = record->size <= QUARANTINE_BYTES / 4;
    if (room)
        make_room(record->size);
    pthread_mutex_lock(&quarantine.lock);
    room = room && quarantine.count < QUARANTINE_BLOCKS;
    if (room) {
        quarantine.blocks[(quarantine.first + quarantine.count++) % QUARANTINE_BLOCKS] = record;
        quarantine.bytes += record->size;
    }
    pthread_mutex_unlock(&quarantine.lock);
    if (!room)
        give_back(record);
}

void check_free(void *address, const void *caller)
{
    pthread_mutex_lock(&quarantine.lock); /* of two threads that free at once, one is the second */
    struct record *record = record_at(CALL_FREE, address, caller);
    struct deed now = deed_now(CALL_FREE, (uintptr_t)address, caller);
    verify_zones(record, call_verbs[CALL_FREE], now);
    record->freed = now;
    record->key = key_of(record);
    pthread_mutex_unlock(&quarantine.lock);
    memset(address, FREED, record->size);
    enter_quarantine(record);
}

void *check_reallocate(void *address, size_t size, const void *caller)
{
    struct record *record = record_at(CALL_REALLOC, address, caller);
    verify_zones(record, call_verbs[CALL_REALLOC], (struct deed){.caller = (uintptr_t)caller, .thread = thread_id()});
    void *moved = check_allocate(16, size, false, caller); /* always: who keeps the old address is found out */
    if (!moved)
        return NULL;
    memcpy(moved, address, size < record->size ? size : record->size);
    check_free(address, caller);
    return moved;
}

size_t check_usable_size(void *address, const void *caller)
{
    struct record *record = record_at(CALL_USABLE_SIZE, address, caller);
    struct deed now = {.caller = (uintptr_t)caller, .thread = thread_id()};
    verify_zones(record, call_verbs[CALL_USABLE_SIZE], now);
    return record->size;
}

void check_before_fork(void)
{
    pthread_mutex_lock(&quarantine.lock);
}

void check_after_fork(bool child)
{
    if (child)
        quarantine.inherited = quarantine.count;
    pthread_mutex_unlock(&quarantine.lock);
}

/* Small programs end before anything has left the quarantine. */
__attribute__((destructor)) static void verify_what_is_left(void)
{
    if (!(root.observers & OBSERVE_CHECK) || !try_mutex(&quarantine.lock))
        return;
    for (size_t i = quarantine.inherited; i < quarantine.count; i++)
        verify_poison(quarantine.blocks[(quarantine.first + i) % QUARANTINE_BLOCKS], "seen at the program's end,");
    pthread_mutex_unlock(&quarantine.lock);
}
