"""How pasta is called."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import pytest

from engine.network.rootless import pasta

WORDS = pasta.words("/usr/bin/pasta", "/proc/7/ns/net", "uplink", IPv4Network("10.0.2.0/24"), IPv6Network("fd00::/64"))


def after(option: str) -> list[str]:
    return [WORDS[at + 1] for at, word in enumerate(WORDS) if word == option]


@pytest.mark.parametrize("option", ["--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"])
def test_it_forwards_no_port_in_either_direction(option: str) -> None:
    assert after(option) == ["none"]


def test_it_has_addresses_of_its_own_and_not_the_hosts() -> None:
    assert after("--address") == ["10.0.2.100", "fd00::64"]
    assert after("--gateway") == ["10.0.2.2", "fd00::2"]
    assert "--no-map-gw" in WORDS


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("pasta 0.0~git20230309.7c7625d-1\\nCopyright Red Hat", "0.0~git20230309.7c7625d-1"),
        ("pasta 2025_05_03.587980c", "2025_05_03.587980c"),
        ("pasta unknown version", ""),
        ("what?", ""),
    ],
)
def test_its_version_is_what_it_says(tmp_path: Path, said: str, version: str) -> None:
    program = tmp_path / "pasta"
    program.write_text(f"#!/bin/sh\nprintf '{said}'\n")
    program.chmod(0o755)
    assert pasta.version(str(program)) == version
