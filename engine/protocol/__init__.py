"""The wire between front ends and the engine: `messages` says what is said, `framing` how it is cut.

May import msgspec and the standard library; nothing of the rest of the engine.
"""
