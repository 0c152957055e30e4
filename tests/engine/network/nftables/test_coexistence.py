"""Other firewalls beside ours, as Docker, firewalld and ufw make them; a packet has to pass them all."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from engine.network.nftables import coexistence
from engine.network.nftables.firewall import Firewall
from tests.engine.network.hosts import Host, Protocol, needs
from tests.engine.network.nftables.test_firewall import until
from tests.engine.network.town import HERE, HERE6, ONE, OUTSIDE, OUTSIDE6, Container, Town, reached, town

# What Docker Engine 28 leaves in `iptables -S`, without containers.
DOCKER = """
-P FORWARD DROP
-N DOCKER
-N DOCKER-BRIDGE
-N DOCKER-CT
-N DOCKER-FORWARD
-N DOCKER-ISOLATION-STAGE-1
-N DOCKER-ISOLATION-STAGE-2
-N DOCKER-USER
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-USER -j RETURN
"""

# firewalld 1.3 with its zone "public": what is not accepted is rejected at the end.
FIREWALLD = """
table inet firewalld {
    chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid drop
        jump filter_INPUT_ZONES
        reject with icmpx admin-prohibited
    }
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid drop
        jump filter_FORWARD_ZONES
        reject with icmpx admin-prohibited
    }
    chain filter_INPUT_ZONES { meta l4proto { icmp, icmpv6 } accept; }
    chain filter_FORWARD_ZONES { meta l4proto { icmp, icmpv6 } accept; }
}
"""

# ufw's, in short: policies and its chains' ends.
UFW = """
-P INPUT DROP
-P FORWARD DROP
-N ufw-before-input
-N ufw-reject-forward
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -j ufw-reject-forward
-A ufw-reject-forward -j REJECT
"""
# Some addresses are dropped, and what no rule matches is not; Podman's table looks so.
HARMLESS = """
table ip filter {
    chain FORWARD {
        type filter hook forward priority filter; policy accept;
        ip saddr 198.51.100.7 drop
        jump ISOLATION
    }
    chain ISOLATION { iifname "podman0" drop; }
}
"""
NEIGHBOURS = "-A ufw-before-input -p ipv6-icmp -j ACCEPT"


@pytest.fixture
async def place() -> AsyncIterator[Town]:
    needs("ip", "nft", "iptables-nft")
    async with town(ONE) as made:
        yield made


def load(place: Town, rules: str, program: str = "iptables-nft", program6: str = "ip6tables-nft") -> None:
    """Into both families."""
    for each in program, program6:
        lines = [line for line in rules.strip().splitlines() if each != program or "ipv6" not in line]
        place.here.sh("set -e\n" + "\n".join(f"{each} -w {line}" for line in lines))


async def inhabited(place: Town) -> Container:
    """A container that is published at 8080, and an echo outside at 7000."""
    web = await place.container(ONE)
    web.host.echo(port=5000)
    place.outside.echo(port=7000)
    await place.firewall.publish(web.forwards(8080, 5000))
    return web


async def passes(place: Town, web: Container, *, answers: bool = True) -> bool:
    """Whether it reaches the world and is reached, in both families."""
    cases = {("out", web.host, address, 7000): answers for address in (OUTSIDE, OUTSIDE6)}
    cases |= {("in", place.outside, address, 8080): answers for address in (HERE, HERE6)}
    got = set((await reached(cases, "tcp")).values())
    assert len(got) == 1, got
    return got.pop()


async def test_containers_pass_dockers_rules(place: Town) -> None:
    load(place, DOCKER)
    await place.firewall.ensure([ONE], [])
    web = await inhabited(place)
    assert await passes(place, web)
    assert (
        "Table filter (ip) drops what it does not know: containers pass its chain FORWARD by a rule of ours."
        in place.firewall.coexistence
    )
    listed = place.here.sh("iptables-nft -S FORWARD")  # iptables can read it
    assert '-A FORWARD -i hb-+ -m comment --comment "heliostui-test: from containers" -j ACCEPT' in listed


async def test_they_pass_when_docker_comes_after_us(place: Town) -> None:
    web = await inhabited(place)
    with place.here.run(coexistence.listen) as told:
        load(place, DOCKER)
        await until(lambda: place.rules().count("heliostui-test: from containers") == 2, told)
    assert await passes(place, web)


async def test_they_pass_firewalld_and_its_reload(place: Town) -> None:
    place.here.sh("nft -f -", stdin=FIREWALLD)
    await place.firewall.ensure([ONE], [])
    web = await inhabited(place)
    assert await passes(place, web)
    with place.here.run(coexistence.listen) as told:
        place.here.sh("nft -f -", stdin="delete table inet firewalld\n" + FIREWALLD)
        await until(lambda: "heliostui-test: from containers" in place.rules(), told)
    assert await passes(place, web)


async def test_names_are_asked_for_where_the_host_lets_nothing_in(place: Town) -> None:
    load(place, UFW.replace("-A FORWARD", NEIGHBOURS + "\n-A FORWARD"))
    await place.firewall.ensure([ONE], [])
    web = await inhabited(place)
    assert await passes(place, web)
    protocols: list[Protocol] = ["tcp", "udp"]
    for protocol in protocols:
        place.here.echo(port=53, protocol=protocol)
        place.here.echo(port=54, protocol=protocol)
        cases = {
            ("resolver", web.host, gateway, port): port == 53
            for gateway in ("10.88.1.1", "fd00:88:0:1::1")
            for port in (53, 54)
        }
        got = await reached(cases, protocol)
        assert list(got.values()) == list(cases.values())


async def test_containers_pass_iptables_of_old(place: Town) -> None:
    needs("iptables-legacy")
    with Host() as probe:
        if "filter" not in probe.sh("iptables-legacy -w -S >&2; cat /proc/thread-self/net/ip_tables_names || true"):
            pytest.skip("this kernel has no iptables of old")
    load(place, DOCKER, "iptables-legacy", "ip6tables-legacy")
    await place.firewall.ensure([ONE], [])
    web = await inhabited(place)
    assert await passes(place, web)
    assert "iptables-legacy drops what it does not know" in " ".join(place.firewall.coexistence)
    await place.firewall.ensure([ONE], [])
    assert place.here.sh("iptables-legacy -w -S").count("heliostui-test: from containers") == 1
    await place.firewall.remove()
    assert "heliostui" not in place.here.sh("iptables-legacy -w -S; ip6tables-legacy -w -S")


async def test_without_our_rules_they_would_not_pass(place: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above can fail."""
    monkeypatch.setattr(coexistence, "_PASS", {"forward": (), "input": ()})
    load(place, DOCKER)
    web = await inhabited(place)
    assert not await passes(place, web, answers=False)


