"""How front ends reach the engine: over its unix socket, starting it on demand.

Imports no Textual; only `aio` imports asyncio.
"""
