/* A list of operations, as a program would do them: through the exported functions. */
#include "replay.h"

extern void *malloc(size_t size), *calloc(size_t count, size_t size), *realloc(void *address, size_t size);
extern void *memalign(size_t alignment, size_t size), free(void *address);

static void *perform(const struct heap_operation *operation, void *block)
{
    switch ((enum operation_kind)operation->kind) {
    case OPERATION_ALLOC:
        return malloc(operation->size);
    case OPERATION_CALLOC:
        return calloc(operation->factor, operation->size);
    case OPERATION_MEMALIGN:
        return memalign(operation->factor, operation->size);
    case OPERATION_REALLOC:
        return realloc(block, operation->size);
    case OPERATION_FREE:
        free(block);
    }
    return NULL;
}

size_t helios_replay(const struct heap_operation *operations, size_t count, void **blocks, void **answers)
{
    size_t failures = 0;
    for (const struct heap_operation *operation = operations; operation < operations + count; operation++) {
        void **block = &blocks[operation->block], *answer = perform(operation, *block);
        bool gives = operation->kind != OPERATION_FREE && !(operation->kind == OPERATION_REALLOC && !operation->size);
        failures += gives && !answer;
        if (answer || operation->kind < OPERATION_REALLOC)
            *block = answer;
        answers[operation - operations] = answer;
    }
    return failures;
}
