/* What a heap looks like in memory: all that the allocator shares with readers outside of the process.
 *
 * engine/heap/layout.py is generated from this file by layout_of.py, so it keeps to plain forms: `#define NAME number`,
 * `enum name { ... };`, `struct name { type field; ... };`. A pointer is 8 bytes. Whoever changes a field or a number
 * raises LAYOUT_VERSION.
 *
 * root (in the library's data, at a page start, found by its magic)
 *  ├─ segments ── table of all segments, which are aligned to 4 MiB and of three kinds
 *  │    slab segment   4 MiB of 64 slabs of 64 KiB; the first 6 hold what is known of the others:
 *  │        0 segment header · 4 KiB: 64 slab descriptors · 8 KiB: bitmaps of free slots, 512 bytes a slab ·
 *  │        64 KiB: slot states of slabs with slots of 64 bytes and more, 1 KiB a slab · 128 KiB: of smaller, 4 KiB
 *  │    arena          header · bitmap "a block starts here" · bitmap "used" · blocks, end to end · end mark
 *  │    huge           header (or one segment unit before the data, for great alignments) · one user's data
 *  ├─ bins ──────── lists of the free blocks of all arenas, by size
 *  ├─ thread_caches  list of what threads hold back: magazines of slots, a quick cache of blocks
 *  └─ events ────── ring of what happened last, if somebody watches
 *
 * A block is a header of 16 bytes and the user's data, which starts on a granule of 64 bytes; so headers lie at 48
 * modulo 64, and the header of the next block follows the data. In the arena's bitmaps bit g stands for the granule
 * that holds segment + 64 * g. `starts`: a block's header lies there. `used`: it is the first or the last granule of
 * a used block. A free block has links of its bin after the header, and its size once more in its last 8 bytes.
 */
#ifndef HELIOS_LAYOUT_H
#define HELIOS_LAYOUT_H
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_VERSION 1
#define ROOT_MAGIC 0x482d534f494c4548    /* "HELIOS-H" in memory */
#define SEGMENT_MAGIC 0x47455353494c4548 /* "HELISSEG" */

#define SEGMENT_SHIFT 22
#define SEGMENT_UNIT 4194304 /* segments start on multiples of it; only slab segments are exactly one long */
#define SEGMENT_LIMIT 1048576

#define SLAB_SHIFT 16
#define SLAB_BYTES 65536
#define SLABS_PER_SEGMENT 64
#define FIRST_SLAB 6 /* the slabs before are the segment's own */
#define SLABS_OFFSET 4096
#define FREE_SLOTS_OFFSET 8192
#define FREE_SLOTS_STRIDE 512
#define STATES_OFFSET 65536
#define STATES_STRIDE 1024
#define SMALL_STATES_OFFSET 131072
#define SMALL_STATES_STRIDE 4096
#define SMALL_STATES_BELOW 64 /* slots below this size have their states in the second place */
#define LARGEST_SLOT 1024
#define SLOT_CLASSES 32 /* 16, 32 ... 128, then eight a doubling */

#define GRANULE 64
#define BLOCK_HEADER 16
#define BLOCK_USED 1   /* flags in a header's first word */
#define BLOCK_CACHED 2 /* used as its arena sees it, but in a thread's quick cache */
#define BLOCK_SIZE_MASK 0xffffffffffc0
#define CHECKSUM_SHIFT 48
#define ARENA_BITMAPS_OFFSET 256

#define EXACT_BINS 16384 /* bin n has the blocks of n granules, below EXACT_BINS_BELOW bytes */
#define EXACT_BINS_BELOW 1048576
#define EXACT_BINS_SHIFT 20
#define BINS_PER_DOUBLING 256 /* from there on; in a bin blocks are then sorted, smallest first */
#define BINS 21504            /* 20 doublings more: the last bin begins below 1 TiB */
#define BIN_WORDS 336
#define BIN_SUMMARY_WORDS 6

#define MAGAZINE_SLOTS 124
#define QUICK_CLASSES 512 /* quick class n: blocks of n granules */
#define QUICK_WAYS 4
#define QUICK_BLOCKS 2048
#define EVENTS 4096

#define MODE_NO_SLABS 1 /* HELIOS_HEAP=slabs=off */
#define MODE_NO_CACHE 2 /* HELIOS_HEAP=cache=off */
#define MODE_CHECK 4    /* HELIOS_HEAP=check */
#define MODE_TRACE 8    /* HELIOS_HEAP=trace=PATH */

#define OBSERVE_START 1 /* the environment was not read yet: so it begins */
#define OBSERVE_EVENTS 2
#define OBSERVE_CHECK 4
#define OBSERVE_TRACE 8

#define SLAB_CURRENT 1 /* flag of a slab that a thread takes slots from: it is in no list */

