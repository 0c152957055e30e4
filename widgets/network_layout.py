"""Where everything of a network map is drawn: boxes, the lines that join them, and the places of numbers.

A layout depends on the map and the width only, never on traffic, so that nothing moves while it is looked at. Each
network has a band of its own: its box, and beside it the containers that it is the first network of. A network's lane
is the vertical line that its containers are joined to. Imports network and text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from widgets.network import MapContainer, MapEndpoint, MapNetwork, MapPort, NetworkMap
from widgets.text import fit

HOST, OUT = "the host", "the way out"
"""The keys of the host's box, and of the line from it to its bridges: no interface has a blank in its name."""
NORTH, EAST, SOUTH, WEST = 1, 2, 4, 8
TRUNK = 2  # the column of the line from the host to its bridges
BOXES = TRUNK + 3  # where those of networks begin
SHORT, LONG = 13, 27  # cells of a flow, as `↓1.2M ↑ 34k` and with units
LANE = 2  # cells from one lane to the next
PORTS_BESIDE = 132  # columns from which on the host's ports have a place right of the containers
ADDRESS = 15  # cells of an address where containers are lines
PORTS = 6  # of one container that are shown
OWN_COLOURS = 6  # networks are told apart by so many colours


class Cell(NamedTuple):
    """One cell. `style`: a component class, or the key of what decides it: a link's, where `lines` says to which sides
    it goes on, or with `border` a box's."""

    text: str
    style: str = "map--text"
    lines: int = 0
    border: str = ""


BLANK = Cell(" ")


class Label(NamedTuple):
    """Where a flow's numbers are. `links`: those that it is the sum of."""

    links: tuple[str, ...]
    x: int
    y: int
    width: int


@dataclass(frozen=True)
class Box:
    """A box, or in the dense manner lines without a border."""

    key: str
    kind: str  # host, network, container
    x: int
    y: int
    width: int
    height: int


class Span(NamedTuple):
    """A piece of a row."""

    y: int
    x: int
    width: int


@dataclass
class Layout:
    """What is where. `links`: which flows a line is the sum of; `spans`: what to draw again when a link or a box
    changes; `near`: the boxes that a box is joined to."""

    width: int
    rows: list[list[Cell]] = field(default_factory=list)
    boxes: dict[str, Box] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    links: dict[str, tuple[str, ...]] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)
    near: dict[str, set[str]] = field(default_factory=dict)

    # --- drawing on it ---

    def put(self, x: int, y: int, cell: Cell) -> None:
        """Set a cell; the canvas grows downwards."""
        while len(self.rows) <= y:
            self.rows.append([BLANK] * self.width)
        if 0 <= x < self.width:
            self.rows[y][x] = cell

    def write(self, x: int, y: int, text: str, style: str = "map--text") -> None:
        for place, character in enumerate(text):
            self.put(x + place, y, Cell(character, style))

    def box(self, box: Box, title: str, style: str) -> None:
        """Its border and its title."""
        right, bottom = box.x + box.width - 1, box.y + box.height - 1
        for y in range(box.y, bottom + 1):
            for x in range(box.x, right + 1):
                sides = EAST | WEST if y in (box.y, bottom) else NORTH | SOUTH if x in (box.x, right) else 0
                if y in (box.y, bottom) and x in (box.x, right):
                    sides = (SOUTH if y == box.y else NORTH) | (EAST if x == box.x else WEST)
                self.put(x, y, Cell(" ", "", sides, box.key) if sides else BLANK)
        self.write(box.x + 1, box.y, f" {fit(title, min(len(title), box.width - 4))} ", style)
        self.add(box)

    def add(self, box: Box) -> None:
        self.boxes[box.key] = box
        self.near.setdefault(box.key, set())
        self.spans[box.key] = [Span(y, box.x, box.width) for y in range(box.y, box.y + box.height)]

    def joined(self, one: str, other: str) -> None:
        self.near.setdefault(one, set()).add(other)
        self.near.setdefault(other, set()).add(one)

    def down(self, link: str, x: int, top: int, bottom: int) -> None:
        """A vertical line; it may begin and end in the border of a box."""
        for y in range(top, bottom + 1):
            self._join(link, x, y, (NORTH if y > top else 0) | (SOUTH if y < bottom else 0))

    def across(self, link: str, y: int, left: int, right: int, vertical: str) -> None:
        """A horizontal line between two borders or lanes. It joins the lane `vertical`, and runs over all others."""
        for x in range(left, right + 1):
            self._join(link, x, y, (WEST if x > left else 0) | (EAST if x < right else 0), vertical)

    def _join(self, link: str, x: int, y: int, sides: int, vertical: str = "") -> None:
        self.put(x, y, self.rows[y][x] if y < len(self.rows) else BLANK)
        old = self.rows[y][x]
        if old.border:  # the border of a box: the line ends there
            self.rows[y][x] = Cell(" ", link, old.lines | sides, old.border)
        elif old.lines and old.style in (link, vertical):
            self.rows[y][x] = Cell(" ", old.style, old.lines | sides)
        else:
            self.rows[y][x] = Cell(" ", link, sides)
        self.spans.setdefault(link, []).append(Span(y, x, 1))

    def label(self, links: tuple[str, ...], x: int, y: int, width: int) -> None:
        """Keep a place for the numbers of these links."""
        self.labels.append(Label(links, x, y, width))
        for link in links:
            self.spans.setdefault(link, []).append(Span(y, x, width))


