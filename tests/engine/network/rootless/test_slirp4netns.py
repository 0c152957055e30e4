"""How slirp4netns is called."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from engine.network.rootless import slirp4netns

WORDS = slirp4netns.words("/usr/bin/slirp4netns", "/proc/7/ns/net", "uplink", IPv4Network("10.0.3.0/24"))


def test_the_hosts_loopback_and_name_servers_are_not_reached_through_it() -> None:
    assert {"--disable-host-loopback", "--disable-dns"} <= set(WORDS)


def test_it_is_in_a_sandbox_unless_that_is_impossible() -> None:
    assert {"--enable-sandbox", "--enable-seccomp"} <= set(WORDS)
    plain = slirp4netns.words("slirp4netns", "/proc/7/ns/net", "uplink", IPv4Network("10.0.3.0/24"), ())
    assert not [word for word in plain if word in slirp4netns.PROTECTIONS]


@pytest.mark.parametrize(("said", "version"), [("slirp4netns version 1.2.0\\ncommit: 65", "1.2.0"), ("what?", "")])
def test_its_version_is_what_it_says(tmp_path: Path, said: str, version: str) -> None:
    program = tmp_path / "slirp4netns"
    program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    program.chmod(0o755)
    assert slirp4netns.version(str(program)) == version
