"""Heaps driven by hand, each in a process of its own: `python -m engine.heap.playground`.

- `trace`: the text format of operations; of traces of real programs too.
- `examples`: traces worth seeing.
- `program`: the operations of a playground, packed, where its processes share them.
- `heap`: the allocator, loaded beside this process's own malloc.
- `explaining`: what the allocator did, in words.
- `runner`: the process that has the heap, and may end with it; `session` starts it, and starts it again.
- `client`: playgrounds as the engine's process sees them.
"""
