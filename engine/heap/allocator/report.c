#define _GNU_SOURCE
#include "report.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "code.h"
#include "events.h"
#include "line.h"

const char *const call_verbs[] = {"freed", "reallocated", "asked for its size"};
const char *const call_again[] = {"freed again", "reallocated", "asked for its size"};
const char *const call_after_free[] = {"double free", "realloc after free", "malloc_usable_size after free"};
const char *const call_inside[] = {"interior free", "interior realloc", "interior malloc_usable_size"};

static bool checking(void)
{
    return root.observers & OBSERVE_CHECK;
}

static void add_bytes(struct line *line, size_t count)
{
    line_number(line, count);
    line_text(line, count == 1 ? " byte" : " bytes");
}

static void add_place(struct line *line, const struct misuse *misuse)
{
    static const char *const states[] = {"free", "cached", "used"};
    static const char *const kinds[] = {"", "", "slot of ", "block of ", "huge block of "};
    const struct place *place = &misuse->place;
    if (place->kind == PLACE_NOWHERE)
        return line_text(line, "not in the heap, or given back to the system");
    if (place->kind == PLACE_OWN)
        return line_text(line, "in the heap, but in no block or slot in use");
    if (place->start != misuse->address) {
        bool before = misuse->address < place->start; /* in its header, or its record */
        add_bytes(line, before ? place->start - misuse->address : misuse->address - place->start);
        line_text(line, before ? " before " : " inside of ");
        line_address(line, place->start);
        line_text(line, ": ");
    }
    add_bytes(line, place->size);
    line_text(line, ", ");
    line_text(line, kinds[place->kind]);
    line_number(line, place->room);
    line_text(line, ", ");
    line_text(line, misuse->state ? misuse->state : states[place->state]);
    if (misuse->byte_words) {
        line_text(line, ", overwritten ");
        add_bytes(line, misuse->byte);
        line_text(line, " ");
        line_text(line, misuse->byte_words);
    }
}

static void add_deed(struct line *line, const char *verb, const struct deed *deed)
{
    line_text(line, verb);
    line_text(line, " by thread ");
    line_number(line, deed->thread);
    if (deed->caller) {
        line_text(line, " at ");
        line_code(line, deed->caller);
    }
    if (deed->event) {
        line_text(line, " (event ");
        line_number(line, deed->event);
        line_text(line, ")");
    }
}

static void add_deeds(struct line *line, const struct misuse *misuse)
{
    bool known = misuse->first_verb && misuse->first.thread;
    if (known) {
        add_deed(line, misuse->first_verb, &misuse->first);
        line_text(line, ", ");
    }
    add_deed(line, misuse->now_verb, &misuse->now);
    if (misuse->first_verb && !known) {
        line_text(line, " (when it was first ");
        line_text(line, misuse->first_verb);
        line_text(line, checking() ? " is forgotten by now)" : " is not recorded: HELIOS_HEAP=check remembers)");
    }
}

/* Two threads may find something at once; one line is enough, and the first to come ends both. */
static void be_the_only_one(void)
{
    static uint32_t first;
    uint32_t nobody = 0, me = thread_id();
    bool is_first = __atomic_compare_exchange_n(&first, &nobody, me, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (!is_first && nobody != me) /* me: a handler of SIGABRT misuses it, too, or has jumped out */
        for (;;)
            pause();
}

_Noreturn void report(const struct misuse *misuse)
{
    be_the_only_one();
    struct line line = {0};
    line_text(&line, "helios-heap: ");
    line_text(&line, misuse->what);
    line_text(&line, " of ");
    line_address(&line, misuse->address);
    line_text(&line, " (");
    add_place(&line, misuse);
    line_text(&line, "): ");
    add_deeds(&line, misuse);
    line_write(&line);
    if (root.lock || root.observers) /* maybe our locks: a handler that allocates would wait for ever */
        signal(SIGABRT, SIG_DFL);
    abort();
}

struct deed deed_now(enum call call, uintptr_t address, const void *caller)
{
    struct deed deed = {.caller = (uintptr_t)caller, .thread = thread_id()};
    if (observed() && call != CALL_USABLE_SIZE)
        deed.event = event_record(call == CALL_FREE ? EVENT_FREE : EVENT_REALLOC, address, 0, deed.caller);
    return deed;
}

static struct deed deed_of(const struct heap_event *event)
{
    bool moved = event->kind_and_thread >> EVENT_KIND_SHIFT == EVENT_REALLOC; /* says from where, not who asked */
    return (struct deed){
        .event = event->number,
        .caller = moved ? 0 : event->detail,
        .thread = event->kind_and_thread & EVENT_THREAD_MASK,
    };
}

static struct deed allocation_of(uintptr_t address)
{
    struct heap_event event;
    return event_of_allocation(address, &event) ? deed_of(&event) : (struct deed){0};
}

static struct deed release_of(uintptr_t address)
{
    struct heap_event event;
    return event_of_release(address, &event) ? deed_of(&event) : (struct deed){0};
}

static bool may_have_been_freed(const struct place *place, uintptr_t address)
{
    if (place->kind == PLACE_BLOCK)
        return place->state != PLACE_USED && (address - place->start) % GRANULE == 0;
    return place->kind == PLACE_SLOT && place->state != PLACE_USED && (address == place->start || checking());
}

_Noreturn void report_bad_address(enum call call, const void *address, const void *caller)
{
    static const char *const nothing[] = {"invalid free", "invalid realloc", "invalid malloc_usable_size"};
    struct misuse misuse = {
        .address = (uintptr_t)address,
        .place = locate((uintptr_t)address),
        .first = release_of((uintptr_t)address),
        .now_verb = call_verbs[call],
    };
    if (may_have_been_freed(&misuse.place, misuse.address) || misuse.first.thread) {
        misuse.what = call_after_free[call];
        misuse.first_verb = "freed";
        misuse.now_verb = call_again[call];
    } else if (misuse.place.kind < PLACE_SLOT) {
        misuse.what = nothing[call];
    } else {
        misuse.what = misuse.place.start == misuse.address ? "overwritten header" : call_inside[call];
        misuse.first_verb = "allocated";
        misuse.first = allocation_of(misuse.place.start);
    }
    misuse.now = deed_now(call, misuse.address, caller);
    report(&misuse);
}

_Noreturn void report_damage(enum damage damage, const void *block)
{
    static const char *const names[] = {"overwritten header", "overwritten boundary tag", "overwritten free list"};
    uintptr_t address = (uintptr_t)block + BLOCK_HEADER;
    struct misuse misuse = {
        .what = names[damage],
        .address = address,
        .place = locate(address),
        .first_verb = "allocated",
        .now_verb = "seen",
        .now = {.thread = thread_id()},
    };
    if (misuse.place.state == PLACE_FREE)
        misuse.first_verb = "freed";
    misuse.first = misuse.place.state == PLACE_FREE ? release_of(address) : allocation_of(address);
    report(&misuse);
}
