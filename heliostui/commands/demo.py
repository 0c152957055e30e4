"""`heliostui demo`: small examples, ready to be tried."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from engine.client.blocking import Connection
from engine.places import places
from engine.protocol.messages import (
    AnyReply,
    ContainerDetail,
    ContainerOptions,
    ContainerRef,
    Containers,
    ContainerSummary,
    Event,
    InspectContainer,
    Inspected,
    ListContainers,
    Ready,
    RunContainer,
    StartContainer,
    StreamEvents,
)
from engine.protocol.network import HealthCheck, PortOption
from heliostui.commandline.failures import Failure, warn
from heliostui.commandline.parser import checked
from heliostui.commandline.table import table

PORT = 12345  # of the host, unless another is asked for, and of the container
PATIENCE = 30  # seconds in which it has to be healthy
HEALTH = HealthCheck(
    command=["/echo", "--check", str(PORT)],
    interval=10.0,
    timeout=5.0,
    start_period=float(PATIENCE),
    start_interval=0.2,
    retries=2,
)
DEMOS = {"echo": "a TCP service on port 12345 that sends back what it is sent: published, with a health check"}


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Without a name it lists the examples."
    demos = parser.add_subparsers(dest="demo", metavar="echo", prog=parser.prog)
    echo = demos.add_parser("echo", help=DEMOS["echo"], allow_abbrev=False)
    echo.add_argument("--port", metavar="PORT", type=checked(port), default=PORT, help=f"of the host (default: {PORT})")
    echo.add_argument("--name", default="echo", help="the container's name (default: echo)")
    echo.add_argument("--rm", action="store_true", help="remove the container when it ends")


def port(text: str) -> int:
    """A port. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 65535):
        raise ValueError(f"'{text}' is no port: write a number from 1 to 65535")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    if arguments.demo is None:
        print(table(("DEMO", "WHAT"), list(DEMOS.items())))
        return 0
    options = ContainerOptions(
        image="echo",
        name=arguments.name,
        remove=arguments.rm,
        ports=[PortOption(container=PORT, host=arguments.port)],
        health=HEALTH,
    )
    with Connection.connect(places()) as engine, Connection.connect(places()) as listening:
        events = listening.stream(StreamEvents())
        if not isinstance(next(events), Ready):
            raise Failure("the engine does not tell what happens")
        made = _begun(engine, options)
        if made.health != "healthy":
            _wait(events, engine, made)
        container = engine.request(InspectContainer(container=made.id), Inspected).container
    print(_told(container))
    return 0


def _begun(engine: Connection, options: ContainerOptions) -> ContainerSummary:
    """The container, started: a new one, or the one of that name that an earlier demo left."""
    wanted = ListContainers(all=True, filters=["image=echo", f"name={options.name}"])

    def there() -> ContainerSummary | None:
        found = engine.request(wanted, Containers).containers
        return next((container for container in found if container.name == options.name), None)

    left = there()
    request = RunContainer(options=options) if left is None else StartContainer(container=left.id)
    warn(engine.request(request, ContainerRef))
    if (container := there()) is None:
        raise Failure(f"container '{options.name}' has gone already")
    return container


def _wait(events: Iterator[AnyReply], engine: Connection, made: ContainerSummary) -> None:
    """Until it is healthy. Raises Failure when it is not, or has ended."""
    for event in events:
        if not isinstance(event, Event) or event.container != made.id:
            continue
        if event.action == "health_status" and event.attributes.get("status") == "healthy":
            return
        if event.action == "health_status":
            container = engine.request(InspectContainer(container=made.id), Inspected).container
            probes = container.state.health.probes if container.state.health else []
            why = probes[-1].output.strip() if probes else ""
            raise Failure(f"container '{made.name}' runs, but is {event.attributes.get('status')}: {why}")
        if event.action == "die":
            code = event.attributes.get("exit_code")
            raise Failure(f"container '{made.name}' ended with {code}: `heliostui logs {made.name}` may say why")


def _told(container: ContainerDetail) -> str:
    name = container.name
    end = f"heliostui stop {name}" if container.options.remove else f"heliostui rm -f {name}"
    ports = sorted(mapping.port for mapping in container.network.ports if mapping.container_port == PORT)
    rows = [
        *((f"nc 127.0.0.1 {port}", "say something, and it comes back") for port in ports[:1]),
        (f"heliostui port {name}", "where it is published"),
        (f"heliostui inspect {name}", "its addresses, and what its health checks found"),
        (f"heliostui capture {name}", "its traffic as a pcap file"),
        (end, "ends it, and removes it"),
    ]
    width = max(len(command) for command, _ in rows)
    lines = [f"Container '{name}' is healthy: it sends back what it is sent.", ""]
    return "\n".join([*lines, *(f"  {command:<{width}}   {what}" for command, what in rows)])
