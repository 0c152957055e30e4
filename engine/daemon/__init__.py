"""The engine's process: listens, knows who asks, and hands each request to the part that can do it.

`server` accepts, `session` converses with one client over a `wire`, `dispatch` is the table from message to handler,
`service` says what the handlers need of the rest of the engine.
"""