async def test_our_rules_are_there_once_and_then_no_more(place: Town) -> None:
    load(place, DOCKER)
    place.here.sh("nft -f -", stdin=FIREWALLD)
    for _ in range(3):
        await place.firewall.ensure([ONE], [])
    there = place.rules()
    assert there.count("heliostui-test: from containers") == 3  # Docker's for both families, firewalld's
    assert there.count("heliostui-test: to containers") == 3
    await place.firewall.remove()
    assert "heliostui" not in place.rules()


async def test_a_firewall_that_drops_nothing_is_left_alone(place: Town) -> None:
    place.here.sh("nft -f -", stdin=HARMLESS)
    await place.firewall.ensure([ONE], [])
    assert "heliostui-test: " not in place.rules()
    assert all("Forwarding" in sentence for sentence in place.firewall.coexistence)


async def test_two_engines_do_not_meet(place: Town) -> None:
    load(place, DOCKER)
    await place.firewall.ensure([ONE], [])
    other = Firewall(place.home, "heliostui-other")
    await other.ensure([], [])
    assert place.rules().count("heliostui-other: from containers") == 2
    web = await inhabited(place)
    await other.remove()
    assert "heliostui-other" not in place.rules()
    assert await passes(place, web)


async def test_a_firewall_that_takes_no_rule_is_told_of(place: Town) -> None:
    """A table may be one program's alone: flags owner."""
    with owned(place) as owner:
        await place.firewall.ensure([ONE], [])
        (said,) = [sentence for sentence in place.firewall.coexistence if "owned" in sentence]
        assert said == (
            "Table owned (inet) may cut containers off, and takes no rule of ours (Could not process rule: "
            "Operation not permitted): let traffic of the interfaces hb-* pass in that firewall."
        )
        assert owner.poll() is None


@contextmanager
def owned(place: Town) -> Iterator[subprocess.Popen[str]]:
    """A table that drops all, and belongs to a process."""
    owner = place.here.run(
        subprocess.Popen, ["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    with owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        owner.stdin.write("add table inet owned { flags owner; }\n")
        owner.stdin.write("add chain inet owned FORWARD { type filter hook forward priority 0; policy drop; }\n")
        owner.stdin.write("list tables\n")
        for line in owner.stdout:
            if "owned" in line and "add" not in line:
                break
        yield owner
        owner.stdin.close()
