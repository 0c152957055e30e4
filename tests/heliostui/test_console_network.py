"""Networks in the console, with a real engine behind it."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from textual.binding import ActiveBinding
from textual.widgets import Input, Select, Static

from engine.protocol.network import EndpointDetail
from heliostui.screens.dialog import Confirm
from heliostui.screens.explain import ExplainThing
from heliostui.screens.help import Help
from heliostui.screens.main import MainScreen
from heliostui.screens.network_forms import CaptureForm, ConnectForm, Form, NetworkForm, PublishForm
from heliostui.screens.network_map import MapScreen
from heliostui.screens.new import NewContainer
from tests.heliostui.conftest import CommandLine
from tests.heliostui.person import Person, console
from widgets.network import MapContainer, MapEndpoint
from widgets.network_layout import HOST
from widgets.section_line import SectionLine
from widgets.section_table import SectionRow, SectionTable

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a bridge on the host needs root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed"),
]

SERVER = ("python3", "-m", "http.server", "--bind", "::", "80")


@pytest.fixture(scope="module")
def web(cli: CommandLine) -> Iterator[str]:
    """The name of a container with a server that is published on 127.0.0.1."""
    cli.ok("run", "-d", "--name", "web", "-p", "127.0.0.1::80", "host", *SERVER)
    yield "web"
    cli.ok("kill", "web")  # which is deaf to TERM


def rows(table: SectionTable, section: str) -> list[SectionRow]:
    return list(table.shown(section))


def line(table: SectionTable, section: str, words: str) -> str:
    """The row of a section that has these words; empty: none."""
    texts = ("  ".join(cell.text for cell in row.cells) for row in rows(table, section))
    return next((text for text in texts if words in text), "")


def fetched(port: int) -> int:
    """The status with which a server answers. Raises URLError."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
        return int(response.status)


def problem(form: Form | NewContainer) -> str:
    return str(form.query_one("#problem", Static).render())


async def look(person: Person, name: str) -> SectionTable:
    """The Network pane of a container, once it shows something."""
    await person.select(name)
    await person.press("w")
    table = person.main.details.network.table
    await person.until(lambda: rows(table, "addresses"))
    return table


async def map_of(person: Person) -> MapScreen:
    await person.press("N")
    await person.until(lambda: isinstance(person.app.screen, MapScreen))
    screen = person.app.screen
    assert isinstance(screen, MapScreen)
    await person.until(lambda: screen.view.networks.networks)
    return screen


def places(screen: MapScreen, name: str) -> tuple[MapEndpoint, ...]:
    """A container's endpoints as the map has them."""
    return next((box.endpoints for box in screen.view.networks.containers if box.name == name), ())


async def answer(person: Person, kind: type[Form], **fields: str) -> Form:
    """Fill a dialog in and press Enter."""
    await person.until(lambda: isinstance(person.app.screen, kind))
    form = person.app.screen
    assert isinstance(form, Form)
    for name, text in fields.items():
        form.query_one(f"#{name}", Input).value = text
    form.query(Input).first().focus()
    await person.press("enter")
    return form


async def test_the_pane_shows_what_the_containers_own_tools_would(cli: CommandLine, web: str) -> None:
    (told,) = cli.json("inspect", web)
    (endpoint,) = told["network"]["endpoints"]
    async with console(cli, (140, 50)) as person:
        table = await look(person, "web")
        await person.until(lambda: line(table, "addresses", endpoint["ip"]))
        assert endpoint["host_interface"] in line(table, "addresses", endpoint["ip"])
        assert f"127.0.0.1:{told['network']['ports'][0]['port']}" in line(table, "ports", "80/tcp")
        await person.until(lambda: "python3" in line(table, "sockets", "LISTEN"))
        assert endpoint["gateway"] in line(table, "routes", "default")
        await person.until(lambda: line(table, "hosts", endpoint["ip"]))
        cli("exec", "web", "getent", "hosts", "nobody.invalid")
        await person.until(lambda: line(table, "dns", "nobody.invalid"))


