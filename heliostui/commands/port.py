"""`heliostui port`: where the ports of a container are published."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import InspectContainer, Inspected
from engine.protocol.network import PortMapping
from engine.protocol.ports import bracketed, numbered
from heliostui.commandline.document import document
from heliostui.commandline.failures import Failure
from heliostui.commandline.parser import add_container, add_format, checked


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)
    add_container(parser)
    parser.add_argument(
        "port", nargs="?", metavar="PORT[/udp]", type=checked(numbered), help="only where this one of the container is"
    )


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        container = engine.request(InspectContainer(container=arguments.container), Inspected).container
    found = container.network.ports
    if arguments.port is not None:
        found = [mapping for mapping in found if (mapping.container_port, mapping.protocol) == arguments.port]
        if not found:
            number, protocol = arguments.port
            why = "" if container.state.pid is not None else ", as it does not run"
            raise Failure(f"Port {number}/{protocol} of container '{container.name}' is not published{why}.")
    if arguments.format == "json":
        print(document(found))
        return 0
    for mapping in found:
        print(where(mapping) if arguments.port is not None else line(mapping))
    return 0


def line(mapping: PortMapping) -> str:
    """`80/tcp -> 0.0.0.0:8080`"""
    return f"{mapping.container_port}/{mapping.protocol} -> {where(mapping)}"


def where(mapping: PortMapping) -> str:
    """`0.0.0.0:8080`"""
    return f"{bracketed(mapping.address)}:{mapping.port}"
