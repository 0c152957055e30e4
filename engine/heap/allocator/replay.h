/* A list of operations done at one go: for the playground, which would lose most of its time between them. */
#ifndef HELIOS_REPLAY_H
#define HELIOS_REPLAY_H
#include "root.h"

enum operation_kind { OPERATION_ALLOC, OPERATION_CALLOC, OPERATION_MEMALIGN, OPERATION_REALLOC, OPERATION_FREE };

struct heap_operation {
    uint32_t kind;
    uint32_t block;
    uint64_t size;
    uint64_t factor; /* calloc: how many; memalign: the alignment */
};
static_assert(sizeof(struct heap_operation) == 24, "engine/heap/playground/operations.py: _PACKED");

/* blocks[n]: where block n is; it stays as it was when the block is freed, and when a realloc fails. answers[i]: what
 * operation i answered. Returns how many requests failed. */
EXPORT size_t helios_replay(const struct heap_operation *operations, size_t count, void **blocks, void **answers);
#endif
