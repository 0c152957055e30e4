"""Networks, ports, names and health checks as people write them."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol.messages import ContainerOptions
from engine.protocol.network import HealthCheck, NetworkOption, PortOption
from heliostui.commandline.failures import Failure, UsageError
from heliostui.commandline.health import command
from heliostui.commandline.networks import host, network
from heliostui.commandline.options import add_container_options, container_options
from heliostui.commandline.parser import verb_parser
from heliostui.commandline.times import seconds


def options(*words: str) -> ContainerOptions:
    parser = verb_parser("run", "", "run")
    add_container_options(parser)
    return container_options(parser.parse_args(words), {})


def networks(*words: str) -> list[NetworkOption]:
    return options(*words).networks


def config(tmp_path: Path, text: str) -> str:
    (tmp_path / "web.toml").write_text(text)
    return str(tmp_path / "web.toml")


def test_nothing_said_about_networks_says_nothing() -> None:
    assert options("busybox") == ContainerOptions(image="busybox")


def test_a_network_is_named_as_often_as_wanted() -> None:
    assert networks("--network", "front", "--net=back:ip=10.1.0.7,alias=db,alias=store") == [
        NetworkOption(name="front"),
        NetworkOption(name="back", ip="10.1.0.7", aliases=["db", "store"]),
    ]


def test_docker_and_podman_spell_a_network_each_in_its_way() -> None:
    wanted = NetworkOption(name="back", ip="10.1.0.7", ip6="fd00::7", mac="02:42:0a:01:00:07", aliases=["db"])
    assert network("back:ip=10.1.0.7,ip=fd00:0::7,mac=02:42:0A:01:00:07,alias=db") == wanted
    assert network("name=back,ip=10.1.0.7,ip6=fd00::7,mac-address=02-42-0a-01-00-07,alias=db") == wanted


@pytest.mark.parametrize("word", ["bridge", "default"])
def test_the_default_network_has_dockers_name_too(word: str) -> None:
    assert networks("--network", word) == [NetworkOption(name="default")]


@pytest.mark.parametrize(
    ("word", "way"),
    [("none", "private"), ("host", "host"), ("container:web", "container:web"), ("ns:/run/x", "ns:/run/x")],
)
def test_a_namespace_takes_the_place_of_networks(word: str, way: str) -> None:
    made = options("--network", word)
    assert (made.namespaces, made.networks) == ({"network": way}, [])


def test_addresses_and_aliases_are_for_the_first_network() -> None:
    words = "--network front --network back --ip 10.1.0.7 --ip6 fd00::7 --mac-address 02:42:0a:01:00:07 "
    words += "--network-alias www --network-alias web"
    first, second = networks(*words.split())
    assert first == NetworkOption(
        name="front", ip="10.1.0.7", ip6="fd00::7", mac="02:42:0a:01:00:07", aliases=["www", "web"]
    )
    assert second == NetworkOption(name="back")
    assert networks("--ip", "10.88.0.9") == [NetworkOption(name="default", ip="10.88.0.9")]


def test_ports_and_names_arrive() -> None:
    words = "-p 8080:80 --publish 53:53/udp -P --expose 90 --expose 100-101/udp --dns 9.9.9.9 --dns-search a.example "
    words += "--dns-option ndots:2 --add-host db:10.0.0.7 --add-host me=host-gateway busybox"
    assert options(*words.split()) == ContainerOptions(
        image="busybox",
        ports=[PortOption(host=8080, container=80), PortOption(host=53, container=53, protocol="udp")],
        publish_all=True,
        expose=["90/tcp", "100/udp", "101/udp"],
        dns=["9.9.9.9"],
        dns_search=["a.example"],
        dns_options=["ndots:2"],
        hosts=["db:10.0.0.7", "me:host-gateway"],
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("db:10.0.0.7", "db:10.0.0.7"),
        ("db=10.0.0.7", "db:10.0.0.7"),
        ("db:fd00::7", "db:fd00::7"),
        ("db:[fd00::7]", "db:fd00::7"),
        ("db=[fd00:0::7]", "db:fd00::7"),
        ("me:host-gateway", "me:host-gateway"),
    ],
)
def test_a_host_has_a_name_and_an_address(text: str, line: str) -> None:
    assert host(text) == line


@given(st.from_regex(r"\A[a-z][a-z0-9_.-]{0,20}\Z"), st.ip_addresses(v=4), st.ip_addresses(v=6))
def test_any_name_with_any_addresses_is_a_network(
    name: str, four: ipaddress.IPv4Address, six: ipaddress.IPv6Address
) -> None:
    if name in ("none", "private", "new", "host", "bridge", "default"):
        return
    assert network(f"{name}:ip={four},ip6={six}") == NetworkOption(name=name, ip=str(four), ip6=str(six))


@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    for parse in (network, host, command, seconds):
        try:
            parse(text)
        except ValueError:
            continue


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("--network web,app", "no name of a network"),
        ("--network web:color=blue", "'color=blue' can't be said of a network"),
        ("--network web:ip=10.0.0.256", "'10.0.0.256' is no IP address"),
        ("--network web:ip=10.0.0.1,ip=10.0.0.2", "has one such address"),
        ("--network web:mac=01:00:5e:00:00:01", "a group"),
        ("--network web:mac=none", "no MAC address"),
        ("--network web:alias=-", "no name of a host"),
        ("--network web --network web", "given twice"),
        ("--network web --network host", "--network host can't be one of several"),
        ("--network none --network none", "--network none can't be one of several"),
        ("--network container: ", "can't be"),
        ("--network host --ip 10.0.0.1", "--ip needs a network, and --network is host"),
        ("--network none --network-alias web", "--network-alias needs a network, and --network is none"),
        ("--network web:ip=10.0.0.1 --ip 10.0.0.2", "--ip is given twice"),
        ("--ip fd00::1", "no IPv4 address"),
        ("--ip6 10.0.0.1", "no IPv6 address"),
        ("-p 80:http", "'http' is no port"),
        ("--expose 70000", "no port 70000"),
        ("--dns ns.example", "no IP address"),
        ("--add-host db", "write NAME:ADDRESS"),
        ("--add-host db:nowhere", "no IP address"),
        ("--health-interval 5", "unit"),
        ("--health-interval 5s", "needs a check"),
        ("--health-cmd true --no-healthcheck", "exclude each other"),
        ("--health-retries many --health-cmd true", "no number of failures"),
    ],
)
def test_what_can_not_be_is_said_in_one_sentence(words: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        options(*words.split())
    assert "\n" not in str(caught.value)


def test_a_health_check_arrives() -> None:
    words = "--health-interval 1m30s --health-timeout 500ms --health-retries 5 --health-start-period 1h"
    made = options("--health-cmd", "curl -f localhost || exit 1", *words.split(), "--health-start-interval", "0")
    assert made.health == HealthCheck(
        command=["/bin/sh", "-c", "curl -f localhost || exit 1"],
        interval=90.0,
        timeout=0.5,
        retries=5,
        start_period=3600.0,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["/echo", "--check"]', ["/echo", "--check"]),
        ('["CMD", "/echo"]', ["/echo"]),
        ('["CMD-SHELL", "exit 0"]', ["/bin/sh", "-c", "exit 0"]),
        ("[ -e /ready ]", ["/bin/sh", "-c", "[ -e /ready ]"]),
    ],
)
def test_a_check_is_a_line_of_the_shell_or_a_list_of_words(text: str, words: list[str]) -> None:
    assert command(text) == words


def test_a_file_has_ports_networks_and_times_as_text(tmp_path: Path) -> None:
    text = """
    ports = ["8080:80", { container = 53, protocol = "udp" }]
    networks = ["front", { name = "back", aliases = ["db"] }]
    health = { command = ["true"], interval = "1m", timeout = 2 }
    """
    made = options("--config", config(tmp_path, text), "--health-timeout", "3s", "-p", "90", "--ip", "10.1.0.1")
    assert made.ports == [
        PortOption(host=8080, container=80),
        PortOption(container=53, protocol="udp"),
        PortOption(container=90),
    ]
    assert made.networks == [NetworkOption(name="front", ip="10.1.0.1"), NetworkOption(name="back", aliases=["db"])]
    assert made.health == HealthCheck(command=["true"], interval=60.0, timeout=3.0)


def test_networks_of_the_command_line_take_the_place_of_the_files(tmp_path: Path) -> None:
    file = config(tmp_path, 'networks = ["front"]\nnamespaces = { pid = "host" }')
    assert networks("--config", file, "--network", "back") == [NetworkOption(name="back")]
    alone = options("--config", file, "--network", "none")
    assert (alone.networks, alone.namespaces) == ([], {"pid": "host", "network": "private"})
    joined = options("--config", config(tmp_path, 'namespaces = { network = "host" }'), "--network", "back")
    assert (joined.networks, joined.namespaces) == ([NetworkOption(name="back")], {})
    assert options("--config", config(tmp_path, 'health = { command = ["x"] }'), "--no-healthcheck").health is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('\nports = ["80:x"]', "line 2: ports: '80:x': 'x' is no port"),
        ('networks = ["host"]', "namespaces.network"),
        ('health = { command = ["x"], interval = "soon" }', "health.interval: 'soon' is no time"),
        ("ports = [80]", "ports"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Failure, match=why):
        options("--config", config(tmp_path, text))
