/* Bins, and the search in them. Best fit is what they are made for; the other policies look at every block that fits. */
#include "bins.h"

#include "events.h"

/* The first bin from `bin` on that isn't empty; BINS: none. */
static unsigned next_bin(unsigned bin)
{
    if (bin >= BINS)
        return BINS;
    unsigned word = bin / 64;
    uint64_t bits = bins.bits[word] & ~0ull << bin % 64;
    if (bits)
        return word * 64 + __builtin_ctzll(bits);
    if (++word >= BIN_WORDS)
        return BINS;
    unsigned part = word / 64;
    uint64_t words = bins.summary[part] & ~0ull << word % 64;
    while (!words) {
        if (++part >= BIN_SUMMARY_WORDS)
            return BINS;
        words = bins.summary[part];
    }
    word = part * 64 + __builtin_ctzll(words);
    return word * 64 + __builtin_ctzll(bins.bits[word]);
}

static inline struct free_block *best_fit(size_t size)
{
    unsigned bin = bin_of(size);
    if (bin >= EXACT_BINS) { /* here blocks of a bin differ: its first may be too small */
        for (struct free_block *block = bins.lists[bin]; block; block = block->next) {
            root.search_steps++;
            if (free_size(block) >= size)
                return block;
        }
        bin++;
    }
    bin = next_bin(bin);
    return bin < BINS ? bins.lists[bin] : NULL;
}

/* Is `block` to be taken rather than `other`? */
static bool comes_before(const struct free_block *block, const struct free_block *other)
{
    switch ((enum heap_policy)root.policy) {
    case POLICY_WORST:
        return free_size(block) > free_size(other) || (free_size(block) == free_size(other) && block < other);
    case POLICY_NEXT: {
        bool ahead = (uintptr_t)block >= root.rover, other_ahead = (uintptr_t)other >= root.rover;
        return ahead != other_ahead ? ahead : block < other;
    }
    default:
        return block < other;
    }
}

static COLD struct free_block *fit_of_policy(size_t size)
{
    struct free_block *found = NULL;
    for (unsigned bin = next_bin(bin_of(size)); bin < BINS; bin = next_bin(bin + 1))
        for (struct free_block *block = bins.lists[bin]; block; block = block->next) {
            root.search_steps++;
            if (free_size(block) >= size && (!found || comes_before(block, found)))
                found = block;
        }
    if (found)
        root.rover = (uintptr_t)found + size; /* next fit goes on behind what it gives away */
    return found;
}

struct free_block *find_free(size_t size)
{
    struct free_block *found = likely(root.policy == POLICY_BEST) ? best_fit(size) : fit_of_policy(size);
    uint64_t from = bin_of(size), to = found ? bin_of(free_size(found)) : BINS;
    event(EVENT_SEARCH, (uintptr_t)found, size, from << 32 | to);
    return found;
}
