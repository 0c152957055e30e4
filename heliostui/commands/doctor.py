"""`heliostui doctor`: what this machine can and can't do, and what that costs."""

from __future__ import annotations

import argparse

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import Doctor, GetDoctor
from heliostui.commandline.document import document
from heliostui.commandline.parser import add_format
from heliostui.commandline.table import table

HEADINGS = ("WHAT", "STATUS", "FOUND")


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        findings = engine.request(GetDoctor(), Doctor).findings
    if arguments.format == "json":
        print(document(findings))
    else:
        print(table(HEADINGS, [(finding.name, finding.status, finding.text) for finding in findings]))
    return 0
