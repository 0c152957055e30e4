"""Heaps driven by hand, each in a process of its own: `python -m engine.heap.playground`.

- `trace`: the text format of operations; also of traces of real programs. `examples`: traces worth seeing.
- `operations`: a playground's operations, packed, in memory that its processes share.
- `allocator`: the library, loaded beside this process's own malloc.
- `performing`: what the process does that has the heap, and may end with it. `heap`: that process, from outside.
- `explaining`: what the allocator did, in words.
- `session`: the playground itself; starts heaps, and starts them again. `answers`, `frames`: how it is spoken to.
- `client`: playgrounds as the engine's process sees them.
"""
