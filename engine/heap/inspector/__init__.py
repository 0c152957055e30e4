"""Reads the heaps of other processes, without their help: a process of its own, `python -m engine.heap.inspector`.

client        for the engine (asyncio): starts it, asks, and starts it anew when it was lost; no numpy
wire          what the two say to each other; no numpy
serve         its loop: one question at a time; its limits
inspection    what is known of one process, and the answers
  target      which process this is, and why it has no heap of ours
  memory      process_vm_readv: many ranges at once, bounded
  structures  the structures of layout as numpy sees them
  root        finds the heap
  snapshot    all of it at one moment, of
    arenas, slabs, threads    its parts
  pages       which pages are in memory
  sums        totals, fragmentation, histogram, classes, bins
  picture     rows of cells; intervals: how much of what is in which
  blocks      what is at an address
  bins, free_lists  the free blocks in the order of their lists
  fields      bytes, and what they mean
  events      what the allocator did last; words: in sentences, no numpy
  growth      the sums of the last ten minutes

Whoever is read may lie in every byte, change meanwhile, or end: every read has a bound, every index is checked, and
what contradicts itself is said in a sentence.
"""
