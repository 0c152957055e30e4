"""Asking the host's name servers, or those of one container. The servers are real ones on loopback."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from dnslib import DNSRecord  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from engine.network.model import Address
from engine.network.names import questions, upstream
from engine.network.names.upstream import HostResolver, NoAnswer, Upstream, parse
from tests.engine.network.name_servers import (
    NameServer,
    answer,
    answering,
    failing,
    free_port,
    question,
    serving,
    silent,
    truncating,
)

ONE, TWO, THREE = ip_address("127.0.0.1"), ip_address("127.0.0.2"), ip_address("127.0.0.3")
NAME = questions.read(question("example.com"))


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
    return path


@pytest.fixture
def asking(file: Path, port: int) -> Upstream:
    return Upstream(list, file, port)


def told(packet: bytes) -> list[str]:
    return [str(record.rdata) for record in DNSRecord.parse(packet).rr]


def test_the_hosts_file_is_read_as_the_c_library_does() -> None:
    text = """
    # search no.example
    nameserver 192.0.2.1
    nameserver nonsense
    nameserver 2001:db8::1
    nameserver fe80::1%eth0
    nameserver 192.0.2.4
    domain old.example
    search lan example.com
    options timeout:2 attempts:3 rotate edns0 ndots:x
    """
    assert parse(text) == HostResolver(
        (ip_address("192.0.2.1"), ip_address("2001:db8::1"), ip_address("fe80::1%eth0")),
        ("lan", "example.com"),
        2.0,
        3,
        True,
    )


def test_without_a_server_it_is_the_one_on_loopback() -> None:
    assert parse("search lan").servers == (ip_address("127.0.0.1"),)


@given(st.text(alphabet="abnmeservrotionsdp: \n127.timeou²", max_size=200))
def test_whatever_stands_in_the_file_is_read(text: str) -> None:
    read = parse(text)
    assert 0 < len(read.servers) <= 3
    assert 1 <= read.timeout <= 30
    assert 1 <= read.attempts <= 5


def test_the_file_is_read_again_when_it_has_changed_or_was_replaced(file: Path, asking: Upstream) -> None:
    assert asking.servers() == [ONE, TWO]
    file.write_text("nameserver 127.0.0.3\n")
    assert asking.servers() == [THREE]
    new = file.with_name("new")
    new.write_text("nameserver 127.0.0.2\n")
    os.replace(new, file)
    assert asking.servers() == [TWO]
    file.unlink()
    assert asking.servers() == [ip_address("127.0.0.1")]


def test_servers_take_turns_where_the_host_wants_them_to(file: Path, asking: Upstream) -> None:
    file.write_text(file.read_text() + "options rotate\n")
    assert {asking.servers()[0], asking.servers()[0]} == {ONE, TWO}


async def test_our_own_addresses_are_never_asked(file: Path, port: int) -> None:
    asking = Upstream(lambda: [ONE, TWO], file, port)
    async with serving(answering("192.0.2.9"), port=port) as server:
        with pytest.raises(NoAnswer, match="our own"):
            await asking.ask(NAME)
        with pytest.raises(NoAnswer):
            await asking.ask(NAME, [TWO])
    assert server.asked == []


async def test_the_first_server_answers(asking: Upstream, port: int) -> None:
    async with serving(answering("192.0.2.9"), port=port):
        packet, source = await asking.ask(NAME)
    assert (told(packet), source) == (["192.0.2.9"], "127.0.0.1")


async def test_servers_of_its_own_are_asked_in_place_of_the_hosts(asking: Upstream, port: int) -> None:
    async with serving(answering("192.0.2.1"), port=port) as ours, serving(answering("192.0.2.3"), str(THREE), port):
        packet, source = await asking.ask(NAME, [THREE])
    assert (told(packet), source, ours.asked) == (["192.0.2.3"], str(THREE), [])


async def test_a_server_that_is_not_there_costs_no_time(
    asking: Upstream, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", asking.host.timeout)
    before = time.monotonic()
    async with serving(answering("192.0.2.2"), str(TWO), port):
        _, source = await asking.ask(NAME)
    assert source == str(TWO)
    assert time.monotonic() - before < asking.host.timeout


async def test_where_nobody_is_there_that_is_said_at_once(asking: Upstream) -> None:
    before = time.monotonic()
    with pytest.raises(NoAnswer):
        await asking.ask(NAME)
    assert time.monotonic() - before < asking.host.timeout


async def test_a_silent_server_is_not_waited_for_and_asked_last_from_then_on(
    asking: Upstream, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.05)
    async with serving(silent, port=port), serving(answering("192.0.2.2"), str(TWO), port):
        _, source = await asking.ask(NAME)
    assert source == str(TWO)
    assert asking.servers() == [TWO, ONE]


async def test_a_slow_server_may_still_answer_while_the_next_one_is_asked(
    asking: Upstream, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upstream, "PATIENCE", 0.05)
    late: list[NameServer] = []

    def only_the_second_time(question: DNSRecord, tcp: bool) -> list[bytes]:
        return [answer(question, "192.0.2.1")] if len(late[0].asked) > 1 else []

    async with serving(only_the_second_time, port=port) as first, serving(silent, str(TWO), port):
        late.append(first)
        _, source = await asking.ask(NAME)
    assert source == str(ONE)


@pytest.mark.parametrize("code", ["SERVFAIL", "REFUSED", "NOTIMP"])
async def test_a_server_that_can_not_is_not_the_last_word(asking: Upstream, port: int, code: str) -> None:
    async with serving(failing(code), port=port) as first, serving(answering("192.0.2.2"), str(TWO), port):
        packet, source = await asking.ask(NAME)
    assert (told(packet), source, len(first.asked)) == (["192.0.2.2"], str(TWO), 1)


async def test_if_none_of_them_can_the_last_one_is_believed(asking: Upstream, port: int) -> None:
    async with AsyncExitStack() as stack:
        for server in (ONE, TWO):
            await stack.enter_async_context(serving(failing("REFUSED"), str(server), port))
        packet, _ = await asking.ask(NAME)
    assert questions.code_of(packet) == questions.REFUSED


async def test_that_a_name_does_not_exist_is_an_answer(asking: Upstream, port: int) -> None:
    async with serving(failing("NXDOMAIN"), port=port), serving(answering("192.0.2.2"), str(TWO), port) as second:
        packet, _ = await asking.ask(NAME)
    assert (questions.code_of(packet), second.asked) == (questions.NXDOMAIN, [])


async def test_answers_to_other_questions_are_not_believed(asking: Upstream, port: int) -> None:
    def forging(question: DNSRecord, tcp: bool) -> list[bytes]:
        other = DNSRecord.question("example.net")
        other.header.id = question.header.id
        wrong = bytearray(answer(question, "203.0.113.6"))
        wrong[0] ^= 0xFF
        return [bytes(wrong), answer(other, "203.0.113.6"), b"", b"x" * 9, answer(question, "192.0.2.9")]

    async with serving(forging, port=port):
        packet, _ = await asking.ask(NAME)
    assert told(packet) == ["192.0.2.9"]


async def test_ids_and_ports_can_not_be_guessed(asking: Upstream, port: int) -> None:
    async with serving(answering("192.0.2.9"), port=port) as server:
        for _ in range(30):
            await asking.ask(NAME)
    assert len(set(server.ids)) > 25
    assert len(set(server.callers)) > 20


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_truncated_answer_is_fetched_whole_for_whoever_can_take_it(
    asking: Upstream, port: int, tcp: bool
) -> None:
    many: Sequence[str] = [f"192.0.2.{last}" for last in range(1, 100)]
    async with serving(truncating(*many), port=port) as server:
        packet, _ = await asking.ask(NAME, tcp=tcp)
    assert told(packet) == (many if tcp else [])
    assert questions.is_truncated(packet) != tcp
    assert server.by_tcp == tcp


async def test_nothing_is_left_of_a_question_that_is_given_up(asking: Upstream, port: int) -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with serving(silent, port=port) as server:
        task = asyncio.create_task(asking.ask(NAME))
        await server.called.wait()
        task.cancel()
        await asyncio.wait({task})
        assert len(asyncio.all_tasks()) == 1
    await asyncio.sleep(0)
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_a_server_of_ipv6_is_asked(file: Path, port: int) -> None:
    file.write_text("nameserver ::1\n")
    server: Address = ip_address("::1")
    async with serving(answering("192.0.2.9"), str(server), port):
        _, source = await Upstream(list, file, port).ask(NAME)
    assert source == "::1"
