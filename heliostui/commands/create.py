"""`heliostui create`: a container without a process, until it is started."""

from __future__ import annotations

import argparse
import os

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import ContainerRef, CreateContainer
from heliostui.commandline.failures import warn
from heliostui.commandline.options import add_container_options, container_options


def configure(parser: argparse.ArgumentParser) -> None:
    add_container_options(parser)


def run(arguments: argparse.Namespace) -> int:
    options = container_options(arguments, os.environ)
    with Connection.connect(places()) as engine:
        made = engine.request(CreateContainer(options=options), ContainerRef)
    warn(made)
    print(made.id)
    return 0
