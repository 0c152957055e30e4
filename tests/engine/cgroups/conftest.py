"""Cgroups for tests, made and removed here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.cgroups import Cgroup, Hierarchy, discover, take_over


@pytest.fixture
def machines() -> Iterator[Hierarchy]:
    """The hierarchy as this machine has it, with a base of the test's own; nothing of it must be left."""
    found = take_over(discover(), [os.getpid()])
    if not found.available:
        pytest.skip(found.reason)
    made = replace(found, base=f"{os.path.dirname(found.base)}/heliostui-test-{os.getpid()}")
    yield made
    for name in made.ids():
        cgroup = made.find(name)
        cgroup.kill()
        cgroup.remove()
    assert not [base for base in bases(made) if os.path.exists(base)]


@pytest.fixture
def limited(machines: Hierarchy) -> Cgroup:
    """A cgroup with every controller that containers get here."""
    return machines.create("limited")


def bases(hierarchy: Hierarchy) -> list[str]:
    """Every directory that is made for containers' ones."""
    name = os.path.basename(hierarchy.base)
    return [hierarchy.base, *(f"{directory}/{name}" for directory in hierarchy.v1.values())]


def needs(cgroup: Cgroup, *controllers: str) -> None:
    """Skip where a controller is not ours."""
    for controller in controllers:
        if cgroup.directory(controller) is None:
            pytest.skip(f"no {controller} controller here")


def python_in(cgroup: Cgroup, script: str) -> subprocess.Popen[bytes]:
    """A Python in the cgroup before it does anything, with pipes."""
    join = 'for procs in "$@"; do echo 0 > "$procs"; done; exec "$PYTHON" -c "$SCRIPT"'
    directories = dict.fromkeys([cgroup.path, *cgroup.parts.values()])
    return subprocess.Popen(
        ["sh", "-c", join, "sh", *(f"{directory}/cgroup.procs" for directory in directories)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHON": sys.executable, "SCRIPT": script},
    )
