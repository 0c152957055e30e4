"""Network namespaces that are made for containers, and visits to them."""

from __future__ import annotations

import fcntl
import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.network.kernel import namespaces, sysctls
from engine.sandbox import user_namespace
from engine.spec.structs import IdMapping
from tests.engine.network.within import as_rootless, be_root_of_a_user_namespace, open_descriptors, within

NS_GET_USERNS = 0xB701  # ioctl_nsfs(2)


@pytest.fixture
def namespace() -> Iterator[int]:
    try:
        made = namespaces.make()
    except EngineError as error:
        pytest.skip(error.message)
    yield made
    os.close(made)


def here() -> int:
    return os.stat("/proc/thread-self/ns/net").st_ino


def interfaces() -> list[str]:
    return [name for _, name in socket.if_nameindex()]


SETTINGS = {
    "ipv4/ip_unprivileged_port_start": "0",
    "ipv4/ping_group_range": "0\t2147483647",
    "ipv4/conf/default/arp_notify": "1",
    "ipv4/conf/default/rp_filter": "2",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/autoconf": "0",
    "ipv6/conf/default/ndisc_notify": "1",
}


def settings() -> dict[str, str]:
    return {name: sysctls.read(name) for name in SETTINGS}


def test_a_new_one_is_empty_and_set_up_for_a_container(namespace: int) -> None:
    assert "lo" in within(namespace, interfaces)
    assert within(namespace, settings) == SETTINGS


def test_making_one_leaves_everybody_where_they_were(namespace: int) -> None:
    before, threads, files = here(), threading.active_count(), len(open_descriptors())
    os.close(namespaces.make())
    assert (here(), threading.active_count(), len(os.listdir("/proc/self/fd"))) == (before, threads, files)


def test_each_one_is_another_one() -> None:
    made = [namespaces.make() for _ in range(5)]
    try:
        assert len({os.fstat(one).st_ino for one in made}) == 5
    finally:
        for one in made:
            os.close(one)


def test_the_descriptor_is_not_inherited_by_programs(namespace: int) -> None:
    assert fcntl.fcntl(namespace, fcntl.F_GETFD) & fcntl.FD_CLOEXEC


def test_who_goes_inside_comes_back(namespace: int) -> None:
    before = here()
    with namespaces.inside(namespace):
        assert here() == os.fstat(namespace).st_ino
    assert here() == before
    with pytest.raises(ZeroDivisionError), namespaces.inside(namespace):
        raise ZeroDivisionError
    assert here() == before


def test_a_socket_made_inside_stays_inside(namespace: int) -> None:
    with namespaces.inside(namespace):
        server = socket.create_server(("0.0.0.0", 80))  # no capability was needed for it there
    with server, socket.socket() as outside, pytest.raises(OSError, match=r"refused|unreachable"):
        outside.connect(("127.0.0.1", 80))


def test_what_is_no_network_namespace_is_refused() -> None:
    before, files = here(), len(open_descriptors())
    refused = pytest.raises(EngineError, match="can't be entered: Invalid argument")
    with open("/proc/self/ns/uts") as other, refused, namespaces.inside(other.fileno()):
        pass
    assert (here(), len(os.listdir("/proc/self/fd"))) == (before, files)


@pytest.mark.skipif(os.geteuid() != 0, reason="maps a range of ids: needs root")
def test_one_can_be_owned_by_a_user_namespace() -> None:
    everybody = [IdMapping(container_id=0, host_id=100_000, size=1000)]
    user = user_namespace.make(everybody, everybody)
    try:
        made = namespaces.make_in(user)
        try:
            owner = fcntl.ioctl(made, NS_GET_USERNS)
            assert os.fstat(owner).st_ino == os.fstat(user).st_ino
            os.close(owner)
            assert within(made, settings) == SETTINGS
        finally:
            os.close(made)
    finally:
        os.close(user)


def test_what_is_no_user_namespace_owns_none() -> None:
    files = len(open_descriptors())
    with open("/proc/self/ns/uts") as other, pytest.raises(EngineError, match="can't be made: Invalid argument"):
        namespaces.make_in(other.fileno())
    assert len(os.listdir("/proc/self/fd")) == files


def test_an_ordinary_user_makes_them_in_a_user_namespace() -> None:
    def work() -> dict[str, str]:
        made = namespaces.make()
        with namespaces.inside(made):
            return settings()

    assert as_rootless(work) == SETTINGS | {"ipv4/ping_group_range": "0\t0"}  # one group is all that there is


def test_who_could_not_come_back_does_not_go() -> None:
    def work() -> tuple[str, bool]:
        be_root_of_a_user_namespace()  # which does not own the network namespace that we are in
        made, before = namespaces.make(), here()
        try:
            with namespaces.inside(made):
                return "went", here() == before
        except EngineError as error:
            return error.message, here() == before

    said, stayed = as_rootless(work)
    assert said == "A network namespace can't be entered: Operation not permitted."
    assert stayed


def test_a_limit_of_no_network_namespaces_says_how_to_raise_it() -> None:
    def work() -> str:
        Path("/proc/sys/user/max_net_namespaces").write_text("0")
        with pytest.raises(EngineError) as refused:
            namespaces.make()
        return refused.value.message

    assert as_rootless(work) == (
        "A network namespace can't be made: no more of them may be made; "
        "allow more with `sysctl user.max_net_namespaces=15000`."
    )


@pytest.mark.parametrize("lacking", ["files", "threads"])
def test_without_files_or_threads_it_is_one_sentence_and_nothing_is_left(lacking: str) -> None:
    def work() -> tuple[str, bool]:
        last = take_all_descriptors()
        before = descriptors(last)
        if lacking == "threads":
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            for descriptor in range(last - 8, last):
                os.close(descriptor)
            before = descriptors(last)
        with pytest.raises(EngineError) as refused:
            namespaces.make()
        return refused.value.message, descriptors(last) == before

    said, clean = as_rootless(work)
    assert said.startswith("A network namespace can't be made: ")
    assert clean


def take_all_descriptors() -> int:
    """Leave no descriptor free; the last one."""
    top = max(int(name) for name in os.listdir("/proc/self/fd")) + 16
    resource.setrlimit(resource.RLIMIT_NOFILE, (top, top))
    with suppress(OSError):
        while True:
            os.dup(0)
    return top - 1


def descriptors(last: int) -> list[str]:
    """All that are open, of which `last` is let go for as long as it takes to look."""
    os.close(last)
    try:
        return sorted(os.listdir("/proc/self/fd"))
    finally:
        os.dup2(0, last)
