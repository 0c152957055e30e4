"""What all tests share.

Root's tests run in namespaces of their own, so that no bridge, address, route, rule or port of theirs is ever the
machine's, and no mount that one test process makes appears among those that another one compares. Property tests choose
the same examples in every run, so that a green tree stays green.

`pytest --hypothesis-profile=explore` looks for new ones. No deadline, neither per example nor for making them: a
busy machine must not make a test fail.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TIMED = [HealthCheck.too_slow]
settings.register_profile("same", derandomize=True, deadline=None, suppress_health_check=TIMED)
settings.register_profile("explore", max_examples=1_000, deadline=None, suppress_health_check=TIMED)
settings.load_profile("same")

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
FORWARDING = ("/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding")


def pytest_configure() -> None:
    """Leave the machine's network and mounts before anything is imported that might hold on to them; and the user's
    settings."""
    os.environ["HELIOSTUI_CONFIG"] = os.devnull
    for size in ("COLUMNS", "LINES"):  # pytest's readline exports them (rl_initialize), and its workers have them
        os.environ.pop(size, None)
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None)
    if libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)  # systemd shares all that it mounts
    if libc.unshare(CLONE_NEWNET) == 0:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
        for forwarding in FORWARDING:  # inherited from the machine
            with contextlib.suppress(FileNotFoundError):
                Path(forwarding).write_text("0")


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time of day is the same wherever the tests run."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()
