"""The map of networks as a user meets it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region
from textual.strip import Strip

from tests.widgets.network import CONTAINERS, FLOWS, MACHINE, WEB
from widgets.network import Flow, HostInterface, MapContainer, MapEndpoint, MapNetwork, MapPort, NetworkMap
from widgets.network_layout import EAST, HOST, NORTH, PORTS_BESIDE, SOUTH, WEST, Layout, lay_out
from widgets.network_map import LIGHT, NetworkMapView, level_of, told

LONG = "fd5c:5ff0:6c57:abcd:1234:5678:9abc:def0"


def lines(networks: NetworkMap, width: int = 80, *, dense: bool = False) -> list[str]:
    """The map without traffic, as text."""
    layout = lay_out(networks, width, dense=dense)
    return ["".join(LIGHT[cell.lines] if cell.lines else cell.text for cell in row).rstrip() for row in layout.rows]


def present(view: NetworkMapView, networks: NetworkMap = MACHINE) -> None:
    view.show(networks, FLOWS)
    view.focus()


class Watched(NetworkMapView):
    """Remembers what is asked to be drawn again."""

    asked: list[Region]

    def refresh(self, *regions: Region, **options: Any) -> Any:
        if hasattr(self, "asked"):
            self.asked += regions or [Region(0, 0, *self.size)]
        return super().refresh(*regions, **options)


def test_host_networks_containers_and_ports_are_all_told_in_eighty_columns() -> None:
    text = "\n".join(lines(MACHINE))
    for words in ("192.0.2.10/24", "masquerade", "10.88.0.0/24", "hb-1a", "no way out", "10.88.2.3"):
        assert words in text, words
    for container in CONTAINERS:
        assert f"╭ {container.name} ─" in text
    assert ":8080 ━▶ 80/tcp" in text
    assert "127.0.0.1:8443 ━▶ 443/tcp" in text
    assert "shares web's network" in text


def test_where_there_is_room_arrows_lead_from_the_hosts_ports_to_the_containers() -> None:
    row = next(line for line in lines(MACHINE, 200) if ":8080" in line)
    assert "80/tcp │ ◀━━ :8080" in row


@pytest.mark.parametrize("width", [PORTS_BESIDE, 200])
@pytest.mark.parametrize(("addresses", "told"), [(("10.88.0.2", LONG), "10.88.0.2"), ((LONG,), "fd5c:5ff0:6c57")])
def test_an_address_is_cut_before_the_port_beside_it(width: int, addresses: tuple[str, ...], told: str) -> None:
    echo = MapContainer("c", "c", (MapEndpoint("n1", "eth0", "h1", addresses),), (MapPort(":12345", "12345/tcp"),))
    row = next(line for line in lines(replace(MACHINE, containers=(echo,)), width) if "◀━━ :12345" in line)
    assert told in row
    assert " 12345/tcp │ ◀━━ :12345" in row


def test_an_internal_network_is_not_joined_to_the_host() -> None:
    rows = lines(MACHINE)
    inner = next(line for line in rows if "10.88.2.0/24" in line)
    open_one = next(line for line in rows if "10.88.3.0/24" in line)
    assert inner[2:6] == "│  │"
    assert open_one[2:6] == "├──┤"


def test_a_container_with_the_hosts_network_is_joined_to_the_host() -> None:
    row = next(line for line in lines(MACHINE) if "has the host's network" in line)
    assert row.lstrip().startswith("╰──────")
    assert "┤ has the host's network" in row


def test_a_container_that_shares_a_network_is_next_to_its_host() -> None:
    layout = lay_out(MACHINE, 80)
    web, sidecar = layout.boxes["web"], layout.boxes["sidecar"]
    assert sidecar.y == web.y + web.height


def test_a_line_that_crosses_a_lane_runs_over_it() -> None:
    row = next(line for line in lines(MACHINE) if "10.88.1.0/24" in line)
    assert "├───┴──" in row  # the first lane is another network's


def walk(layout: Layout, link: str) -> set[tuple[int, int]]:
    """The cells of a line, by place."""
    return {
        (x, y) for y, row in enumerate(layout.rows) for x, cell in enumerate(row) if cell.lines and cell.style == link
    }


machines = st.builds(
    lambda count, seed: _machine(count, random.Random(seed)), st.integers(0, 12), st.integers(0, 2**16)
)


def _machine(count: int, dice: random.Random) -> NetworkMap:
    networks = tuple(
        MapNetwork(f"n{n}", f"net{n}", f"hb-{n}", (f"10.88.{n}.0/24",), internal=dice.random() < 0.3)
        for n in range(dice.randint(0, 5))
    )
    containers = []
    for number in range(count):
        mine = dice.sample(networks, dice.randint(0, len(networks)))
        endpoints = tuple(
            MapEndpoint(each.key, f"eth{n}", f"h{number}.{n}", (f"10.0.{number}.{n}",)) for n, each in enumerate(mine)
        )
        ports = tuple(MapPort(f":{8000 + n}", "80/tcp") for n in range(dice.randint(0, 9)))
        shared = f"c{dice.randrange(count)}" if not endpoints and dice.random() < 0.4 else ""
        containers.append(
            MapContainer(
                f"c{number}",
                f"box{number}",
                endpoints,
                ports,
                "" if endpoints else "loopback only",
                shared,
                not endpoints and not shared,
            )
        )
    return NetworkMap((HostInterface("eth0", ("192.0.2.1/24",)),), networks, tuple(containers), way_out="masquerade")


@given(machines, st.sampled_from([60, 80, 140, 200]), st.booleans())
def test_every_container_is_there_once_and_no_two_boxes_overlap(machine: NetworkMap, width: int, dense: bool) -> None:
    layout = lay_out(machine, width, dense=dense)
    keys = {HOST, *(each.key for each in machine.networks), *(each.key for each in machine.containers)}
    assert set(layout.boxes) == keys
    taken: set[tuple[int, int]] = set()
    for box in layout.boxes.values():
        cells = {(x, y) for x in range(box.x, box.x + box.width) for y in range(box.y, box.y + box.height)}
        assert not taken & cells, box
        taken |= cells


@given(machines, st.sampled_from([60, 80, 140, 200]), st.booleans())
def test_every_line_goes_from_its_network_to_its_container_without_a_gap(
    machine: NetworkMap, width: int, dense: bool
) -> None:
    layout = lay_out(machine, width, dense=dense)
    for container in machine.containers:
        for endpoint in container.endpoints:
            cells = walk(layout, endpoint.link)
            (row,) = {y for _, y in cells}
            xs = sorted(x for x, _ in cells)
            assert xs == list(range(xs[0], xs[-1] + 1)), endpoint
            box = layout.boxes[container.key]
            assert xs[-1] == box.x
            assert box.y <= row < box.y + box.height
            start = layout.rows[row][xs[0] - 1]
            assert start.style == f"lane {endpoint.network}"
            assert start.lines & EAST


@given(machines, st.sampled_from([80, 200]))
def test_lines_that_go_on_meet_one_another(machine: NetworkMap, width: int) -> None:
    """What leaves a cell enters the next: a line may run over another one, and then that one stops before it."""
    rows = lay_out(machine, width).rows
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            if cell.lines & EAST and not cell.border and x + 1 < len(row):
                assert row[x + 1].lines & WEST
            if cell.lines & SOUTH and cell.style.startswith("lane") and y + 1 < len(rows):
                assert rows[y + 1][x].lines & (NORTH | EAST)


@given(machines)
def test_the_layout_does_not_depend_on_the_order_in_which_things_are_told(machine: NetworkMap) -> None:
    turned = replace(
        machine, networks=tuple(reversed(machine.networks)), containers=tuple(reversed(machine.containers))
    )
    assert lay_out(machine, 80).rows == lay_out(turned, 80).rows


@pytest.mark.parametrize(
    ("flow", "level"), [(None, 0), (Flow(), 0), (Flow(5, 5), 1), (Flow(9e3, 2e3), 2), (Flow(0, 2e6), 3), (Flow(1e9), 4)]
)
def test_a_line_is_lit_up_in_proportion_to_its_traffic(flow: Flow | None, level: int) -> None:
    assert level_of(flow) == level


@given(st.floats(0, 1e13), st.floats(0, 1e13), st.sampled_from([13, 27]))
def test_a_flow_has_room_in_its_place(down: float, up: float, width: int) -> None:
    assert len(told(Flow(down, up), width)) == width


async def test_nothing_is_drawn_when_nothing_changed_and_only_numbers_where_they_did(stage: Any) -> None:
    view = Watched()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        view.asked = []
        view.show(MACHINE, dict(FLOWS))
        assert not view.asked
        view.show(MACHINE, {**FLOWS, "hclient.0": Flow(151e6, 3e6)})
        assert view.asked
        assert sum(region.area for region in view.asked) <= 13


async def test_nothing_moves_when_traffic_does(stage: Any) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        before = view._layout
        view.show(MACHINE, {link: Flow(1, 2) for link in FLOWS})
        assert view._layout is before


@pytest.mark.parametrize("keys", ["down right down left down up up left", "j l j h j k k h"], ids=["arrows", "letters"])
async def test_arrows_and_letters_go_along_the_lines(stage: Any, keys: str) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)) as pilot:
        seen = [view.cursor]
        for key in keys.split():
            await pilot.press(key)
            seen.append(view.cursor)
        assert seen == [HOST, "n0", "client", "web", "n0", "n1", "n0", HOST, HOST]
        assert view.selected is None


async def test_the_selection_is_seen_wherever_it_goes(stage: Any) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 15)) as pilot:
        await pilot.press("end")
        await pilot.pause()
        box = view._layout.boxes[view.cursor]
        assert view.scroll_offset.y <= box.y
        assert box.y + box.height <= view.scroll_offset.y + view.size.height
        await pilot.press("home")
        await pilot.pause()
        assert view.scroll_offset.y == 0


async def test_a_selected_container_that_ends_leaves_the_selection_with_the_host(stage: Any) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)):
        view.cursor = "db"
        view.show(replace(MACHINE, containers=(WEB,)), FLOWS)
        assert view.cursor == HOST


async def test_many_containers_are_lines_until_the_user_wants_boxes(stage: Any) -> None:
    crowd = tuple(
        MapContainer(f"c{n}", f"box{n}", (MapEndpoint("n0", "eth0", f"h{n}.0", (f"10.88.0.{n}",)),)) for n in range(200)
    )
    view = NetworkMapView()
    machine = replace(MACHINE, containers=crowd)
    async with stage(view, prepare=partial(present, view, machine)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert view.virtual_size.height < 230
        await pilot.press("v")
        assert view.virtual_size.height > 600


def texts(view: NetworkMapView) -> Sequence[str]:
    strips: list[Strip] = [view.render_line(y) for y in range(view.size.height)]
    return [strip.text for strip in strips]


async def test_traffic_is_seen_on_the_line_to_the_container(stage: Any) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)) as pilot:
        await pilot.pause()
        row = next(text for text in texts(view) if "10.88.0.3" in text)
        assert "━━━━↓150M ↑3.0M━━┤" in row
        row = next(text for text in texts(view) if "10.88.2.2" in text)
        assert "────↓   0 ↑   0──┤" in row


@pytest.mark.parametrize(
    ("size", "theme", "keys"),
    [
        ((80, 24), "helios-dark", ["down", "right", "down"]),
        ((80, 40), "helios-light", ["v", "down"]),
        ((160, 50), "helios-dark", ["down", "down"]),
    ],
)
def test_how_it_looks(snap_compare: Any, stage: Any, size: tuple[int, int], theme: str, keys: list[str]) -> None:
    view = NetworkMapView()
    app = stage(view, prepare=partial(present, view), theme=theme)
    assert snap_compare(app, terminal_size=size, press=keys)


async def test_home_and_end_go_to_the_first_and_the_last(stage: Any) -> None:
    view = NetworkMapView()
    async with stage(view, prepare=partial(present, view)).run_test(size=(80, 40)) as pilot:
        await pilot.press("end")
        last = view.cursor
        for key, place in (("g", HOST), ("G", last), ("home", HOST)):
            await pilot.press(key)
            assert view.cursor == place
