"""What networks of containers cost, in a network namespace of its own.

    attach       a network namespace on the bridge with one published port, beside `ip -batch` and `nft -f`
    run          /bin/true with a network and a port, beside podman, and beside itself without a network
    throughput   from a container to the host, beside a bare veth pair
    map          the console's map once a second, of 200 containers

In turn, round by round; medians. Ratios are what counts: the machine may be busy, but then it is for all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from peers import podman
from peers.podman import Podman
from peers.raw_network import Raw, sh
from peers.root import TRUE, make_root
from peers.rounds import in_turn, show

from engine.client.blocking import Connection
from engine.images import Images
from engine.network.networks import Networks
from engine.places import Places
from engine.protocol.messages import (
    ContainerOptions,
    ContainerRef,
    ExitStatus,
    InspectContainer,
    Inspected,
    NetworkMap,
    RemoveContainer,
    RunContainer,
    StopEngine,
    StreamNetworkMap,
    WaitContainer,
)
from engine.protocol.network import PortOption

NONE = {"network": "private"}
PORT = PortOption(container=80, host=8080)
CONTAINERS = 200  # on the map
COST_OF_NETWORK, THROUGHPUT, MAP = 1.4, 0.95, 3.0  # at most, at least, at most percent of a core


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=15, help="that the map is watched for")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or (lacking := [each for each in ("ip", "nft") if shutil.which(each) is None]):
        print(f"Skipped: {'it needs root' if os.geteuid() else ', '.join(lacking) + ' not installed'}.")
        return 0
    go_apart()
    with (
        tempfile.TemporaryDirectory(prefix="network-", dir="/var/tmp") as directory,
        tempfile.TemporaryDirectory(prefix="network-", dir="/run") as runtime,
        ExitStack() as stack,
    ):
        attach(Path(directory), arguments.rounds)
        measure(Path(directory), Path(runtime), arguments, stack)
    return 0


def go_apart() -> None:
    """Go on in network and mount namespaces of our own, where cgroups of both versions lie apart: crun, which podman
    runs, refuses both in one place."""
    if "NETWORK_APART" in os.environ:
        return
    os.environ["NETWORK_APART"] = "yes"
    both = "/sys/fs/cgroup/unified"
    script = f"mountpoint -q {both} && mount --move {both} /mnt && mount -t tmpfs tmpfs {both}; ip link set lo up"
    words = ["unshare", "--mount", "--net", "sh", "-c", f'{script}; exec "$@"', "sh", sys.executable, *sys.argv]
    os.execvp("unshare", words)


def attach(directory: Path, rounds: int) -> None:
    """Without the engine around it: its part that deals with networks, called in this process."""
    raw = Raw(directory)
    with asyncio.Runner() as runner:
        networks = Networks(Places(directory / "attach-run", directory / "attach-state"))
        id = "0123456789ab"
        runner.run(networks.recover([]))
        runner.run(networks.settle(id, "bench", ContainerOptions(ports=[PORT])))

        async def ours() -> float:
            begin = time.monotonic()
            attached = await networks.attach(id)
            took = time.monotonic() - begin
            assert attached.namespace is not None
            os.close(attached.namespace)
            await networks.detach(id)
            return took

        table = in_turn(rounds, {"heliostui": lambda: runner.run(ours()), "ip -batch, nft -f": raw.attach})
        runner.run(networks.remove_all())
        runner.run(networks.close())
    raw.close()
    print("\nA network namespace on the bridge, with addresses, routes and a published port")
    show(table, {})


def measure(directory: Path, runtime: Path, arguments: argparse.Namespace, stack: ExitStack) -> None:
    root = asyncio.run(make_root(directory / "root", Images(directory / "images")))
    places = Places(runtime / "ours", directory / "state")
    engine = stack.enter_context(Connection.connect(places))
    stack.callback(engine.request, StopEngine(all=True))
    ours = partial(run, engine, root)
    print("\n/bin/true, from the request to its exit status, all cleared away")
    take = {"heliostui": lambda: ours(ports=[PORT]), "heliostui, no network": lambda: ours(namespaces=NONE)}
    theirs = Podman(directory / "podman", root)
    (directory / "podman").mkdir()
    if reason := podman.missing() or unable(theirs):
        print(f"  without podman: {reason}")
    else:
        take["podman"] = lambda: theirs.run("-p", "8081:80")
        take["podman, no network"] = lambda: theirs.run("--network", "none")
    show(in_turn(max(5, arguments.rounds // 2), take), {"heliostui, no network": COST_OF_NETWORK})
    throughput(engine, root, max(3, arguments.rounds // 6))
    watch(engine, root, arguments.seconds)


def run(engine: Connection, root: Path, **options: Any) -> float:
    """Seconds to run /bin/true, to learn its exit status, and to remove the container."""
    begin = time.monotonic()
    made = ContainerOptions(rootfs=str(root), command=TRUE, **options)
    ref = engine.request(RunContainer(options=made), ContainerRef).id
    assert engine.request(WaitContainer(container=ref), ExitStatus).exit_code == 0
    engine.request(RemoveContainer(container=ref))
    return time.monotonic() - begin


def unable(theirs: Podman) -> str:
    """Why podman can't run here."""
    try:
        theirs.run("-p", "8081:80")
    except RuntimeError as error:
        return str(error)
    return ""