enum heap_policy { POLICY_BEST = 0, POLICY_FIRST = 1, POLICY_NEXT = 2, POLICY_WORST = 3 };
enum segment_kind { SEGMENT_NONE = 0, SEGMENT_SLABS = 1, SEGMENT_ARENA = 2, SEGMENT_HUGE = 3 };
enum slot_state { SLOT_FREE = 0, SLOT_CACHED = 1, SLOT_USED = 2 };

/* address, size, detail of each: */
enum heap_event_kind {
    EVENT_NONE = 0,
    EVENT_ALLOC = 1,     /* user's address, size asked for, where in the program */
    EVENT_FREE = 2,      /* user's address, size usable, where in the program */
    EVENT_REALLOC = 3,   /* new address, new size, old address */
    EVENT_SEARCH = 4,    /* block found (0: none), bytes needed, first bin looked at << 32 | bin found */
    EVENT_SPLIT = 5,     /* block left over, its bytes, bytes of the part taken */
    EVENT_COALESCE = 6,  /* whole block, its bytes, bytes of the free neighbour that joined */
    EVENT_MAP = 7,       /* segment, its bytes, kind */
    EVENT_UNMAP = 8,     /* segment, its bytes, kind */
    EVENT_PURGE = 9,     /* first page given back, bytes given back, 0 */
    EVENT_SLAB_NEW = 10, /* slab, size of its slots, number of slots */
    EVENT_SLAB_DROP = 11,/* slab, size of its slots, 0 */
    EVENT_REFILL = 12,   /* first slot, size of slots, how many went into the magazine */
    EVENT_FLUSH = 13,    /* 0, size of slots (0: quick cache), how many left the cache */
    EVENT_CACHE_HIT = 14 /* user's address, bytes of slot or block, 1: slot, 2: block */
};

struct heap_event {
    uint32_t number; /* modulo 2**32, from 1; 0: is being written */
    uint32_t kind_and_thread; /* kind << 24 | thread id */
    uint64_t time;            /* CLOCK_MONOTONIC, nanoseconds */
    uint64_t address;
    uint64_t size;
    uint64_t detail;
};

struct segment {
    uint64_t magic;
    uint32_t kind;  /* enum segment_kind */
    uint32_t index; /* in the table of segments */
    uint64_t length;
    uint64_t sequence;   /* arena: odd while its blocks change */
    uint64_t first;      /* arena: address of the first block's header */
    uint64_t end;        /* arena: address of the end mark, the header of a used block of no size */
    uint64_t *starts;    /* arena: the bitmaps, of length / 512 bytes each */
    uint64_t *used;
    uint64_t free_slabs;  /* slab segment: bit i, slab i is nobody's */
    uint64_t dirty_slabs; /* slab segment: bit i, slab i is free and still has memory */
    struct segment *next; /* slab segments with free slabs */
    struct segment *previous;
    uint64_t requested; /* huge: bytes asked for */
    uint64_t data;      /* huge: user's address */
    uint64_t reserved[18];
};

struct segment_entry {
    uint64_t base;            /* a free entry: address of the next free entry */
    uint64_t length_and_kind; /* length | enum segment_kind; 0: free entry */
};

struct slab {
    uint8_t *states;     /* one enum slot_state per slot */
    uint32_t reciprocal; /* offset * reciprocal >> 32 = slot */
    uint16_t slot_size;  /* 0: nobody's slab */
    uint8_t slot_class;
    uint8_t flags;
    uint16_t slots;
    uint16_t free_count; /* slots in the bitmap, without those in magazines */
    uint32_t stamp;      /* period in which it became free */
    struct slab *next;   /* slabs of the class with free slots */
    struct slab *previous;
    uint64_t *free_slots; /* bitmap */
    uint64_t summary;     /* bit w: word w of the bitmap isn't 0 */
    uint64_t reserved;
};

struct block {
    uint64_t word;      /* size | flags | checksum << 48 */
    uint64_t requested; /* used: bytes asked for */
};

struct free_block {
    uint64_t word;
    uint64_t requested;      /* 0 */
    struct free_block *next; /* in the bin */
    struct free_block *previous;
    uint64_t dirty_from; /* beyond node and last word, bytes outside of dirty_from .. dirty_to are zero */
    uint64_t dirty_to;
    uint64_t stamp; /* period in which it became as it is */
};

struct magazine {
    uint32_t count;
    uint32_t capacity;
    uint64_t allocations; /* since the thread began */
    uint32_t reciprocal;  /* of its slot size, as in struct slab */
    uint32_t slot_size;
    uint64_t requested; /* bytes asked for in its allocations */
    void *slots[MAGAZINE_SLOTS];
};

