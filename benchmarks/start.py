"""What it costs to start a container, beside three others that do the same.

    heliostui   an engine, asked over its socket
    C program   the system calls of our plan and nothing else, see start_peer.c
    crun, runc  with the same spec, but without an overlay

In turn, round by round; medians. Ratios are what counts: the machine may be busy, but then it is for all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
from peers.c_program import CProgram
from peers.oci import Oci, found
from peers.ours import LOOPBACK, Heliostui
from peers.root import CLOCK, SLEEP, TRUE, make_root, missing
from peers.rounds import in_turn, show
from promises import measured

from engine import cgroups
from engine.containers import bundle
from engine.images import Images
from engine.places import Places
from engine.protocol.messages import ContainerOptions
from engine.spec.structs import Spec


class Peer(Protocol):
    """What all of them can do; it takes them the seconds that are returned."""

    name: str

    def start(self, tty: bool) -> float: ...
    def run(self) -> float: ...


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    if reason := missing() or ("" if os.geteuid() == 0 else "crun, runc and the C program need root"):
        print(f"Skipped: {reason}.")
        return 0
    part_cgroups()
    # What all of them keep on disk, and what they keep in memory, as where they are installed.
    with (
        tempfile.TemporaryDirectory(prefix="start-", dir="/var/tmp") as directory,
        tempfile.TemporaryDirectory(prefix="start-", dir="/run") as runtime,
        ExitStack() as stack,
    ):
        measure(Path(directory), Path(runtime), rounds, stack)
    return 0


def part_cgroups() -> None:
    """On a host with both versions of cgroups, go on in a mount namespace where they lie apart: crun refuses both
    in one place. So crun and runc use version 1, and the others version 2."""
    both = "/sys/fs/cgroup/unified"
    if "CGROUPS_APART" in os.environ or not os.path.ismount(both):
        return
    os.environ["CGROUPS_APART"] = "yes"
    script = f'mount --move {both} /mnt && mount -t tmpfs tmpfs {both} && exec "$@"'
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, *sys.argv])


def measure(directory: Path, runtime: Path, rounds: int, stack: ExitStack) -> None:
    root = asyncio.run(make_root(directory / "root", Images(directory / "images")))
    ours = Heliostui(Places(runtime / "ours", directory / "state"), root)
    stack.callback(ours.close)
    specs = {
        "terminal": spec(root, CLOCK, tty=True),
        "pipes": spec(root, CLOCK),
        "true": spec(root, TRUE),
        "sleep": spec(root, SLEEP),
    }
    image = asyncio.run(bundle.image_of(ContainerOptions(rootfs=str(root)), Images(directory / "images")))
    compiled = CProgram(directory / "c", image, cgroups.discover(), specs)
    # A root of their own: they make directories in it.
    shutil.copytree(root, directory / "root-oci", symlinks=True)
    of_their_own = msgspec.structs.replace(specs["pipes"].root, path=str(directory / "root-oci"))
    oci = found(runtime, {name: msgspec.structs.replace(s, root=of_their_own) for name, s in specs.items()})
    for each in oci:
        stack.callback(each.close)
    peers: list[Peer] = [ours, compiled, *oci]

    start = in_turn(rounds, {peer.name: partial(peer.start, tty=True) for peer in peers})
    start["C program, from its main"] = compiled.from_main[-rounds:]
    print("\nFrom the request to the first instruction of the program (a terminal; none with crun and runc)")
    tell("start", show(start, {"C program": 1.3}), "C program")
    print("\n/bin/true, from the request to its exit status, all cleared away")
    ratios = show(in_turn(rounds, {peer.name: peer.run for peer in peers}), {"crun": 0.45, "runc": 0.13})
    tell("run crun", ratios, "crun")
    tell("run runc", ratios, "runc")
    print("\n/bin/true in a container that runs already")
    executing: list[Heliostui | Oci] = [ours, *oci]
    for one in executing:
        one.begin_exec()
        stack.callback(one.end_exec)
    tell("exec", show(in_turn(rounds, {one.name: one.exec for one in executing}), {"crun": 0.25}), "crun")


def tell(key: str, ratios: dict[str, float], peer: str) -> None:
    """To the table of what was promised, where the peer took part."""
    if peer in ratios:
        measured(key, ratios[peer])


def spec(root: Path, command: list[str], tty: bool = False) -> Spec:
    """The spec that our engine would make."""

    async def make() -> Spec:
        options = ContainerOptions(rootfs=str(root), command=command, tty=tty, namespaces=LOOPBACK)
        image = await bundle.image_of(options, Images(root))
        return await bundle.spec_of(options, image, "0123456789ab", root.parent / "c/container", {}, {})

    return asyncio.run(make())


if __name__ == "__main__":
    sys.exit(main())
