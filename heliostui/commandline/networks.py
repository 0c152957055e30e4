"""The options about networks, ports and names, as Docker and Podman spell them, and the fields they make.

Only how they are written is checked here; which networks there are and what goes together, the engine knows.
"""

from __future__ import annotations

import argparse
import re
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from engine.protocol import ports
from engine.protocol.network import NetworkOption
from heliostui.commandline.failures import UsageError
from heliostui.commandline.namespaces import way
from heliostui.commandline.parser import checked

DEFAULT = "default"
"""The network of containers that name none."""
GATEWAY = "host-gateway"
_DEFAULTS = ("bridge", DEFAULT)
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_HOST_NAME = re.compile(r"[a-zA-Z0-9_]([a-zA-Z0-9_.-]{0,251}[a-zA-Z0-9_])?\.?")
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}")
_KEYS = {"ip": "ip", "ip6": "ip6", "mac": "mac", "mac-address": "mac", "alias": "aliases"}
_NAMESPACES = ("none", "private", "new", "host")


def add_network_options(parser: argparse._ActionsContainer) -> None:
    """`--network`, `-p` and what belongs to them."""
    parser.add_argument(
        "--network",
        "--net",
        action="append",
        type=checked(network),
        dest="networks",
        metavar="NETWORK",
        help="NAME[:ip=…,ip6=…,mac=…,alias=…], as often as wanted; or none, host, container:NAME or ns:PATH "
        "(default: the default network)",
    )
    for family, what in ((4, "ip"), (6, "ip6")):
        parser.add_argument(
            f"--{what}", metavar="ADDRESS", type=checked(partial(address, family=family)), help="in the first network"
        )
    parser.add_argument("--mac-address", metavar="MAC", type=checked(mac), help="in the first network")
    parser.add_argument(
        "--network-alias",
        "--net-alias",
        action="append",
        metavar="NAME",
        type=checked(host_name),
        help="a further name in the first network",
    )
    parser.add_argument(
        "-p",
        "--publish",
        action="append",
        metavar="[ADDRESS:][PORT:]PORT[/udp]",
        type=checked(ports.parse),
        help="let a port of the host, or a range, lead to one of the container",
    )
    parser.add_argument(
        "-P", "--publish-all", action="store_true", help="publish what --expose names, at ports that are free"
    )
    parser.add_argument(
        "--expose", action="append", metavar="PORT[/udp]", type=checked(ports.exposed), help="a port, or a range, of -P"
    )
    parser.add_argument(
        "--dns", action="append", metavar="ADDRESS", type=checked(address), help="ask this server, not the host's"
    )
    parser.add_argument("--dns-search", action="append", metavar="DOMAIN", help="try names in this domain; . for none")
    parser.add_argument(
        "--dns-option", "--dns-opt", action="append", metavar="OPTION", help="an option of resolv.conf, as in ndots:2"
    )
    parser.add_argument(
        "--add-host",
        action="append",
        metavar="NAME:ADDRESS",
        type=checked(host),
        help=f"a line of /etc/hosts; the address {GATEWAY} is this machine's",
    )


def apply(arguments: argparse.Namespace, fields: dict[str, Any]) -> None:
    """Put what was given over the fields of a configuration file: lists are added to, but networks that the command
    line names take the place of the file's. Raises UsageError."""
    if arguments.networks is not None:
        _choose(arguments.networks, fields)
    first = {"ip": arguments.ip, "ip6": arguments.ip6, "mac": arguments.mac_address}
    given = {key: value for key, value in first.items() if value is not None}
    if given or arguments.network_alias:
        _extend_first(fields, given, arguments.network_alias or [])
    lists = {
        "ports": arguments.publish or [],
        "expose": [port for each in arguments.expose or () for port in each],
        "dns": arguments.dns or [],
        "dns_search": arguments.dns_search or [],
        "dns_options": arguments.dns_option or [],
        "hosts": arguments.add_host or [],
    }
    for name, added in lists.items():
        if added:
            fields[name] = [*fields.get(name, ()), *added]
    if arguments.publish_all:
        fields["publish_all"] = True


def _choose(given: list[NetworkOption | str], fields: dict[str, Any]) -> None:
    """The networks, or the one namespace that takes their place."""
    names = [each for each in given if isinstance(each, NetworkOption)]
    spaces = [each for each in given if isinstance(each, str)]
    namespaces = {type: how for type, how in fields.get("namespaces", {}).items() if type != "network"}
    if spaces and len(given) > 1:
        what = "none" if spaces[0] == "private" else spaces[0]
        raise UsageError(f"--network {what} can't be one of several: it takes the place of all networks")
    for number, each in enumerate(names):
        if each.name in (earlier.name for earlier in names[:number]):
            raise UsageError(f"--network {each.name} is given twice")
    if spaces:
        namespaces["network"] = spaces[0]
    fields["namespaces"], fields["networks"] = namespaces, names


