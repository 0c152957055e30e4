"""What is said of names on a command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.protocol import names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("db:192.0.2.7", ("db", "192.0.2.7")),
        ("db=192.0.2.7", ("db", "192.0.2.7")),
        ("db.local:2001:db8::7", ("db.local", "2001:db8::7")),
        ("db:[2001:DB8::7]", ("db", "2001:db8::7")),
        ("db=::1", ("db", "::1")),
        ("up:host-gateway", ("up", "host-gateway")),
    ],
)
def test_a_host_is_added_by_name_and_address(text: str, expected: tuple[str, str]) -> None:
    assert names.added_host(text) == expected


@pytest.mark.parametrize(
    "text", ["", "db", "db:", ":192.0.2.7", "db:here", "db:192.0.2.300", "d b:192.0.2.7", "db:0.0.0.0"]
)
def test_what_is_no_host_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"'.*' (names|is) .*: .*"):
        names.added_host(text)


@pytest.mark.parametrize("text", ["dns.example", "", "192.0.2.7:53", "0.0.0.0", "224.0.0.1"])
def test_a_server_is_an_address(text: str) -> None:
    assert names.server("2001:DB8::7") == "2001:db8::7"
    with pytest.raises(ValueError, match="name server"):
        names.server(text)


def test_a_search_domain_is_a_name_or_a_dot() -> None:
    assert names.search_domain(".") == "."
    assert names.search_domain("corp.example.") == "corp.example"
    with pytest.raises(ValueError, match="no host name"):
        names.search_domain("corp example")


def test_an_option_is_a_word_of_resolv_conf() -> None:
    assert names.resolver_option("ndots:2") == "ndots:2"
    assert names.resolver_option("use-vc") == "use-vc"
    with pytest.raises(ValueError, match="no option of a resolver"):
        names.resolver_option("ndots:2\nnameserver 192.0.2.1")


@given(
    st.text(max_size=40), st.sampled_from([names.added_host, names.search_domain, names.resolver_option, names.server])
)
def test_nothing_gets_a_second_line_into_a_file(text: str, read: Callable[[str], object]) -> None:
    try:
        read(text)
    except ValueError:
        return
    assert not set(text) & set(" \t\n\r#;")


def test_names_are_as_long_as_the_wire_has_room() -> None:
    assert names.host_name(".".join(["a" * 63] * 3 + ["b" * 61]))
    for long in ("a" * 64, ".".join(["a" * 63] * 4)):
        with pytest.raises(ValueError, match="no host name"):
            names.host_name(long)
