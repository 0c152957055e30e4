"""`heliostui wait`: wait until containers do not run, and print their exit statuses."""

from __future__ import annotations

import argparse

from engine.protocol.messages import ExitStatus, Reply, WaitContainer
from heliostui.commandline.each import for_each
from heliostui.commandline.parser import add_containers


def configure(parser: argparse.ArgumentParser) -> None:
    add_containers(parser)


def run(arguments: argparse.Namespace) -> int:
    return for_each(
        arguments.containers, lambda name: WaitContainer(container=name), tell=exit_code, together=True, again=True
    )


def exit_code(_container: str, reply: Reply) -> str:
    assert isinstance(reply, ExitStatus)
    return str(reply.exit_code)
