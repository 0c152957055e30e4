"""Networks on disk, and what stands for running containers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.network import subnets
from engine.network.model import Endpoint, Forward, Network
from engine.network.store import Standing, Store
from engine.protocol.messages import ErrorCode

NETWORK = Network(
    id="0123456789ab",
    name="backend",
    subnets=subnets.choose([], ipv6=True),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    internal=True,
    mtu=9000,
    labels={"tier": "2"},
)
ENDPOINT = Endpoint(
    container="ba9876543210",
    network=NETWORK.id,
    bridge=NETWORK.bridge,
    host_interface="hba9876543210.0",
    interface="eth0",
    mac="02:42:0a:58:00:02",
    mtu=9000,
    addresses=(ip_interface("10.88.0.2/24"), ip_interface("fd00::2/64")),
    gateways=(ip_address("10.88.0.1"), ip_address("fd00::1")),
    aliases=("db",),
    label="heliostui web eth0 in backend",
)
FORWARDS = (
    Forward("tcp", None, 8080, ip_address("10.88.0.2"), 80),
    Forward("udp", ip_address("::1"), 53, ip_address("fd00::2"), 53),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state", tmp_path / "runtime")


def test_a_network_is_read_as_it_was_written(store: Store) -> None:
    assert store.networks() == []
    store.save(NETWORK)
    assert store.networks() == [NETWORK]
    store.remove(NETWORK)
    store.remove(NETWORK)
    assert store.networks() == []


@pytest.mark.parametrize(
    ("before", "after"), [("0123456789ab", "../3456789ab"), ("10.88.0.0/24", "10.88.0.0/99"), ("}", "")]
)
def test_a_network_that_can_not_be_read_is_none_and_said_to_be(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, before: str, after: str
) -> None:
    store.save(NETWORK)
    (path,) = (tmp_path / "state").rglob("*.json")
    path.write_text(path.read_text().replace(before, after))
    assert store.networks() == []
    assert str(path) in caplog.text


def test_where_nothing_can_be_written_a_sentence_says_so_and_nothing_is_left(store: Store, tmp_path: Path) -> None:
    directory = tmp_path / "runtime" / "networks"
    (directory / f"{ENDPOINT.container}.json").mkdir(parents=True)
    with pytest.raises(EngineError, match="can't be written down: Is a directory") as refused:
        store.stand(Standing(ENDPOINT.container))
    assert refused.value.code == ErrorCode.STORAGE
    assert len(list(directory.iterdir())) == 1


def test_what_stands_is_read_as_it_was_written(store: Store) -> None:
    standing = Standing(ENDPOINT.container, (ENDPOINT,), FORWARDS)
    store.stand(standing)
    assert store.standing() == [standing]
    store.stand(replace(standing, forwards=()))
    assert store.standing() == [replace(standing, forwards=())]
    store.fall(standing.container)
    store.fall(standing.container)
    assert store.standing() == []


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"{}", b'{"id": 1}', b'{"subnets": [{"range": "x"}]}'])
def test_a_file_that_can_not_be_read_is_no_network_and_stays(store: Store, tmp_path: Path, junk: bytes) -> None:
    store.save(NETWORK)
    file = tmp_path / "state" / "networks" / "ffffffffffff.json"
    file.write_bytes(junk)
    assert store.networks() == [NETWORK]
    assert file.read_bytes() == junk
