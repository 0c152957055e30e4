"""`heliostui engine start|stop|status`: the engine that all other verbs start when they need it.

`engine reach` is what `-H ssh://…` runs on the other machine; its one line of JSON is for `engine.client.tunnel`.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from engine.client.blocking import Connection
from engine.client.errors import EngineNotRunning
from engine.places import LOCAL, Places, places
from engine.protocol.messages import Done, EngineInfo, StopEngine
from heliostui.commandline.document import document
from heliostui.commandline.failures import Failure
from heliostui.commandline.parser import add_format

PATIENCE = 30.0  # seconds that engine and keeper have to go after they were told to


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="start|stop|status|reach", prog=parser.prog)
    actions.add_parser("start", help="start it, if it does not run")
    stop = actions.add_parser("stop", help="end it; refused while containers run or terminals are open")
    stop.add_argument("--all", action="store_true", help="stop all containers and close all terminals first")
    add_format(actions.add_parser("status", help="tell who it is"))
    reach = actions.add_parser("reach", help="tell where its socket is, for -H on another machine")
    reach.add_argument("--no-start", action="store_true", help="do not start it")
    reach.add_argument("--hold", action="store_true", help="stay until standard input ends")


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "start":
            with Connection.connect(places()) as engine:
                print(_sentence(engine.engine))
        case "stop":
            _stop(everything=arguments.all)
        case "status":
            with Connection.connect(places(), start=False) as engine:
                print(document(engine.engine) if arguments.format == "json" else _sentence(engine.engine))
        case "reach":
            _reach(start=not arguments.no_start, hold=arguments.hold)
    return 0


def _reach(*, start: bool, hold: bool) -> None:
    """Always this machine's engine, of whoever came here by ssh."""
    here = places(LOCAL)
    try:
        Connection.connect(here, start=start, any_version=True).close()
        running = True
    except EngineNotRunning:
        running = False
    print(json.dumps({"socket": str(here.socket), "running": running}), flush=True)
    if hold:
        while os.read(sys.stdin.fileno(), 4096):
            pass


def _stop_there(here: Places, *, everything: bool) -> None:
    from engine.client import tunnels

    done = tunnels.run(here, ["engine", "stop", *(["--all"] if everything else [])])
    if done.returncode:
        raise Failure(done.stderr.decode(errors="replace").strip().removeprefix("heliostui: "), done.returncode)
    print(done.stdout.decode(errors="replace").strip())


def _stop(*, everything: bool) -> None:
    if places().host is not None:
        _stop_there(places(), everything=everything)  # its processes are not to be waited for from here
        return
    try:
        engine = Connection.connect(places(), start=False, any_version=True)
    except EngineNotRunning:
        print("The engine is not running.")
        return
    with engine:
        pids = (engine.engine.pid, engine.engine.keeper_pid)
        with ExitStack() as opened:
            processes = [opened.enter_context(_process(pid)) for pid in pids]
            engine.request(StopEngine(all=everything), Done)
            for pid, process in zip(pids, processes, strict=True):
                if not select.select([process], [], [], PATIENCE)[0]:
                    raise Failure(f"the engine was told to end, but its process {pid} is still there")
    print("The engine has ended.")


@contextmanager
def _process(pid: int) -> Iterator[int]:
    """A descriptor that is readable once the process has ended (pidfd_open(2))."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sentence(info: EngineInfo) -> str:
    rootless = ", rootless" if info.rootless else ""
    return (
        f"The engine {info.version} runs as pid {info.pid}, kept by pid {info.keeper_pid}{rootless}; "
        f"{info.running} of {info.containers} containers run.\nIt listens at {info.socket}"
    )