def _extend_first(fields: dict[str, Any], given: dict[str, str], aliases: list[str]) -> None:
    """`--ip` and its like, in the first network."""
    instead = fields.get("namespaces", {}).get("network")
    if instead is not None:
        option = next(iter(given), "network-alias")
        what = "none" if instead == "private" else instead
        raise UsageError(f"--{_flag(option)} needs a network, and --network is {what}")
    first, *others = fields.get("networks") or [NetworkOption(name=DEFAULT)]
    for key in given:
        if getattr(first, key) is not None:
            raise UsageError(f"--{_flag(key)} is given twice: network '{first.name}' has {getattr(first, key)} already")
    changed = msgspec.structs.replace(first, **given, aliases=[*first.aliases, *aliases])
    fields["networks"] = [changed, *others]


def _flag(field: str) -> str:
    return "mac-address" if field == "mac" else field


def network(text: str) -> NetworkOption | str:
    """What `--network` says: a network with what is wanted in it, or a namespace, as `ContainerOptions.namespaces` has
    it. Raises ValueError."""
    if text in _NAMESPACES or text.startswith(("container:", "ns:")):
        return way("network", text)
    if text.startswith("name="):  # Docker's long form
        entries = text.split(",")
        return joined(entries[0].removeprefix("name="), entries[1:])
    name, colon, rest = text.partition(":")
    return joined(name, rest.split(",") if colon else [])


def network_name(text: str) -> str:
    """A name that a network can have; `bridge` is Docker's for the default one. Raises ValueError."""
    return DEFAULT if text in _DEFAULTS else new_name(text)


def new_name(text: str) -> str:
    """A name as it stands. Raises ValueError."""
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"'{text}' is no name of a network: letters, digits, '_', '.' and '-', the first one a letter or digit"
        )
    return text


def joined(name: str, entries: list[str]) -> NetworkOption:
    """A network with `key=value` for each thing that is wanted in it. Raises ValueError."""
    fields: dict[str, Any] = {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        field = _KEYS.get(key)
        if field is None or not equals:
            raise ValueError(f"'{entry}' can't be said of a network: it is ip=, ip6=, mac= or alias=")
        match field:
            case "aliases":
                fields["aliases"] = [*fields.get("aliases", ()), host_name(value)]
                continue
            case "mac":
                value = mac(value)
            case "ip6":
                value = address(value, family=6)
            case _:
                value = address(value)
                field = "ip6" if ":" in value else "ip"
        if field in fields:
            raise ValueError(f"'{entry}': a container has one such address in a network")
        fields[field] = value
    return NetworkOption(name=network_name(name), **fields)


def address(text: str, family: int | None = None) -> str:
    """An IP address, as it is written best. Raises ValueError."""
    example = "fd00::7" if family == 6 else "10.88.0.7"
    try:
        found = ip_address(text)
    except ValueError:
        raise ValueError(f"'{text}' is no IP address: write one such as {example}") from None
    if family is not None and found.version != family:
        raise ValueError(f"'{text}' is no IPv{family} address: write one such as {example}")
    return str(found)


def subnet(text: str) -> str:
    """A range of addresses, as in `10.1.0.0/24`. Raises ValueError."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        found = None
    if found is None or "/" not in text:
        raise ValueError(f"'{text}' is no range of addresses: write one such as 10.1.0.0/24 or fd00:1::/64")
    if ip_address(text.partition("/")[0]) != found.network_address:
        raise ValueError(f"'{text}' is one address and its range: write the range alone, {found}")
    return str(found)


def mac(text: str) -> str:
    """A unicast address of Ethernet, in lower case with colons. Raises ValueError."""
    if not _MAC.fullmatch(text):
        raise ValueError(f"'{text}' is no MAC address: write six pairs of hexadecimal digits, as in 02:42:0a:58:00:07")
    if int(text[:2], 16) & 1 or not int(re.sub("[:-]", "", text), 16):
        raise ValueError(f"'{text}' can't be one container's: it is the address of a group, or of nobody")
    return text.lower().replace("-", ":")


def host_name(text: str) -> str:
    """A name that a resolver can know. Raises ValueError."""
    if not _HOST_NAME.fullmatch(text):
        raise ValueError(f"'{text}' is no name of a host: letters, digits, '-', '_' and '.', 253 of them at most")
    return text


def host(text: str) -> str:
    """`NAME:ADDRESS` of that, or of `NAME=ADDRESS`, brackets around an IPv6 address left out. Raises ValueError."""
    match = re.match(r"[^:=]*", text)
    name = match[0] if match else ""
    where = text[len(name) + 1 :]
    if not (name and where):
        raise ValueError(f"'{text}' is no host: write NAME:ADDRESS, as in db:10.0.0.7 or me:{GATEWAY}")
    if where.startswith("[") and where.endswith("]"):
        where = where[1:-1]
    return f"{host_name(name)}:{where if where == GATEWAY else address(where)}"