async def test_counters_of_rules_go_up_while_they_are_looked_at(cli: CommandLine, web: str) -> None:
    (told,) = cli.json("inspect", "web")
    port = told["network"]["ports"][0]["port"]
    async with console(cli, (140, 50)) as person:
        table = await look(person, "web")
        await person.until(lambda: line(table, "rules", "web") and line(table, "sockets", "LISTEN"))

        def counted() -> int:
            return sum(int(row.cells[1].text.replace(",", "") or 0) for row in rows(table, "rules") if row.order[1])

        before = counted()
        assert fetched(port) == 200
        await person.until(lambda: counted() > before)


async def test_a_line_is_explained_and_lines_are_searched(cli: CommandLine, web: str) -> None:
    async with console(cli, (120, 40)) as person:
        table = await look(person, "web")
        await person.until(lambda: line(table, "sockets", "LISTEN"))
        await person.press("tab")
        await person.until(lambda: table.has_focus)
        await person.press("down")
        await person.until(lambda: table.selected and isinstance(table.selected.of, EndpointDetail))
        await person.press("x")
        await person.until(lambda: isinstance(person.app.screen, ExplainThing))
        assert "veth pair" in str(person.app.screen.query(".explain-words").first(Static).render())
        await person.press("escape", "slash", *"listen", "enter")
        await person.until(lambda: table.filter == "listen")
        assert not rows(table, "routes")
        assert rows(table, "sockets")
        await person.press("escape")
        await person.until(lambda: rows(table, "routes"))


async def test_a_click_on_a_sections_name_goes_there(cli: CommandLine, web: str) -> None:
    async with console(cli, (120, 40)) as person:
        table = await look(person, "web")
        names = person.main.details.network.query_one(SectionLine)
        await person.until(lambda: len(names.names) > 2)
        await person.pilot.click(names, offset=(len(names.names[0]) + 4, 0))
        await person.until(lambda: table.place == 1)


async def test_streams_end_when_the_pane_is_hidden(cli: CommandLine, web: str) -> None:
    async with console(cli, (120, 40)) as person:
        await look(person, "web")
        pane = person.main.details.network

        def followed() -> int:
            return sum(worker.node is pane and worker.group == "network" for worker in person.app.workers)

        assert followed()
        await person.press("2")
        await person.until(lambda: not followed())
        await person.press("w")
        await person.until(followed)
        await map_of(person)
        await person.until(lambda: not followed())
        await person.press("escape")
        await person.until(followed)
        assert not any(worker.group == "map" for worker in person.app.workers)


async def test_a_port_is_published_and_taken_back_by_keys(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "served", "host", *SERVER)
    async with console(cli, (120, 40)) as person:
        table = await look(person, "served")
        await person.press("P")
        form = await answer(person, PublishForm, port="eighty")
        await person.until(lambda: "'eighty' is no port" in problem(form))
        assert form.query_one("#port", Input).value == "eighty"
        await answer(person, PublishForm, port="127.0.0.1:18080:80")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        await person.until(lambda: line(table, "ports", "127.0.0.1:18080") and line(table, "sockets", "LISTEN"))
        assert fetched(18080) == 200
        await person.press("tab")
        table.cursor = ("ports", next(row.key for row in rows(table, "ports") if "18080" in row.key))
        await person.until(
            lambda: (
                "take_back"
                in {
                    each.binding.action.removeprefix("screen.")
                    for each in person.app.screen.active_bindings.values()
                    if each.enabled
                }
            )
        )
        await person.press("u")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("y")
        await person.until(lambda: not line(table, "ports", "18080"))
        with pytest.raises(URLError):
            fetched(18080)


async def test_the_map_shows_the_machine_and_leads_to_a_container(cli: CommandLine, web: str) -> None:
    async with console(cli, (100, 40)) as person:
        await person.until(lambda: web in person.states())
        screen = await map_of(person)
        view = screen.view
        await person.until(lambda: any(box.name == "web" for box in view.networks.containers))
        assert view.cursor == HOST
        await person.press("down")
        assert view.selected is not None
        assert view.selected.name == "default"
        await person.press("right")
        assert isinstance(view.selected, MapContainer)
        view.cursor = next(box.key for box in view.networks.containers if box.name == web)
        await person.until(lambda: view._texts)  # rates, of two maps
        await person.press("enter")
        await person.until(lambda: person.app.screen is person.main and person.main.details.tab == "network")
        assert person.main.state.selected is not None
        assert person.main.state.selected.name == web


