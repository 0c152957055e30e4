"""`heliostui network create|ls|inspect|rm|connect|disconnect|prune`: what containers reach each other by."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from functools import partial

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import (
    ConnectNetwork,
    CreateNetwork,
    DisconnectNetwork,
    InspectNetwork,
    ListNetworks,
    Networks,
    PruneNetworks,
    RemoveNetwork,
)
from engine.protocol.network import NetworkDetail, NetworkOption
from heliostui.commandline.document import document
from heliostui.commandline.done import have_done
from heliostui.commandline.each import for_each, inspect_each
from heliostui.commandline.failures import UsageError
from heliostui.commandline.networks import address, host_name, mac, new_name, subnet
from heliostui.commandline.options import label
from heliostui.commandline.parser import add_format, checked
from heliostui.commandline.table import table
from heliostui.commandline.times import span

HEADINGS = ("NETWORK ID", "NAME", "SUBNETS", "BRIDGE", "INTERNAL", "CREATED", "USED BY")
LEAST_MTU, MOST_MTU = 68, 65535  # RFC 791, and what a veth takes
_WHICH = "a name, an id, or the unique beginning of one"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "`run --network NAME` puts a container into one."
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="create|ls|inspect|rm|connect|disconnect|prune", prog=parser.prog
    )
    _configure_create(actions.add_parser("create", help="make one", allow_abbrev=False))
    listing = actions.add_parser("ls", help="list them", allow_abbrev=False)
    listing.add_argument(
        "-f", "--filter", action="append", metavar="KEY=VALUE", help="name=, label= or internal=true|false"
    )
    listing.add_argument("-q", "--quiet", action="store_true", help="ids only")
    add_format(listing)
    looking = actions.add_parser("inspect", help="tell all about them, as JSON", allow_abbrev=False)
    removing = actions.add_parser("rm", help="remove them; not those that a container asks for", allow_abbrev=False)
    for action in (looking, removing):
        action.add_argument("networks", nargs="+", metavar="NETWORK", help=_WHICH)
    joining = actions.add_parser("connect", help="put a container into one more", allow_abbrev=False)
    for family, option in ((4, "ip"), (6, "ip6")):
        joining.add_argument(
            f"--{option}",
            metavar="ADDRESS",
            type=checked(partial(address, family=family)),
            help=f"its IPv{family} address in it (default: one that is free)",
        )
    joining.add_argument(
        "--mac-address", metavar="MAC", type=checked(mac), help="of its interface (default: made of the IPv4 address)"
    )
    joining.add_argument(
        "--alias", action="append", default=[], metavar="NAME", type=checked(host_name), help="a further name in it"
    )
    leaving = actions.add_parser("disconnect", help="take a container out of one", allow_abbrev=False)
    for action in (joining, leaving):
        action.add_argument("network", metavar="NETWORK", help=_WHICH)
        action.add_argument("container", metavar="CONTAINER", help="an id, the unique beginning of one, or a name")
    pruning = actions.add_parser("prune", help="remove those that no container asks for", allow_abbrev=False)
    pruning.add_argument("-f", "--force", action="store_true", help="without asking")


def _configure_create(making: argparse.ArgumentParser) -> None:
    making.add_argument(
        "--subnet",
        action="append",
        default=[],
        metavar="RANGE",
        type=checked(subnet),
        help="its addresses, as in 10.1.0.0/24; one of IPv4, one of IPv6 (default: chosen clear of all routes)",
    )
    making.add_argument(
        "--gateway",
        action="append",
        default=[],
        metavar="ADDRESS",
        type=checked(address),
        help="of the bridge, in its subnet (default: the first one)",
    )
    making.add_argument(
        "--ipv6",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="IPv6, too, where no subnet of it is given (default: yes)",
    )
    making.add_argument("--internal", action="store_true", help="no way out of it, and none in")
    making.add_argument(
        "--mtu", metavar="BYTES", type=checked(mtu), help="of a packet (default: as the host's way out has it)"
    )
    making.add_argument("-l", "--label", action="append", metavar="KEY[=VALUE]", type=checked(label), help="a label")
    making.add_argument("-d", "--driver", choices=("bridge",), help="there is no other one")
    making.add_argument("name", metavar="NAME", type=checked(new_name))


def mtu(text: str) -> int:
    """Bytes. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and LEAST_MTU <= int(text) <= MOST_MTU):
        raise ValueError(f"'{text}' is no MTU: write a number from {LEAST_MTU} to {MOST_MTU}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    match arguments.action:
        case "create":
            return _create(arguments)
        case "ls":
            return _list(arguments)
        case "inspect":
            return _inspect(arguments.networks)
        case "rm":
            return for_each(arguments.networks, lambda name: RemoveNetwork(network=name))
        case "prune":
            return _prune(asks=not arguments.force and sys.stdin.isatty())
        case "connect":
            option = NetworkOption(
                name=arguments.network,
                ip=arguments.ip,
                ip6=arguments.ip6,
                mac=arguments.mac_address,
                aliases=arguments.alias,
            )
            request: ConnectNetwork | DisconnectNetwork = ConnectNetwork(network=option, container=arguments.container)
        case _:
            request = DisconnectNetwork(network=arguments.network, container=arguments.container)
    return have_done(request)


def _create(arguments: argparse.Namespace) -> int:
    families = [":" in text for text in arguments.subnet]
    if len(families) > len(set(families)):
        raise UsageError("--subnet: a network has one range of IPv4 addresses, and one of IPv6 addresses")
    request = CreateNetwork(
        name=arguments.name,
        subnets=arguments.subnet,
        gateways=arguments.gateway,
        ipv6=arguments.ipv6,
        internal=arguments.internal,
        mtu=arguments.mtu,
        labels=dict(arguments.label or ()),
    )
    with Connection.connect(places()) as engine:
        print(engine.request(request, Networks).networks[0].name)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with Connection.connect(places()) as engine:
        networks = engine.request(ListNetworks(filters=arguments.filter or []), Networks).networks
    if arguments.quiet:
        for network in networks:
            print(network.id)
    elif arguments.format == "json":
        print(document(networks))
    else:
        now = datetime.now(UTC)
        print(table(HEADINGS, [_row(network, now) for network in networks]))
    return 0


def _row(network: NetworkDetail, now: datetime) -> tuple[str, ...]:
    return (
        network.id,
        network.name,
        ", ".join(each.subnet for each in network.subnets),
        network.bridge,
        "yes" if network.internal else "no",
        f"{span((now - network.created_at).total_seconds())} ago",
        ", ".join(network.used_by),
    )


def _inspect(names: list[str]) -> int:
    return inspect_each(names, lambda engine, name: engine.request(InspectNetwork(network=name), Networks).networks)


def _prune(*, asks: bool) -> int:
    if asks and not _confirmed("Remove all networks that no container asks for? [y/N] "):
        return 1
    with Connection.connect(places()) as engine:
        for network in engine.request(PruneNetworks(), Networks).networks:
            print(network.name)
    return 0


def _confirmed(question: str) -> bool:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
