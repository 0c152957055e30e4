"""`heliostui update`: change limits of containers, at once where they run, and for their next starts."""

from __future__ import annotations

import argparse

from engine.protocol.limits import Limits
from engine.protocol.messages import Reply, UpdateContainer, Updated
from heliostui.commandline.each import for_each
from heliostui.commandline.failures import UsageError
from heliostui.commandline.limits import add_limit_options, given_limits
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print names only, not what was written to the kernel"
    )
    add_limit_options(parser)
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    limits = given_limits(arguments)
    if limits == Limits():
        raise UsageError("name a limit to change, as in --memory 512m (see 'heliostui update --help')")

    def tell(container: str, reply: Reply) -> str:
        assert isinstance(reply, Updated)
        writes = [] if arguments.quiet else reply.writes
        return "\n".join([container, *(f"  {write.file}: {write.text}" for write in writes)])

    return for_each(arguments.containers, lambda name: UpdateContainer(container=name, limits=limits), tell=tell)
