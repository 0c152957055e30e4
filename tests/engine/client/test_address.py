"""Addresses of other machines: what is one, and what never reaches a command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.client.address import Address, BadAddress, parse

NAMES = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True)


@given(NAMES, st.none() | st.from_regex(r"[a-z_][a-z0-9_-]{0,9}", fullmatch=True), st.none() | st.integers(1, 65535))
def test_an_address_is_read_as_it_is_written(host: str, user: str | None, port: int | None) -> None:
    address = Address(host, user, port)
    assert parse(address.url) == address


def test_an_ipv6_address_stands_in_brackets() -> None:
    assert parse("ssh://me@[fe80::1%eth0]:2222") == Address("fe80::1%eth0", "me", 2222)
    assert parse("ssh://[::1]").url == "ssh://[::1]"


def test_a_path_names_the_program_there() -> None:
    assert parse("ssh://a/opt/heliostui/bin/heliostui") == Address("a", program="/opt/heliostui/bin/heliostui")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tcp://a", "say ssh://"),
        ("a", "say ssh://"),
        ("ssh://", "names no host"),
        ("ssh://-oProxyCommand=touch", "is no name of a host"),
        ("ssh://-l@a", "is no name of a user"),
        ("ssh://a;reboot", "is no name of a host"),
        ("ssh://$(reboot)@a", "is no name of a user"),
        ("ssh://me:secret@a", "has a password in it"),
        ("ssh://a:0", "is no port"),
        ("ssh://a:70000", "is no port"),
        (f"ssh://a:{'9' * 5000}", "is no port"),
        ("ssh://::1", "in brackets"),
        ("ssh://a/opt/x;reboot", "is no path of a program"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why) as caught:
        parse(text)
    assert str(caught.value).startswith(f"The host '{text}' can't be used: ")


@given(st.text(max_size=30))
def test_whatever_is_taken_is_safe_on_a_command_line(text: str) -> None:
    try:
        address = parse("ssh://" + text)
    except BadAddress:
        return
    for word in (address.host, address.user or "x", address.program):
        assert not word.startswith("-")
        assert not set(word) & set(
            " \t\n;&|$`\\\"'<>(){}*?!#~" if word != address.program else " \t\n;&|$`\\\"'<>(){}*?!#"
        )
