"""`heliostui unpublish`: take back ports that `publish`, or `run --publish`, published."""

from __future__ import annotations

import argparse

from engine.protocol.messages import UnpublishPort
from engine.protocol.ports import numbered
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_container, checked
from heliostui.commands.publish import tell


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Prints what is published no more."
    add_container(parser)
    parser.add_argument(
        "ports", nargs="+", metavar="PORT[/udp]", type=checked(numbered), help="of the container: 80, 53/udp"
    )


def run(arguments: argparse.Namespace) -> int:
    by_text = {f"{port}/{protocol}": (port, protocol) for port, protocol in arguments.ports}

    def request(text: str) -> UnpublishPort:
        port, protocol = by_text[text]
        return UnpublishPort(container=arguments.container, port=port, protocol=protocol)

    return for_each(list(by_text), request, tell=tell)
