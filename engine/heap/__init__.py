"""A real allocator that one can watch: the C library, its readers from outside, and heaps driven by hand.

- `allocator/`: malloc in C11, preloaded into programs (`run --heap`); `layout.h` is its contract with readers.
- `layout`: the same contract for Python, generated from `layout.h`.
- `library`: where the compiled library is, and the environment that preloads it.
- `inspector/`: reads heaps of other processes; a process of its own.
- `playground/`: heaps driven by hand or by a trace, each in a process of its own.
- `heaps`: what the rest of the engine calls.

The engine's process never loads the allocator and never imports numpy.
"""
