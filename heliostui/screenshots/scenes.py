"""The containers that are in the pictures. Imports the protocol."""

from __future__ import annotations

from engine.protocol.heap import HeapOptions
from engine.protocol.limits import Limits
from engine.protocol.messages import ContainerOptions
from engine.protocol.network import NetworkOption, PortOption

SERVER = r"""
trap 'exit 0' TERM
echo "listening on port 8000"
n=0
while :; do
    n=$((n + 1))
    printf '\033[32m200\033[0m GET /orders/%d in %d ms\n' $n $((n * 37 % 90 + 3))
    [ $((n % 6)) = 0 ] && echo "warning: slow answer from the store" >&2
    sleep 0.02
    [ $n = 60 ] && break
done
while :; do sleep 0.2; done
"""
WORKER = r"""
n=0
while :; do
    n=$((n + 1)) i=0
    while [ $i -lt $((n % 7 * 12000 + 4000)) ]; do i=$((i + 1)); done
    head -c $((n % 9 * 6))M /dev/zero >/dev/shm/cache
    sleep 0.$((n % 4 + 1))
done
"""
CONTAINERS = (
    ContainerOptions(
        image="host",
        name="worker",
        command=["sh", "-c", WORKER],
        limits=Limits(memory=96 << 20, cpus=0.8, pids=32),
    ),
    ContainerOptions(image="host", name="build", command=["sh", "-c", "exit 2"]),
    ContainerOptions(
        image="host", name="store", command=["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]
    ),
    ContainerOptions(image="host", name="orders", command=["sh", "-c", SERVER]),
    ContainerOptions(image="host", name="workshop", tty=True, interactive=True, hostname="workshop"),
)

SITE = ["sh", "-c", "cd /tmp; head -c 400000 /dev/zero >page; exec python3 -m http.server --bind :: 80"]
CLIENT = r"""
import socket, threading, time, urllib.request
def look_up(name):
    while True:
        try:
            socket.getaddrinfo(name, 80)
        except OSError:
            pass
        time.sleep(1)
threading.Thread(target=look_up, args=["shop.example"], daemon=True).start()
while True:
    for url in ("http://web/page", "http://web/page", "http://api/"):
        try:
            urllib.request.urlopen(url, timeout=2).read()
        except OSError:
            pass
        time.sleep(0.1)
"""
NETWORKED = (
    ContainerOptions(image="host", name="db", command=["sleep", "infinity"], networks=[NetworkOption(name="vault")]),
    ContainerOptions(
        image="host",
        name="api",
        command=SITE,
        networks=[NetworkOption(name="backend"), NetworkOption(name="vault", aliases=["store"])],
    ),
    ContainerOptions(
        image="host",
        name="web",
        command=SITE,
        networks=[NetworkOption(name="default"), NetworkOption(name="backend")],
        ports=[PortOption(container=80, host=8080), PortOption(container=53, host=5353, address="127.0.0.1")],
    ),
    ContainerOptions(
        image="host",
        name="client",
        command=["python3", "-c", CLIENT],
        networks=[NetworkOption(name="default"), NetworkOption(name="backend")],
    ),
)
"""What makes the map alive."""

HOLDING = r"""
import random, time
chance, held = random.Random(5), []
while True:
    for _ in range(150):
        if len(held) > 2500 or (held and chance.random() < 0.45):
            held.pop(chance.randrange(len(held)))
        else:
            held.append(bytearray(int(chance.lognormvariate(6.5, 1.6)) + 8))
    time.sleep(0.05)
"""
SHOP = ContainerOptions(image="host", name="shop", command=["python3", "-c", HOLDING], heap=HeapOptions())
"""Whose heap is looked at."""