async def test_networks_are_made_joined_left_and_removed_from_the_map(cli: CommandLine, web: str) -> None:
    async with console(cli, (100, 40)) as person:
        await person.select("web")
        screen = await map_of(person)
        view = screen.view
        await person.press("n")
        form = await answer(person, NetworkForm, name="two words")
        await person.until(lambda: problem(form))
        await answer(person, NetworkForm, name="vault")
        await person.until(lambda: any(network.name == "vault" for network in view.networks.networks))
        view.cursor = next(box.key for box in view.networks.containers if box.name == "web")
        await person.press("C")
        await person.until(lambda: isinstance(person.app.screen, ConnectForm))
        await person.until(lambda: person.app.screen.query_one("#network", Select).value == "vault")
        await answer(person, ConnectForm)
        await person.until(lambda: len(places(screen, web)) == 2)
        assert {each["network"] for each in cli.json("inspect", "web")[0]["network"]["endpoints"]} == {
            "default",
            "vault",
        }
        await person.press("u")
        await person.until(lambda: isinstance(person.app.screen, Form))
        person.app.screen.query_one("#network", Select).value = "vault"
        person.app.screen.query_one("#do").focus()
        await person.press("enter")
        await person.until(lambda: len(places(screen, web)) == 1)
        view.cursor = next(network.key for network in view.networks.networks if network.name == "vault")
        await person.press("d")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("y")
        await person.until(lambda: all(network.name != "vault" for network in view.networks.networks))


def packets(file: Path) -> int:
    """How many a pcap file has; it must be whole."""
    data = file.read_bytes()
    assert struct.unpack_from("=I", data)[0] in (0xA1B2C3D4, 0xA1B23C4D)
    place, count = 24, 0
    while place < len(data):
        _, _, kept, _ = struct.unpack_from("=IIII", data, place)
        place, count = place + 16 + kept, count + 1
    assert place == len(data)
    return count