struct thread_cache {
    struct thread_cache *next; /* of the list of threads, or of unused caches */
    struct thread_cache *previous;
    uint32_t thread; /* thread id */
    uint32_t live;
    uint64_t quick_bytes;
    uint64_t quick_total;
    uint64_t reserved[27];
    struct slab *current[SLOT_CLASSES]; /* the slab this thread refills from */
    struct magazine magazines[SLOT_CLASSES];
    uint8_t quick_count[QUICK_CLASSES];
    void *quick[QUICK_BLOCKS]; /* QUICK_WAYS user's addresses per class */
};

/* Apart from the root, so that its pages are zero and unread until they are needed. */
struct heap_bins {
    uint64_t summary[BIN_SUMMARY_WORDS]; /* bit w: word w of bits isn't 0 */
    uint64_t bits[BIN_WORDS];            /* bit b: bin b isn't empty */
    struct free_block *lists[BINS];
};

struct heap_root {
    uint64_t magic;
    uint32_t version;
    uint32_t size;          /* of this structure */
    struct heap_root *self; /* its address: a copy in a file or a forgotten page is no heap */
    uint32_t policy;        /* enum heap_policy */
    uint32_t modes;         /* MODE_ bits */
    uint64_t page_size;
    uint64_t secret; /* key of the checksums */
    struct segment_entry *segments;
    struct heap_event *events;
    uint64_t watch_until; /* CLOCK_MONOTONIC, seconds; 0: nobody watches. Readers may write this one field */
    uint32_t observers; /* OBSERVE_ bits: why malloc and its friends take the slow way, beside watch_until */
    uint32_t reserved_observers;
    uint64_t reserved[6];
    uint16_t class_sizes[SLOT_CLASSES];

    uint64_t event_count; /* so far; the last EVENTS of them are in the ring, event n (from 1) at (n - 1) % EVENTS */
    uint64_t reserved_events[7];

    uint64_t sequence; /* odd while somebody who holds the lock changes the heap */
    uint32_t lock;     /* 0 free, 1 taken, 2 taken and waited for */
    uint32_t segment_count; /* entries in use or used once */
    struct thread_cache *thread_caches;
    struct thread_cache *spare_caches;
    struct segment_entry *free_entries;
    struct segment *slab_segments; /* those with free slabs */
    uint64_t huge_threshold;       /* from this size on blocks get a mapping of their own */
    uint64_t rover;                /* next fit: where the search goes on */
    uint64_t next_base;            /* where the next segment is wished for: a gap perhaps, else the top */
    uint64_t top;                  /* the end of the highest segment so far */
    uint64_t period;               /* 25 ms at least; memory idle for one whole period is given back */
    uint64_t period_start;         /* CLOCK_MONOTONIC, nanoseconds */
    uint64_t frees_until_look;     /* at the clock, whether a period is over */

    uint64_t forks; /* between this process and the one that began the heap; slots that other threads just took or gave
                       back at a fork are lost to the child, and stay "cached" */

    uint64_t bytes_mapped;
    uint64_t arena_used_bytes; /* headers included */
    uint64_t arena_free_bytes;
    uint64_t huge_bytes;
    uint64_t live_slabs;
    uint64_t arena_allocations;
    uint64_t arena_frees;
    uint64_t splits;
    uint64_t coalesces;
    uint64_t search_steps; /* blocks looked at in bins of several sizes */
    uint64_t maps;
    uint64_t unmaps;
    uint64_t purges;
    uint64_t refills;
    uint64_t flushes;

    struct slab *partial_slabs[SLOT_CLASSES];
    struct heap_bins *bins;
};

static_assert(sizeof(void *) == 8, "64 bit machines only");
static_assert(sizeof(struct heap_event) == 40, "events have no gaps");
static_assert(sizeof(struct segment) == ARENA_BITMAPS_OFFSET, "bitmaps follow the header");
static_assert(sizeof(struct slab) == 64, "64 descriptors fill a page");
static_assert(sizeof(struct block) == BLOCK_HEADER, "a header is what layout.py says");
static_assert(sizeof(struct free_block) + 8 <= GRANULE, "the smallest block has room for node and last word");
static_assert(offsetof(struct free_block, requested) == offsetof(struct block, requested), "a free block is a block");
static_assert(sizeof(struct magazine) == 1024, "magazines are found by a shift");
static_assert(offsetof(struct thread_cache, magazines) % 64 == 0, "magazines begin cache lines");
static_assert(offsetof(struct heap_root, magic) == 0, "the magic is at the page's start");
static_assert(offsetof(struct heap_root, version) == 8, "the version is checked before anything else");
static_assert(offsetof(struct heap_root, sequence) % 64 == 0, "what is written often shares no line with what is read");
static_assert(BIN_WORDS * 64 == BINS && BIN_SUMMARY_WORDS * 64 >= BIN_WORDS, "bitmaps cover the bins");
static_assert(QUICK_CLASSES * QUICK_WAYS == QUICK_BLOCKS, "the quick cache is a table of classes and ways");
#endif