class Columns(NamedTuple):
    """Widths, and where the columns begin."""

    network: int
    lanes: int
    flow: int
    containers: int  # x
    container: int
    ports: int  # x; 0: they are in the boxes
    width: int


def lay_out(networks: NetworkMap, width: int, *, dense: bool = False) -> Layout:
    """Draw the map for a width in cells; `dense`: containers without boxes around them."""
    ordered = sorted(networks.networks, key=lambda network: (not network.default, network.name))
    bands = _bands(ordered, networks.containers)
    reach = _reaches(ordered, bands)
    lanes = _lanes(reach)
    columns = _columns(width, max(lanes.values(), default=-1) + 1)
    layout = Layout(columns.width)
    y = _host(layout, networks, width)
    joints: dict[str, list[tuple[int, str]]] = {}
    doors: dict[str, int] = {}
    colours = {network.key: f"map--network-{place % OWN_COLOURS}" for place, network in enumerate(ordered)}
    for network, band in zip(ordered, bands, strict=False):
        top = y
        y = _network(layout, network, columns, top, colours[network.key])
        doors[network.key] = top + 1
        below = top + dense  # the first line is then on one level with the network's
        for container in band:
            below = _container(layout, container, columns, below, joints, colours, dense)
        y = max(y, below) + 1
    for container in bands[-1]:
        y = _container(layout, container, columns, y, joints, colours, dense)
    _join_lanes(layout, ordered, columns, lanes, doors, joints)
    _join_host(layout, networks, ordered, doors, columns)
    return layout


# --- who stands where ---


def _bands(ordered: Sequence[MapNetwork], containers: Sequence[MapContainer]) -> list[list[MapContainer]]:
    """The containers of each network, in its order, and last those that are in none. Whoever shares the network of
    another is below it, and whoever is in several stands as near to the others as can be."""
    place = {network.key: number for number, network in enumerate(ordered)}
    guests: dict[str, list[MapContainer]] = {}
    names = {container.key for container in containers}
    for container in sorted(containers, key=lambda each: each.name):
        if container.of in names and container.of != container.key:
            guests.setdefault(container.of, []).append(container)
    bands: list[list[tuple[int, str, MapContainer]]] = [[] for _ in range(len(ordered) + 1)]
    for container in containers:
        if container.of in names and container.of != container.key:
            continue
        mine = sorted(place[each.network] for each in container.endpoints if each.network in place)
        bands[mine[0] if mine else -1].append((mine[-1] if mine else 0, container.name, container))
    made = []
    for band in bands:
        column: list[MapContainer] = []
        for _, _, container in sorted(band, key=lambda each: each[:2]):
            column += [container, *guests.pop(container.key, [])]
        made.append(column)
    made[-1] += [guest for left in guests.values() for guest in left]
    return made


def _reaches(ordered: Sequence[MapNetwork], bands: Sequence[Sequence[MapContainer]]) -> dict[str, tuple[int, int]]:
    """From which band to which the lane of each network goes; those without containers have none."""
    reach: dict[str, tuple[int, int]] = {}
    own = {network.key: number for number, network in enumerate(ordered)}
    for number, band in enumerate(bands):
        for endpoint in (endpoint for container in band for endpoint in container.endpoints):
            if endpoint.network in own:
                first, last = reach.get(endpoint.network, (own[endpoint.network],) * 2)
                reach[endpoint.network] = min(first, number), max(last, number)
    return reach


def _lanes(reach: dict[str, tuple[int, int]]) -> dict[str, int]:
    """As few lanes as are needed for none to lie over another: the first that is free, from the top down."""
    lanes: dict[str, int] = {}
    ends: list[int] = []
    for key, (first, last) in sorted(reach.items(), key=lambda each: (each[1], each[0])):
        lane = next((lane for lane, end in enumerate(ends) if end < first), len(ends))
        ends[lane : lane + 1] = [last]
        lanes[key] = lane
    return lanes