def throughput(engine: Connection, root: Path, rounds: int) -> None:
    """Gigabits a second of one TCP connection to the host: by bridge and rules, and by a cable alone."""
    if shutil.which("iperf3") is None:
        print("\nWithout throughput: iperf3 not installed")
        return
    with sleeping(engine, root) as (pid,), subprocess.Popen(["unshare", "--net", "sleep", "1000"]) as bare:
        while os.stat(f"/proc/{bare.pid}/ns/net").st_ino == os.stat("/proc/self/ns/net").st_ino:
            time.sleep(0.01)
        sh(f"ip link add bare0 type veth peer name eth0 netns {bare.pid} && ip address add 10.98.0.1/24 dev bare0")
        sh(f"ip link set bare0 up && nsenter -t {bare.pid} -n ip address add 10.98.0.2/24 dev eth0")
        sh(f"nsenter -t {bare.pid} -n ip link set eth0 up")
        gateway = json.loads(sh(f"nsenter -t {pid} -n ip -j route show default"))[0]["gateway"]
        take = {"heliostui": partial(gigabits, pid, gateway), "veth pair": partial(gigabits, bare.pid, "10.98.0.1")}
        try:
            table = in_turn(rounds, take)
        finally:
            bare.kill()
    bridged, cable = (statistics.median(each) for each in table.values())
    kept = "kept" if bridged / cable >= THROUGHPUT else "MISSED"
    print("\nFrom a container to the host, one TCP connection")
    print(
        f"  {bridged:.1f} Gbit/s, by a bare veth pair {cable:.1f}: {bridged / cable:.2f}x, target {THROUGHPUT}: {kept}"
    )


def gigabits(pid: int, address: str) -> float:
    """Of two seconds, the last one's."""
    serve = ["iperf3", "--server", "--one-off", "--forceflush", "--bind", address]
    client = ["nsenter", "-t", str(pid), "-n", "iperf3", "--json", "-c", address, "-t", "1", "-O", "1"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            while "listening" not in server.stdout.readline():
                pass
            result = subprocess.run(client, capture_output=True, text=True, timeout=20, check=True)
        finally:
            server.kill()
    return float(json.loads(result.stdout)["end"]["sum_received"]["bits_per_second"]) / 1e9


@contextmanager
def sleeping(engine: Connection, root: Path, count: int = 1) -> Iterator[list[int]]:
    """So many containers that sleep; their pids."""
    options = ContainerOptions(rootfs=str(root), command=["/bin/sleep", "1000000"])
    ids = [engine.request(RunContainer(options=options), ContainerRef).id for _ in range(count)]
    try:
        found = [engine.request(InspectContainer(container=id), Inspected).container.state.pid for id in ids]
        yield [pid for pid in found if pid is not None]
    finally:
        for id in ids:
            engine.request(RemoveContainer(container=id, force=True))


def watch(engine: Connection, root: Path, seconds: int) -> None:
    with sleeping(engine, root, CONTAINERS):
        with Connection.connect(engine_places(engine)) as watching:
            maps = watching.stream(StreamNetworkMap(interval=1.0))
            assert isinstance(next(maps), NetworkMap)
            began, used = time.monotonic(), cpu(engine.engine.pid)
            for _ in range(seconds):
                assert isinstance(next(maps), NetworkMap)
            percent = 100 * (cpu(engine.engine.pid) - used) / (time.monotonic() - began)
        time.sleep(1)
        began, used = time.monotonic(), cpu(engine.engine.pid)
        time.sleep(seconds)
        idle = 100 * (cpu(engine.engine.pid) - used) / (time.monotonic() - began)
    cost = percent - idle
    kept = "kept" if cost <= MAP else "MISSED"
    print(f"\nThe map of {CONTAINERS} containers once a second")
    print(f"  {cost:.1f} % of a core, target {MAP:g} %: {kept} (and {idle:.1f} % for metrics)")


def engine_places(engine: Connection) -> Places:
    return Places(Path(engine.engine.socket).parent, Path("/nonexistent"))


def cpu(pid: int) -> float:
    """Seconds of processor time that a process has used (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
