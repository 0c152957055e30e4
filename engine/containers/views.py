"""A container as `ps` and `inspect` show it. Imports the protocol."""

from __future__ import annotations

import msgspec

from engine.containers.container import Container
from engine.protocol.messages import ContainerDetail, ContainerSummary, Mount, StateDetail
from engine.protocol.network import ContainerNetworks, Health


def summary(container: Container, network: ContainerNetworks) -> ContainerSummary:
    """One row of `ps`."""
    record = container.record
    return ContainerSummary(
        id=record.id,
        name=record.name,
        image=record.image,
        command=record.command,
        status=record.status,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        pid=_pid(container),
        exit_code=record.exit_code,
        restarts=record.restarts,
        tty=record.options.tty,
        labels=record.options.labels,
        ports=network.ports,
        networks=[endpoint.network for endpoint in network.endpoints],
        health=health.status if (health := _health(container)) is not None else "",
    )


def detail(container: Container, network: ContainerNetworks) -> ContainerDetail:
    """One object of `inspect`."""
    record = container.record
    state = StateDetail(
        status=record.status,
        pid=_pid(container),
        exit_code=record.exit_code,
        started_at=record.started_at,
        finished_at=record.finished_at,
        error=record.error,
        restarts=record.restarts,
        oom_killed=record.oom_killed,
        health=_health(container),
    )
    volumes = {mount.destination: mount.source for mount in record.options.mounts if mount.type == "volume"}
    mounts = [
        Mount(
            destination=mount.destination,
            type="volume" if mount.destination in volumes else mount.type,
            source=mount.source,
            options=mount.options,
            volume=volumes.get(mount.destination, ""),
        )
        for mount in container.spec.mounts
    ]
    return ContainerDetail(
        id=record.id,
        name=record.name,
        image=record.image,
        created_at=record.created_at,
        state=state,
        options=record.options,
        restart_policy=record.options.restart,
        mounts=mounts,
        spec=msgspec.to_builtins(container.spec),
        log_path=str(container.log.path),
        labels=record.options.labels,
        network=network,
    )


def _pid(container: Container) -> int | None:
    init = container.record.init
    return init.pid if container.live and init is not None else None


def _health(container: Container) -> Health | None:
    return container.run.health if container.run is not None and container.live else None