def _columns(width: int, lanes: int) -> Columns:
    network = 25 if width < 100 else 28
    flow = SHORT if width < 116 else LONG
    gap = 1 + max(1, lanes) * LANE + flow + 1
    containers = BOXES + network + gap
    beside = width >= PORTS_BESIDE
    spare = width - containers - 1
    container = max(24, min(46, spare - 24 if beside else spare))
    ports = containers + container + 1 if beside else 0
    return Columns(network, lanes, flow, containers, container, ports, max(width, containers + container + 1))


# --- the boxes ---


def _host(layout: Layout, networks: NetworkMap, width: int) -> int:
    """The host with its interfaces, as many beside each other as there is room for; the row below it."""
    inner = width - 4
    count = max(1, min(len(networks.interfaces), inner // 76))
    each = inner // count
    lines = max(1, -(-len(networks.interfaces) // count))
    layout.box(Box(HOST, "host", 0, 0, width, lines + 2), networks.host, "map--host")
    for number, interface in enumerate(networks.interfaces):
        x, y = 2 + number % count * each, 1 + number // count
        flow = SHORT if each < 60 else LONG
        layout.write(x, y, fit(interface.name, 10), "map--strong" if interface.up else "map--muted")
        layout.write(x + 11, y, fit("  ".join(interface.addresses), each - 13 - flow), "map--text")
        layout.label((interface.name,), x + each - flow - 1, y, flow)
    if not networks.interfaces:
        layout.write(2, 1, fit("loopback only", inner), "map--muted")
    return lines + 3


def _network(layout: Layout, network: MapNetwork, columns: Columns, top: int, style: str) -> int:
    subnets = network.subnets or ("no addresses",)
    lines = [*((subnet, "map--text") for subnet in subnets), (_about(network), "map--muted")]
    layout.box(Box(network.key, "network", BOXES, top, columns.network, len(lines) + 2), network.name, style)
    for number, (text, look) in enumerate(lines, 1):
        layout.write(BOXES + 2, top + number, fit(text, columns.network - 4), look)
    return top + len(lines) + 2


def _about(network: MapNetwork) -> str:
    return "no way out" if network.internal else network.bridge


def _container(
    layout: Layout,
    container: MapContainer,
    columns: Columns,
    top: int,
    joints: dict[str, list[tuple[int, str]]],
    colours: dict[str, str],
    dense: bool,
) -> int:
    """A container's box, or its lines; the row below it. What joins it to networks is noted in `joints`."""
    places = list(colours)
    endpoints = [endpoint for endpoint in container.endpoints if endpoint.network in colours]
    endpoints.sort(key=lambda endpoint: places.index(endpoint.network))
    lines = len(endpoints) + bool(container.note)
    ports = min(len(container.ports), PORTS)
    count = max(1, lines, ports) if columns.ports else max(1, lines + ports)
    first = top if dense else top + 1
    x = columns.containers
    if dense:
        count = max(1, len(endpoints))
        count += bool(container.ports) and not _fits_beside(layout.width - x, container)
        layout.add(Box(container.key, "container", x, top, layout.width - x, count))
    else:
        layout.box(Box(container.key, "container", x, top, columns.container, count + 2), container.name, "map--name")
    for number, endpoint in enumerate(endpoints):
        joints.setdefault(endpoint.network, []).append((first + number, endpoint.link))
        layout.joined(container.key, endpoint.network)
        layout.links[endpoint.link] = (endpoint.link,)
    if dense:
        _dense(layout, container, endpoints, x, top, colours)
        return top + count
    _lines(layout, container, endpoints, columns, top, colours)
    if container.of:
        layout.joined(container.key, container.of)
    return top + count + 2


def _lines(
    layout: Layout,
    container: MapContainer,
    endpoints: Sequence[MapEndpoint],
    columns: Columns,
    top: int,
    colours: dict[str, str],
) -> None:
    """What is in a container's box, and the ports of the host that lead to it."""
    x, y, inner = columns.containers + 2, top + 1, columns.container - 4
    for number, endpoint in enumerate(endpoints):
        layout.write(x, y + number, fit(endpoint.interface, 5), colours[endpoint.network])
        room = inner - 6
        if columns.ports and number < len(container.ports):
            room -= len(container.ports[number].container) + 2
        layout.write(x + 6, y + number, fit(_whole(endpoint.addresses, room), room))
    below = y + len(endpoints)
    if container.note:
        layout.write(x, below, fit(container.note, inner), "map--muted")
        below += 1
    for number, port in enumerate(container.ports[:PORTS]):
        left = len(container.ports) - PORTS + 1
        if number == PORTS - 1 and left > 1:
            port = MapPort(f"{left} more", "")
        if columns.ports:
            _port_beside(layout, columns, y + number, port)
        else:
            arrow = " ━▶ " if port.container else ""
            layout.write(x, below + number, fit(f"{port.host}{arrow}{port.container}", inner), "map--port")


def _whole(addresses: Sequence[str], room: int) -> str:
    """As many of them as have room; the first one anyhow."""
    words = ""
    for address in addresses:
        more = f"{words}  {address}" if words else address
        if not words or len(more) <= room:
            words = more
    return words


def _port_beside(layout: Layout, columns: Columns, y: int, port: MapPort) -> None:
    """The host's port to the right of the box, and an arrow from it to the container's."""
    right = columns.containers + columns.container - 2
    arrow = "◀━━ " if port.container else "    "
    layout.write(right - len(port.container), y, port.container, "map--port")
    layout.write(columns.ports, y, fit(f"{arrow}{port.host}", layout.width - columns.ports), "map--port")


def _dense(
    layout: Layout,
    container: MapContainer,
    endpoints: Sequence[MapEndpoint],
    x: int,
    top: int,
    colours: dict[str, str],
) -> None:
    """A line for each endpoint, and one for the ports where they have no room in the first."""
    name = _name_width(layout.width - x)
    layout.write(x + 1, top, fit(container.name, name), "map--name")
    for number, endpoint in enumerate(endpoints):
        address = endpoint.addresses[0] if endpoint.addresses else endpoint.interface
        layout.write(x + name + 2, top + number, fit(address, ADDRESS), colours[endpoint.network])
    if not endpoints:
        layout.write(x + name + 2, top, fit(container.note, layout.width - x - name - 2), "map--muted")
    if _fits_beside(layout.width - x, container):
        layout.write(x + name + ADDRESS + 3, top, _ports_line(container), "map--port")
    else:
        layout.write(
            x + 2, top + max(1, len(endpoints)), fit(_ports_line(container), layout.width - x - 2), "map--port"
        )


def _name_width(room: int) -> int:
    return min(20, room // 2)


def _ports_line(container: MapContainer) -> str:
    return "  ".join(f"{port.host}▶{port.container}" for port in container.ports)


def _fits_beside(room: int, container: MapContainer) -> bool:
    """Whether the ports have room behind name and address."""
    return len(_ports_line(container)) + _name_width(room) + ADDRESS + 3 <= room and not container.note


# --- the lines between them ---


def _join_lanes(
    layout: Layout,
    ordered: Sequence[MapNetwork],
    columns: Columns,
    lanes: dict[str, int],
    doors: dict[str, int],
    joints: dict[str, list[tuple[int, str]]],
) -> None:
    """From each network to its containers: lanes first, then the lines that run over them."""
    edge = BOXES + columns.network - 1
    trunks = {network.key: f"lane {network.key}" for network in ordered if network.key in lanes}
    for key, trunk in trunks.items():
        rows = [doors[key], *(y for y, _ in joints[key])]
        layout.links[trunk] = tuple(link for _, link in joints[key])
        layout.down(trunk, edge + LANE * (lanes[key] + 1), min(rows), max(rows))
    for key, trunk in trunks.items():
        x = edge + LANE * (lanes[key] + 1)
        layout.across(trunk, doors[key], edge, x, trunk)
        for y, link in joints[key]:
            layout.across(link, y, x, columns.containers, trunk)
            layout.label((link,), columns.containers - columns.flow - 1, y, columns.flow)


def _join_host(
    layout: Layout, networks: NetworkMap, ordered: Sequence[MapNetwork], doors: dict[str, int], columns: Columns
) -> None:
    """From the host to its bridges, but for internal ones, and to containers that have the host's own network."""
    bottom = layout.boxes[HOST].y + layout.boxes[HOST].height - 1
    out = [network for network in ordered if not network.internal]
    guests = [layout.boxes[each.key] for each in networks.containers if each.on_host]
    rows = {network.key: doors[network.key] for network in out}
    rows |= {box.key: box.y + (box.height > 1) for box in guests}
    if not rows:
        return
    layout.links[OUT] = tuple(network.bridge for network in out)
    layout.down(OUT, TRUNK, bottom, max(rows.values()))
    for network in out:
        layout.links[network.bridge] = (network.bridge,)
        layout.across(network.bridge, rows[network.key], TRUNK, BOXES, OUT)
        layout.joined(HOST, network.key)
    for box in guests:
        layout.links[f"host {box.key}"] = ()
        layout.across(f"host {box.key}", rows[box.key], TRUNK, columns.containers, OUT)
        layout.joined(HOST, box.key)
    if networks.way_out and out:
        layout.write(TRUNK + 2, bottom + 1, fit(networks.way_out, layout.width - TRUNK - 3), "map--muted")
