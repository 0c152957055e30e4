"""`heliostui version`: the versions of the command line and of the engine, if one runs."""

from __future__ import annotations

import argparse
from importlib.metadata import version

from engine.client.blocking import Connection
from engine.client.errors import EngineNotRunning
from engine.places import places
from engine.protocol.messages import VERSION, EngineInfo
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_format


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    own = version("heliostui")
    if arguments.format == "json":
        print(document({"version": own, "protocol": VERSION, "engine": _engine()}))
        return 0
    print(f"heliostui {own}, protocol {VERSION}")
    engine = _engine()
    print(f"engine {engine.version}, protocol {engine.protocol}" if engine else "no engine runs")
    return 0


def _engine() -> EngineInfo | None:
    try:
        with Connection.connect(places(), start=False, any_version=True) as connection:
            return connection.engine
    except EngineNotRunning:
        return None