async def test_traffic_is_captured_to_a_file_by_key(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-d", "--name", "busy", "-p", "127.0.0.1:18090:80", "host", *SERVER)
    target, taken = tmp_path / "busy.pcap", tmp_path / "taken.pcap"
    taken.write_text("something dear")
    async with console(cli, (120, 40)) as person:
        table = await look(person, "busy")
        await person.until(lambda: line(table, "sockets", "LISTEN"))
        await person.press("c")
        form = await answer(person, CaptureForm, file=str(taken))
        await person.until(lambda: "is there already" in problem(form))
        assert taken.read_text() == "something dear"
        await answer(person, CaptureForm, file=str(target), interface="no_such")
        await person.until(lambda: "no_such" in problem(form))
        assert not target.exists()
        await answer(person, CaptureForm, file=str(target), interface="")
        await person.until(lambda: isinstance(person.app.screen, MainScreen))
        assert fetched(18090) == 200
        status = person.main.query_one("#status", Static)
        await person.until(lambda: "◉ busy" in str(status.render()) and "◉ busy 0 " not in str(status.render()))
        await person.press("c")
        await person.until(lambda: "◉" not in str(status.render()))
        await person.until(lambda: any("are in" in notice for notice in person.notices))
    assert packets(target) > 5


async def test_a_file_is_whole_when_the_console_is_left_while_it_captures(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-d", "--name", "left", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        await person.select("left")
        await person.press("c")
        await answer(person, CaptureForm, file=str(tmp_path / "left.pcap"))
        await person.until(lambda: person.app.screen is person.main and person.main.captures.words())
        await person.press("q")
    packets(tmp_path / "left.pcap")


async def test_a_capture_ends_with_its_container(cli: CommandLine, tmp_path: Path) -> None:
    cli.ok("run", "-d", "--name", "short", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        await person.select("short")
        await person.press("c")
        await answer(person, CaptureForm, file=str(tmp_path / "short.pcap"))
        await person.until(lambda: person.app.screen is person.main and person.main.captures.words())
        cli.ok("rm", "-f", "short")
        await person.until(lambda: not person.main.captures.words())
    packets(tmp_path / "short.pcap")


async def test_a_new_container_gets_the_network_and_the_ports_that_were_filled_in(cli: CommandLine) -> None:
    cli.ok("network", "create", "backend")
    async with console(cli) as person:
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NewContainer))
        dialog = person.app.screen
        assert isinstance(dialog, NewContainer)
        dialog.query_one("#name", Input).value = "filled"
        await person.until(dialog._known.is_set)
        dialog.query_one("#network", Select).value = "backend"
        dialog.query_one("#ports", Input).value = "eighty"
        await person.press("enter")
        await person.until(lambda: "'eighty' is no port" in problem(dialog))
        dialog.query_one("#ports", Input).value = "127.0.0.1:18081:80, 18082:53/udp"
        await person.press("enter")
        await person.until(lambda: person.main.terminal_has_keys)
    network = cli.json("inspect", "filled")[0]["network"]
    assert [each["network"] for each in network["endpoints"]] == ["backend"]
    assert {(each["port"], each["container_port"]) for each in network["ports"]} == {(18081, 80), (18082, 53)}
    async with console(cli, (120, 40)) as person:
        await person.until(lambda: any(":18082→53/udp" in row.ports for row in person.main.table.rows))


async def test_a_container_that_does_not_run_has_what_it_asked_for(cli: CommandLine) -> None:
    cli("network", "create", "quiet")
    cli.ok("create", "--name", "later", "--network", "quiet", "-p", "18099:80", "host", "sleep", "600")
    async with console(cli, (120, 40)) as person:
        table = await look(person, "later")
        assert line(table, "addresses", "quiet")
        assert line(table, "ports", ":18099")


async def test_a_container_without_a_network_has_loopback_only(cli: CommandLine) -> None:
    cli.ok("run", "-d", "--name", "alone", "--network", "none", "host", "sleep", "600")
    async with console(cli, (100, 40)) as person:
        table = await look(person, "alone")
        await person.until(lambda: line(table, "addresses", "127.0.0.1"))
        screen = await map_of(person)
        box = next(box for box in screen.view.networks.containers if box.name == "alone")
        assert box.note == "loopback only"


async def test_the_map_comes_back_with_an_engine_that_was_killed(cli: CommandLine, web: str) -> None:
    async with console(cli, (100, 40)) as person:
        await person.until(lambda: web in person.states())
        screen = await map_of(person)
        info = person.main.state.info
        assert info is not None
        os.kill(info.pid, signal.SIGKILL)
        await person.until(lambda: person.main.state.info is not None and person.main.state.info.pid != info.pid)
        before = screen._before
        await person.until(lambda: screen._before is not None and screen._before is not before)
        assert any(box.name == web for box in screen.view.networks.containers)
        await person.until(lambda: not screen.query_one("#map-note").display)


async def test_the_terminal_gets_nothing_while_the_map_rests(cli: CommandLine) -> None:
    """What changes on the screen below, where it can't be seen, is not drawn either."""
    async with console(cli, (100, 40)) as person:
        screen = await map_of(person)
        assert person.app._background_screens == []
        await person.press("P", "n")
        await person.until(lambda: isinstance(person.app.screen, Form))
        assert person.app._background_screens == [screen]


async def test_the_keys_of_the_map_open_what_they_say_and_escape_leaves_it(cli: CommandLine, web: str) -> None:
    cli("network", "create", "idle-one")
    async with console(cli, (100, 40)) as person:
        await person.until(lambda: web in person.states())
        screen = await map_of(person)
        view = screen.view
        await person.until(lambda: places(screen, web))
        for key, kind in (("question_mark", Help), ("f1", Help), ("x", ExplainThing), ("n", NetworkForm)):
            await person.press(key)
            await person.until(lambda kind=kind: isinstance(person.app.screen, kind))  # type: ignore[misc]
            await person.press("escape")
            await person.until(lambda: person.app.screen is screen)
        box = next(box.key for box in view.networks.containers if box.name == web)
        for key, form in (("P", PublishForm), ("C", ConnectForm), ("c", CaptureForm), ("u", Form)):
            view.cursor = box
            await person.press(key)
            await person.until(lambda form=form: isinstance(person.app.screen, form))  # type: ignore[misc]
            await person.press("escape")
            await person.until(lambda: person.app.screen is screen)
        view.cursor = next(network.key for network in view.networks.networks if network.name == "idle-one")
        for key in ("d", "delete"):
            await person.press(key)
            await person.until(lambda: isinstance(person.app.screen, Confirm))
            await person.press("escape")
            await person.until(lambda: person.app.screen is screen)
        await person.press("x")
        await person.until(lambda: isinstance(person.app.screen, ExplainThing))
        await person.press("x")
        await person.until(lambda: person.app.screen is screen)
        await person.press("home")
        assert view.cursor == HOST
        await person.press("pagedown")
        assert view.cursor != HOST
        await person.press("pageup")
        assert view.cursor == HOST
        await person.press("v")
        dense = view.dense
        await person.press("v")
        assert view.dense is not dense
        await person.press("D")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("left", "left", "escape")
        await person.until(lambda: person.app.screen is screen)
        assert any(network.name == "idle-one" for network in view.networks.networks)
        await person.press("D")
        await person.until(lambda: isinstance(person.app.screen, Confirm))
        await person.press("right", "enter")
        await person.until(lambda: all(network.name != "idle-one" for network in view.networks.networks))
        for leave in ("q", "N", "0"):
            await person.press(leave)
            await person.until(lambda: person.app.screen is person.main)
            screen = await map_of(person)


async def test_a_form_is_filled_in_with_arrows_and_done_from_any_field(cli: CommandLine, web: str) -> None:
    async with console(cli, (100, 40)) as person:
        await person.until(lambda: web in person.states())
        screen = await map_of(person)
        await person.press("n")
        await person.until(lambda: isinstance(person.app.screen, NetworkForm))
        await person.until(lambda: person.app.focused is not None)
        first = person.app.focused
        await person.press("down")
        assert person.app.focused is not first
        await person.press("up")
        assert person.app.focused is first
        person.app.screen.query_one("#name", Input).value = "by-key"
        await person.press("down", "ctrl+s")
        await person.until(lambda: any(network.name == "by-key" for network in screen.view.networks.networks))
    cli.ok("network", "rm", "by-key")


async def test_the_lines_of_the_pane_are_gone_through_folded_and_explained_by_keys(cli: CommandLine, web: str) -> None:
    async with console(cli, (120, 40)) as person:
        table = await look(person, "web")
        await person.until(lambda: line(table, "sockets", "LISTEN"))
        await person.press("tab")
        await person.until(lambda: table.has_focus)
        await person.press("home")
        first = table.cursor
        await person.press("down")
        second = table.cursor
        assert second != first
        for key, place in (("up", first), ("j", second), ("k", first)):
            await person.press(key)
            assert table.cursor == place
        await person.press("end")
        last = table.cursor
        assert last not in (first, second)
        for key, place in (("g", first), ("G", last)):
            await person.press(key)
            assert table.cursor == place
        await person.press("pageup")
        assert table.cursor != last
        await person.press("home", "right")
        section = table.cursor
        assert section is not None
        assert first is not None
        assert section[0] != first[0]
        await person.press("left")
        assert table.cursor is not None
        assert table.cursor[0] == first[0]
        await person.until(lambda: "enter" in {key for key, each in active(person).items() if each.enabled})
        await person.press("down", "enter")
        await person.until(lambda: isinstance(person.app.screen, ExplainThing))
        await person.press("enter")
        await person.until(lambda: person.app.screen is person.main)


def active(person: Person) -> dict[str, ActiveBinding]:
    return dict(person.app.screen.active_bindings)
