"""`heliostui publish`: further ports of a container, at once where it runs, and at every start."""

from __future__ import annotations

import argparse

from engine.protocol import ports
from engine.protocol.messages import Ports, PublishPort, Reply
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_container, checked
from heliostui.commands.port import line


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Prints what is published now; of a container that does not run, nothing is."
    add_container(parser)
    parser.add_argument(
        "ports",
        nargs="+",
        metavar="[ADDRESS:][PORT:]PORT[/udp]",
        type=checked(ports.parse),
        help="as with `run --publish`: 8080:80, 127.0.0.1::80, 8000-8010:80/udp",
    )


def run(arguments: argparse.Namespace) -> int:
    by_text = {ports.text(port): port for port in arguments.ports}
    return for_each(
        list(by_text), lambda text: PublishPort(container=arguments.container, port=by_text[text]), tell=tell
    )


def tell(_port: str, reply: Reply) -> str | None:
    """The mappings, a line each."""
    assert isinstance(reply, Ports)
    return "\n".join(line(mapping) for mapping in reply.ports) or None
