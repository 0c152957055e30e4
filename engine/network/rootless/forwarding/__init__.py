"""Published ports of an ordinary user's engine: a process in the home namespace that takes connections and datagrams at
sockets of the host, and hands them on to containers.

It gets the sockets from the engine, which binds them in the host's network; what it connects with is in the home
namespace. It outlives the engine, and so do connections. One thread, the standard library only (and
`engine.keeper.wire`), no asyncio: `loop` waits, `tcp` and `udp` forward, `control` obeys the engine, `transparent`
connects in the caller's name.
"""
