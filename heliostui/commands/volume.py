"""`heliostui volume create|ls|inspect|rm|prune`: named directories that outlive the containers that use them."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import (
    CreateVolume,
    InspectVolume,
    ListVolumes,
    PruneVolumes,
    RemoveVolume,
    VolumeDetail,
    Volumes,
)
from heliostui.commandline.document import document
from heliostui.commandline.each import for_each, inspect_each
from heliostui.commandline.options import label
from heliostui.commandline.parser import add_format, checked
from heliostui.commandline.table import shortened, table
from heliostui.commandline.times import span

HEADINGS = ("VOLUME", "CREATED", "USED BY", "PATH")
NAME_WIDTH = 24  # of a generated name; -q and JSON have all of it


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "`run -v NAME:/PATH` makes a volume as well, and fills it with what the image has there."
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="create|ls|inspect|rm|prune", prog=parser.prog
    )
    making = actions.add_parser("create", help="make one; one that is there already stays as it is", allow_abbrev=False)
    making.add_argument("-l", "--label", action="append", metavar="KEY[=VALUE]", type=checked(label), help="a label")
    making.add_argument("name", nargs="?", metavar="NAME", help="default: a generated one")
    listing = actions.add_parser("ls", help="list them", allow_abbrev=False)
    listing.add_argument(
        "-f", "--filter", action="append", metavar="KEY=VALUE", help="name=, label=, dangling=true|false"
    )
    listing.add_argument("-q", "--quiet", action="store_true", help="names only")
    add_format(listing)
    looking = actions.add_parser("inspect", help="tell all about them, sizes too, as JSON", allow_abbrev=False)
    removing = actions.add_parser("rm", help="remove them; not those that a container uses", allow_abbrev=False)
    for action in (looking, removing):
        action.add_argument("volumes", nargs="+", metavar="VOLUME", help="its name")
    pruning = actions.add_parser("prune", help="remove those without a name that nobody uses", allow_abbrev=False)
    pruning.add_argument("-a", "--all", action="store_true", help="and those with one")


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "rm":
            return for_each(arguments.volumes, lambda name: RemoveVolume(name=name))
        case "inspect":
            return _inspect(arguments.volumes)
        case "ls":
            return _list(arguments)
        case "create":
            request = CreateVolume(name=arguments.name, labels=dict(arguments.label or ()))
            with Connection.connect(places()) as engine:
                print(engine.request(request, Volumes).volumes[0].name)
        case _:
            with Connection.connect(places()) as engine:
                for volume in engine.request(PruneVolumes(all=arguments.all), Volumes).volumes:
                    print(volume.name)
    return 0


def _inspect(names: list[str]) -> int:
    return inspect_each(names, lambda engine, name: engine.request(InspectVolume(name=name), Volumes).volumes)


def _list(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        volumes = engine.request(ListVolumes(filters=arguments.filter or []), Volumes).volumes
    if arguments.quiet:
        for volume in volumes:
            print(volume.name)
    elif arguments.format == "json":
        print(document(volumes))
    else:
        print(table(HEADINGS, [_row(volume) for volume in volumes]))
    return 0


def _row(volume: VolumeDetail) -> tuple[str, ...]:
    age = span((datetime.now(UTC) - volume.created_at).total_seconds())
    name = shortened(volume.name, NAME_WIDTH) if volume.anonymous else volume.name
    return name, f"{age} ago", ", ".join(volume.used_by), volume.path
