"""`heliostui images`: the built-in images."""

from __future__ import annotations

import argparse
import shlex

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Images, ListImages
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_format
from heliostui.commandline.table import table

HEADINGS = ("IMAGE", "COMMAND", "AVAILABLE", "DESCRIPTION")


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        images = engine.request(ListImages(), Images).images
    if arguments.format == "json":
        print(document(images))
        return 0
    rows = [
        (image.name, shlex.join(image.command), "yes" if image.available else f"no: {image.reason}", image.description)
        for image in images
    ]
    print(table(HEADINGS, rows))
    return 0
