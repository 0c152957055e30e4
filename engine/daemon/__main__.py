"""The engine's process: `python -m engine.daemon --runtime D --state D --keeper-fd N [--ready-fd N]`.

Started by the keeper. Takes over what the keeper holds, recovers the containers, listens, and tells whoever waits at
the ready descriptor `ok`, or in one sentence why not. SIGTERM and SIGINT end it (exit status 0); what runs goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from importlib.metadata import version
from pathlib import Path

from engine import cgroups
from engine.containers.keeper import Keeper
from engine.containers.lifecycle import Containers
from engine.daemon import doctor
from engine.daemon.dispatch import answer
from engine.daemon.server import Server, listen
from engine.daemon.service import Engine
from engine.errors import EngineError
from engine.heap.heaps import Heaps
from engine.images import Images
from engine.metrics.metrics import Metrics
from engine.network.networks import Networks
from engine.network.nftables import nft
from engine.network.rootless.uplink import Uplink
from engine.network.views.view import View
from engine.places import Places
from engine.protocol.messages import Error, Finding, Role, StopEngine
from engine.receipts.ledger import Ledger
from engine.sessions.terminals import Terminals

log = logging.getLogger("engine")

_WHOLE_MAP = ["0", "0", "4294967295"]  # /proc/self/uid_map outside of every user namespace (user_namespaces(7))


class Readiness:
    """The descriptor at which a front end waits for this engine; perhaps nobody does."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_inheritable(descriptor, False)

    def tell(self, word: str) -> None:
        """Say it, once: later words are dropped."""
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, word.encode() + b"\n")
        except BrokenPipeError:
            pass  # whoever waited has gone
        finally:
            os.close(self._descriptor)
            self._descriptor = None


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="engine.daemon")
    parser.add_argument("--runtime", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--keeper-fd", type=int, required=True)
    parser.add_argument("--ready-fd", type=int)
    arguments = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s engine[%(process)d] %(levelname)s %(message)s"
    )
    _raise_descriptor_limit()
    nft.keep_room()
    os.set_inheritable(arguments.keeper_fd, False)
    readiness = Readiness(arguments.ready_fd)
    try:
        return asyncio.run(_run(Places(arguments.runtime, arguments.state), arguments.keeper_fd, readiness))
    except EngineError as error:
        return _refuse(readiness, error.message)
    except OSError as error:
        where = error.filename2 or error.filename
        return _refuse(readiness, f"The engine can't go on: {f'{where}: ' if where else ''}{error.strerror}.")


def _refuse(readiness: Readiness, sentence: str) -> int:
    log.error(sentence)
    readiness.tell(sentence)
    return 1


def _rootless() -> bool:
    return Path("/proc/self/uid_map").read_text().split() != _WHOLE_MAP


async def _run(places: Places, keeper_fd: int, readiness: Readiness) -> int:
    keeper = await Keeper.connect(keeper_fd)
    try:
        own = (os.getpid(), keeper.pid)
        hierarchy = await asyncio.to_thread(lambda: cgroups.take_over(cgroups.discover(), own))
        rootless = _rootless()
        networks = Networks(places, Uplink(keeper, places.runtime) if rootless else None)
        containers = Containers(places, keeper, images := Images(places.images), hierarchy, networks)

        async def findings() -> list[Finding]:
            def look() -> list[Finding]:
                return doctor.findings(rootless, hierarchy, images.list(), keeper.executor)

            return [*await asyncio.to_thread(look), *containers.findings]

        metrics = Metrics(containers)
        terminals = Terminals(places, keeper, containers, rootless=rootless)
        engine = Engine(
            places,
            version("heliostui"),
            rootless,
            keeper,
            containers,
            terminals,
            images,
            metrics,
            containers.volumes,
            networks,
            View(networks, containers),
            heaps := Heaps(containers),
            findings,
            receipts=Ledger(containers.called),
        )
        try:
            await containers.recover()
            await terminals.recover()
            metrics.start()
            gc.freeze()  # what is there now stays: looking it all over for garbage would stop us for 50 ms at a time
            await _serve(engine, keeper, readiness)
        finally:
            await heaps.close()
            await metrics.close()
            await terminals.close()
            await containers.close()
            await networks.close()
    finally:
        keeper.close()
    return 1 if keeper.lost.is_set() else 0


async def _serve(engine: Engine, keeper: Keeper, readiness: Readiness) -> None:
    """Until somebody ends the engine, or the keeper is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stopping.set)

    async def follow_keeper() -> None:
        await keeper.lost.wait()
        log.error("the keeper is gone, and nothing can be run without it")
        engine.stopping.set()

    async def stop_everything() -> None:
        reply = await answer(engine, StopEngine(all=True), Role.OPERATOR)
        if isinstance(reply, Error):
            log.error("asked to end with the keeper, but: %s", reply.message)

    server = Server(engine, listen(engine.places.socket))
    async with asyncio.TaskGroup() as group:

        def terminated() -> None:
            group.create_task(stop_everything())

        keeper.terminated = terminated
        following = group.create_task(follow_keeper())
        keeper.ready()
        readiness.tell("ok")
        log.info("ready at %s", engine.places.socket)
        await server.serve()
        following.cancel()
    log.info("ended")


def _raise_descriptor_limit() -> None:
    """A container takes a handful of descriptors; the usual soft limit of 1024 is there for select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    sys.exit(main())
