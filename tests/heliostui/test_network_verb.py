"""`network`, and `run` in networks, with a real engine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from .conftest import CommandLine


@pytest.fixture(autouse=True)
def nothing_stays(cli: CommandLine) -> Iterator[None]:
    yield
    if cli.containers():
        cli.ok("rm", "--force", *cli.containers())
    cli.ok("network", "prune", "--force")


def test_a_life_from_create_to_prune(cli: CommandLine) -> None:
    assert cli.ok("network", "create", "back", "--label", "tier=gold", "--internal", "--mtu", "1400") == "back"
    (detail,) = cli.json("network", "inspect", "back")
    assert (detail["internal"], detail["mtu"], detail["labels"]) == (True, 1400, {"tier": "gold"})
    assert len(detail["subnets"]) == 2
    assert cli.ok("network", "ls", "--quiet", "--filter", "label=tier=gold") == detail["id"]
    heading, row = cli.ok("network", "ls", "--filter", "name=back").splitlines()
    assert heading.startswith("NETWORK ID")
    assert [detail["id"], "back", detail["subnets"][0]["subnet"] + ","] == row.split()[:3]
    assert "back" in cli.refused("network", "create", "back", status=1)
    assert cli.ok("network", "create", "front") == "front"
    assert cli.ok("network", "rm", "back") == "back"
    assert "front" in cli.ok("network", "prune", "--force").split()
    assert json.loads(cli.ok("network", "ls", "--filter", "name=front", "--format", "json")) == []
    assert "There is no network 'front'" in cli.refused("network", "inspect", "front", status=1).removeprefix("[]")


def test_ranges_and_gateways_are_as_asked_for(cli: CommandLine) -> None:
    words = "--subnet 10.123.0.0/24 --subnet fd12:3::/64 --gateway 10.123.0.254 --gateway fd12:3::99"
    cli.ok("network", "create", "planned", *words.split())
    assert cli.json("network", "inspect", "planned")[0]["subnets"] == [
        {"subnet": "10.123.0.0/24", "gateway": "10.123.0.254"},
        {"subnet": "fd12:3::/64", "gateway": "fd12:3::99"},
    ]
    cli.ok("network", "create", "four", "--no-ipv6")
    (only,) = cli.json("network", "inspect", "four")[0]["subnets"]
    assert ":" not in only["subnet"]


def test_containers_are_where_they_were_put_under_the_names_they_were_given(cli: CommandLine) -> None:
    cli.ok("network", "create", "front", "--subnet", "10.123.1.0/24")
    cli.ok("network", "create", "back", "--subnet", "10.123.2.0/24")
    words = "--network front:alias=www --network back:ip=10.123.2.77,mac=02:00:00:00:00:77 --network-alias web"
    cli.ok("run", "-d", "--name", "server", *words.split(), "busybox", "sleep", "1000")
    front, back = cli.json("inspect", "server")[0]["network"]["endpoints"]
    assert (front["network"], sorted(front["aliases"])) == ("front", ["web", "www"])
    assert (back["network"], back["ip"], back["mac"]) == ("back", "10.123.2.77", "02:00:00:00:00:77")
    assert [each["name"] for each in cli.json("network", "ls", "--format", "json") if each["used_by"]] == [
        "back", "front"
    ]  # fmt: skip
    assert "in use" in cli.refused("network", "rm", "back", status=1)
    assert "see 'heliostui network rm --help'" in cli.refused("network", "rm", "--frob", "back", status=2)
    for name in ("server", "www", "web"):
        looked_up = cli.ok("run", "--rm", "--network", "front", "busybox", "ping", "-c", "1", "-w", "30", name)
        assert front["ip"] in looked_up or front["ip6"] in looked_up
    assert cli.ok("ps", "-q", "--filter", "network=back") == cli.containers()["server"]["id"]


def test_connecting_and_leaving_take_effect_at_once(cli: CommandLine) -> None:
    cli.ok("network", "create", "back", "--subnet", "10.123.3.0/24")
    cli.ok("run", "-d", "--name", "server", "busybox", "sleep", "1000")
    assert cli.ok("network", "connect", "--ip", "10.123.3.9", "--alias", "db", "back", "server") == ""
    assert "10.123.3.9/24" in cli.ok("exec", "server", "ip", "address")
    (member,) = cli.json("network", "inspect", "back")[0]["members"]
    assert (member["container"], member["ip"], member["aliases"]) == ("server", "10.123.3.9", ["db"])
    assert cli.ok("network", "disconnect", "back", "server") == ""
    assert "10.123.3.9" not in cli.ok("exec", "server", "ip", "address")
    assert cli.ok("network", "rm", "back") == "back"


def test_names_of_hosts_and_servers_are_what_was_asked_for(cli: CommandLine) -> None:
    words = (
        "--add-host db:10.9.8.7 --add-host six=[fd00::7] --dns 192.0.2.53 --dns-search example.org --dns-opt ndots:2"
    )
    told = cli.ok("run", "--rm", *words.split(), "busybox", "cat", "/etc/hosts", "/etc/resolv.conf")
    assert re.search(r"(?m)^10\.9\.8\.7\s+db$", told)
    assert re.search(r"(?m)^fd00::7\s+six$", told)
    assert re.search(r"(?m)^search example\.org$", told)
    assert re.search(r"(?m)^options .*ndots:2", told)


def test_pruning_asks_on_a_terminal(cli: CommandLine) -> None:
    cli.ok("network", "create", "front")
    for answer, status, left in ((b"n\r", 1, ["front"]), (b"y\r", 0, [])):
        with cli.terminal("network", "prune") as terminal:
            terminal.until(b"[y/N] ")
            terminal.type(answer)
            assert terminal.end() == status
        names = [each["name"] for each in cli.json("network", "ls", "--format", "json")]
        assert [name for name in names if name == "front"] == left


@pytest.mark.parametrize(
    ("words", "status", "why"),
    [
        ("network create", 2, "NAME"),
        ("network create ../up", 2, "no name of a network"),
        ("network create bridge", 1, "'bridge'"),
        ("network", 2, "required"),
        ("network create x --subnet 10.0.0.7/24", 2, "write the range alone, 10.0.0.0/24"),
        ("network create x --subnet 10.0.0.0", 2, "no range of addresses"),
        ("network create x --subnet 10.1.0.0/24 --subnet 10.2.0.0/24", 2, "one range of IPv4 addresses"),
        ("network create x --subnet 10.123.9.0/24 --gateway 10.124.0.1", 1, "10.124.0.1"),
        ("network create x --mtu 12", 2, "no MTU"),
        ("network create x --driver overlay", 2, "invalid choice"),
        ("network ls --filter color=blue", 1, "color"),
        ("network rm nope", 1, "There is no network 'nope'"),
        ("network connect nope nobody", 1, "nobody"),
        ("run --network nope busybox true", 125, "There is no network 'nope'"),
        ("run --network bridge --ip 192.0.2.1 busybox true", 125, "192.0.2.1"),
    ],
)
def test_what_can_not_be_is_refused_in_a_sentence(cli: CommandLine, words: str, status: int, why: str) -> None:
    assert why in cli.refused(*words.split(), status=status)


def test_a_container_of_the_hosts_network_publishes_nothing(cli: CommandLine) -> None:
    why = cli.refused("run", "--rm", "--network", "host", "-p", "8099:80", "busybox", "true", status=125)
    assert "can't publish ports" in why
