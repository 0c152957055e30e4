"""What a row of the Network pane or a box of the map means, and which programs show the same. Imports the protocol
and widgets' text."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from engine.protocol.messages import NetworkMap
from engine.protocol.network import (
    DnsQuery,
    EndpointDetail,
    Interface,
    Neighbour,
    NetworkDetail,
    PortMapping,
    Route,
    RuleView,
    Socket,
)
from engine.protocol.ports import bracketed
from widgets.text import printable

TCP_STATES = {
    "LISTEN": "It waits for connections.",
    "ESTAB": "A connection that both sides may send on.",
    "SYN-SENT": "It has asked for a connection and was not answered yet; a firewall may drop what it asks.",
    "SYN-RECV": "Somebody asked for a connection and was answered; the third packet is awaited.",
    "FIN-WAIT-1": "This side has closed it and awaits that the other has seen so.",
    "FIN-WAIT-2": "This side has closed it; the other may still send.",
    "TIME-WAIT": "It is over; the kernel keeps its ports for a minute, for packets that come late.",
    "CLOSE-WAIT": "The other side has closed it; the program here has not yet. Many of them mean that it forgets to.",
    "LAST-ACK": "Both have closed it; the last packet is awaited.",
    "CLOSING": "Both have closed it at the same time.",
    "UNCONN": "A socket without a connection: it takes what comes to its address.",
}
NEIGHBOUR_STATES = {
    "reachable": "It answered within the last half minute.",
    "stale": "It has not been talked to for a while; at the next packet it is asked again.",
    "delay": "It is given a few seconds to be heard of before it is asked.",
    "probe": "It is being asked whether it is still there.",
    "failed": "It did not answer: nobody has this address, or he is down.",
    "incomplete": "It is being asked for the first time.",
    "permanent": "It was written down and is never asked.",
    "noarp": "On this interface nobody is asked.",
}
ANSWERS = {
    "NXDOMAIN": "There is no such name.",
    "NODATA": "The name is there, but nothing of this type.",
    "SERVFAIL": "The server that was asked could not tell.",
    "REFUSED": "The question was refused.",
}
SECTIONS = {
    "addresses": "Each network gives it one end of a veth pair; the other end is on the network's bridge.",
    "ports": "Ports of this host that lead into it. P publishes one more, u takes one back.",
    "sockets": "What its programs listen on and talk to. IN and OUT are queues; of a listener, who waits and who may.",
    "rules": "What the kernel does with its packets, those for few containers first. Counters light up as they move.",
    "dns": "What it asked the resolver of its networks, and what it was told. The last 200 questions.",
    "routes": "Where a packet goes is said by the route that fits its destination best, the longest prefix.",
    "neighbours": "Whose hardware address is known on its links; ARP and NDP find out.",
    "resolvers": "Who is asked for names, and whom our resolver asks for those it does not know itself.",
    "hosts": "Names that need no asking. Ours are written anew when its networks change.",
    "unix": "Sockets for programs of one machine: they need no network.",
}
"""What each section of the pane is, in a sentence or two."""


@dataclass(frozen=True)
class Told:
    """`commands`: what shows the same, each with a `#` and words behind it."""

    title: str
    sentences: tuple[str, ...]
    commands: tuple[str, ...] = ()


def network_explained(of: NetworkDetail) -> Told:
    """What a network is made of."""
    gateways = " and ".join(subnet.gateway for subnet in of.subnets) or "no address"
    sentences = [
        f"{of.bridge} is a bridge, a switch in the kernel. Each container in {of.name} has an end of a veth pair "
        "in it, so they reach each other directly, and by their names.",
        f"The host is in it too, with {gateways}: there our resolver listens, and by it goes what is for elsewhere.",
    ]
    if of.internal:
        sentences.append("It is internal: what is for elsewhere is dropped, and no port leads into it.")
    else:
        sentences.append(
            "What leaves it gets the host's address as its source (masquerade); the kernel remembers the connection "
            "and turns the answers back. Containers of other networks are not reached."
        )
    commands = (
        f"bridge link show master {of.bridge}  # whose ends are in it",
        f"ip address show dev {of.bridge}  # the host's addresses in it",
        f"heliostui network inspect {of.name}",
    )
    return Told(f"The network {of.name}", tuple(sentences), commands)


def host_explained(of: NetworkMap) -> Told:
    """What the host does for networks."""
    forwards = " and ".join(name for name, on in (("IPv4", of.forwarding), ("IPv6", of.forwarding6)) if on)
    sentences = [
        f"This host passes packets on between its interfaces: {forwards} (ip_forward)."
        if forwards
        else "This host passes no packets on between its interfaces: ip_forward is off until a container needs it."
    ]
    if of.rootless == "none":
        sentences.append("Without root's rights a program such as pasta would connect us to the world; there is none.")
    elif of.rootless:
        sentences.append(
            f"Without root's rights {of.rootless} connects us to the world: it opens ordinary sockets for what leaves."
        )
    else:
        sentences.append("Rules in one nftables table of ours let containers out, ports in, and keep networks apart.")
    sentences += [*of.coexistence, *([of.reason] if of.reason else [])]
    commands = ("nft list ruleset", "ip -s link  # the counters that rates are made of", "heliostui doctor")
    return Told("This host", tuple(sentences), commands)


def explained(of: object, container: str, pid: int | None) -> Told | None:
    """What something of the pane means, fit to print; None where there is nothing to say."""
    told = _explained(of, container, pid)
    if told is None:
        return None
    return Told(printable(told.title), tuple(map(printable, told.sentences)), tuple(map(printable, told.commands)))


def _explained(of: object, container: str, pid: int | None) -> Told | None:
    inside = f"nsenter -t {pid} -n " if pid is not None else ""
    match of:
        case EndpointDetail():
            return _endpoint(of, inside)
        case Interface():
            return _interface(of, inside)
        case PortMapping():
            return _port(of, container)
        case Socket():
            return _socket(of, inside)
        case RuleView():
            return _rule(of)
        case DnsQuery():
            return _query(of)
        case Route():
            return _route(of, inside)
        case Neighbour():
            return _neighbour(of, inside)
    return None


def _endpoint(of: EndpointDetail, inside: str) -> Told:
    if not of.ip and not of.ip6:
        words = "It gets its addresses when it starts, the same ones as before if they are free."
        return Told(f"{of.network}, from its next start on", (words,), (f"heliostui network inspect {of.network}",))
    sentences = [
        f"{of.interface} is one end of a veth pair: what goes into one end comes out of the other. The other end, "
        f"{of.host_interface}, is a port of the bridge {of.bridge} on the host, as are those of all containers in "
        f"{of.network}."
    ]
    for address, prefix, gateway in ((of.ip, of.ip_prefix, of.gateway), (of.ip6, of.ip6_prefix, of.gateway6)):
        if address:
            way = (
                f"everything else goes by the bridge's own address, {gateway}" if gateway else "there is no way farther"
            )
            sentences.append(f"With {address}/{prefix} all of that network is reached directly; {way}.")
    if of.aliases:
        sentences.append(f"Others in {of.network} find it as {', '.join(of.aliases)} as well.")
    commands = (
        f"{inside}ip address show dev {of.interface}  # the end inside",
        f"ip -s link show dev {of.host_interface}  # the other one, with its counters",
        f"bridge link show dev {of.host_interface}  # its place on the bridge",
    )
    return Told(f"{of.interface} in {of.network}", tuple(sentences), commands)


def _interface(of: Interface, inside: str) -> Told:
    kinds = {
        "loopback": "Packets to it come back to the container itself: programs in it talk to each other by it.",
        "veth": "One end of a veth pair: what goes into one end comes out of the other.",
        "bridge": "A switch in the kernel, whose ports are other interfaces.",
        "tun": "Its packets are read and written by a program.",
    }
    counted = of.counters
    sentences = [
        kinds.get(of.kind, f"An interface of the kind {of.kind}."),
        f"Received {counted.received:,} bytes in {counted.received_packets:,} packets, sent {counted.sent:,} in "
        f"{counted.sent_packets:,}; {counted.dropped:,} were dropped. A packet has at most {of.mtu:,} bytes.",
    ]
    return Told(of.name, tuple(sentences), (f"{inside}ip -s link show dev {of.name}",))


def _port(of: PortMapping, container: str) -> Told:
    where = "any address of this host" if of.address in ("0.0.0.0", "::") else of.address
    sentences = (
        f"A packet to port {of.port} of {where} gets another destination before it is routed: port "
        f"{of.container_port} of {container} (DNAT). The kernel remembers the connection, and turns the answers back.",
        "It holds for the world, for this host itself and for other containers. u takes it back; so does "
        f"`heliostui unpublish {container} {of.container_port}/{of.protocol}`.",
    )
    host = "localhost" if of.address in ("0.0.0.0", "::") else bracketed(of.address)
    first = f"curl http://{host}:{of.port}/" if of.protocol == "tcp" else f"nc -u {host} {of.port}"
    return Told(
        f"{of.port} ━━▶ {container}:{of.container_port}/{of.protocol}",
        sentences,
        (f"{first}  # try it", "nft list ruleset  # the maps that say so"),
    )


def _socket(of: Socket, inside: str) -> Told:
    if of.protocol == "unix":
        words = "A socket in the file system or, where it has @ before its name, in its network namespace alone."
        return Told(of.local or "a unix socket", (words,), (f"{inside}ss -xap",))
    if of.state == "LISTEN":
        queues = f"{of.received} connections wait to be accepted, {of.sent} may."
    else:
        queues = f"{of.received:,} bytes wait to be read here, {of.sent:,} to be sent or acknowledged."
    if of.protocol.startswith("udp") and of.remote:
        state = "It talks to one other address only."
    else:
        state = TCP_STATES.get(of.state, f"Its state is {of.state}.")
    owner = "No process has it open any more; the kernel ends it." if of.pid is None else ""
    if of.pid is not None:
        user = "" if of.uid is None else f" of the user {of.uid}"
        owner = f"Process {of.pid} ({of.command}){user} has it open."
    title = f"{of.protocol} {of.local}" + (f" ━ {of.remote}" if of.remote else "")
    kind = "-uanp" if of.protocol.startswith("udp") else "-tanp"
    return Told(title, (state, queues, owner), (f"{inside}ss {kind}",))


def _rule(of: RuleView) -> Told:
    counted = "Nothing counts here: it is an element of a map, and its rule counts for all."
    if of.packets is not None:
        counted = f"{of.packets:,} packets of {of.bytes or 0:,} bytes came by so far."
    whom = f"It concerns {', '.join(of.containers)}." if of.containers else "It concerns every container."
    return Told(
        f"{of.chain}",
        (of.words[:1].upper() + of.words[1:] + ("" if of.words.endswith(".") else "."), counted, whom),
        (of.text, "nft list ruleset  # all of them"),
    )


def _query(of: DnsQuery) -> Told:
    meaning = ANSWERS.get(of.answer, f"The answer was {of.answer}." if of.answer else "There was no answer in it.")
    asked = of.source or "Nobody further"
    sentences = (
        f"{of.container or 'A container'} asked our resolver for the {of.type} record of {of.name}. {meaning}",
        f"{asked} was asked, and the answer took {of.milliseconds:.1f} ms."
        if of.source and of.source[0].isdigit()
        else f"It came from {of.source or 'what is known here'}, and took {of.milliseconds:.1f} ms.",
    )
    command = f"dig {quote(of.name)} {of.type}  # asked inside of the container"
    return Told(f"{of.name} {of.type}", sentences, (command,))


def _route(of: Route, inside: str) -> Told:
    whom = "Everything that no other route is for" if of.destination == "default" else f"What is for {of.destination}"
    way = f"goes to {of.gateway} by {of.interface}" if of.gateway else f"goes out of {of.interface} directly"
    source = f", from {of.source} where the program did not choose an address" if of.source else ""
    sentences = [f"{whom} {way}{source}."]
    if of.protocol == "kernel":
        sentences.append("The kernel made it of an interface's own address.")
    if of.metric:
        sentences.append(
            f"Of routes to the same place the one with the least metric is taken; this one has {of.metric}."
        )
    six = "-6 " if of.family == 6 else ""
    return Told(f"{of.destination} by {of.interface}", tuple(sentences), (f"{inside}ip {six}route",))


def _neighbour(of: Neighbour, inside: str) -> Told:
    who = f" ({of.name})" if of.name else ""
    hard = f"is at the hardware address {of.mac}" if of.mac else "has no hardware address that is known"
    state = NEIGHBOUR_STATES.get(of.state.lower(), f"Its state is {of.state}.")
    asked = "by NDP" if ":" in of.address else "by ARP"
    sentences = (f"{of.address}{who} on {of.interface} {hard}: that is asked {asked}.", state)
    return Told(of.address, sentences, (f"{inside}ip neighbour",))
