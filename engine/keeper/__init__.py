"""The keeper: what must not die with the engine. Parent of the engine and of every container's processes; holder of
terminals, pipes and exit statuses that nobody has claimed yet.

One thread, the standard library only, no asyncio: it stays small (a few megabytes) and is finished early.
`wire` is also read by the engine (`engine.containers.keeper`).
"""
