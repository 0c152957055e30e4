"""What was asked of a new container, as options of `run` and `create`: from `ContainerOptions` back to the words that
make them. Imports the protocol and the names of the allocator's policies.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

from engine.heap.library import spelled
from engine.protocol import ports
from engine.protocol.heap import HeapOptions
from engine.protocol.messages import ContainerOptions, MountOption, RestartPolicy, Scheduler
from engine.protocol.network import HealthCheck, NetworkOption
from heliostui.receipts.limit_options import limit_options
from heliostui.receipts.words import NoEquivalent, each, flag, option, pairs, plain, size, time

DEFAULT_IMAGE = "host"
_SHELL = ["/bin/sh", "-c"]
_NAMESPACES = {"pid": "--pid", "ipc": "--ipc", "uts": "--uts", "user": "--userns", "cgroup": "--cgroupns"}
_NO_NETWORKS = ("none", "private", "new", "host")


def container_options(options: ContainerOptions) -> list[str]:
    """All words after the verb: options, image, command. Raises NoEquivalent."""
    return [
        *_program(options),
        *_names(options),
        *_files(options),
        *_networks(options),
        *_health(options.health),
        *_security(options),
        *_namespaces(options),
        *_priorities(options),
        *limit_options(options.limits),
        *option("--cgroup-parent", options.cgroup_parent),
        *_what_runs(options),
    ]


def _program(options: ContainerOptions) -> Iterator[str]:
    yield from flag("-i", options.interactive)
    yield from flag("-t", options.tty)
    yield from flag("--rm", options.remove)
    yield from option("--name", options.name)
    yield from each("--env", options.env)
    yield from option("--workdir", options.workdir)
    yield from option("--user", options.user)
    yield from each("--group-add", options.groups)
    yield from flag("--init", options.init)
    if options.heap is not None:
        yield "--heap" if options.heap == HeapOptions() else f"--heap={spelled(options.heap)}"
    if options.restart != RestartPolicy():
        maximum = f":{options.restart.maximum}" if options.restart.maximum else ""
        yield from option("--restart", options.restart.name + maximum)


def _names(options: ContainerOptions) -> Iterator[str]:
    yield from option("--hostname", options.hostname)
    yield from option("--domainname", options.domainname)
    yield from each("--label", pairs(options.labels))
    yield from each("--annotation", (f"{key}={value}" for key, value in options.annotations.items()))


def _files(options: ContainerOptions) -> Iterator[str]:
    yield from flag("--read-only", options.read_only)
    yield from _mounts(options.mounts)
    yield from option("--shm-size", size(options.shm_size))
    yield from each("--device", options.devices)
    yield from each("--device-cgroup-rule", options.device_rules)


def _mounts(mounts: Sequence[MountOption]) -> Iterator[str]:
    """In the short spelling, where that keeps their order: volumes come first, then what is spelled out, then tmpfs."""
    short = [_short(mount) for mount in mounts]
    order = [0 if words[0] == "--volume" else 1 if words[0] == "--mount" else 2 for words in short]
    for mount, words in zip(mounts, short, strict=True):
        yield from words if order == sorted(order) else _long(mount)


def _short(mount: MountOption) -> list[str]:
    options = ",".join(mount.options)
    if any(c in mount.source + mount.destination for c in ":,") or ":" in options:
        return _long(mount)
    match mount.type:
        case "bind" if mount.options[-1:] == ["create"]:
            rest = ",".join(mount.options[:-1])
            return ["--volume", ":".join([mount.source, mount.destination, *([rest] if rest else [])])]
        case "volume" if mount.source:
            return ["--volume", ":".join([mount.source, mount.destination, *([options] if options else [])])]
        case "volume" if not options:
            return ["--volume", mount.destination]
        case "tmpfs":
            return ["--tmpfs", ":".join([mount.destination, *([options] if options else [])])]
    return _long(mount)


def _long(mount: MountOption) -> list[str]:
    entries = [f"type={mount.type}", *([f"src={mount.source}"] if mount.source else []), f"dst={mount.destination}"]
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([*entries, *mount.options])
    return ["--mount", line.getvalue()]


def _networks(options: ContainerOptions) -> Iterator[str]:
    if (instead := options.namespaces.get("network")) is not None:
        yield from option("--network", "none" if instead == "private" else instead)
    yield from each("--network", map(network, options.networks))
    yield from each("--publish", map(ports.text, options.ports))
    yield from flag("--publish-all", options.publish_all)
    yield from each("--expose", options.expose)
    yield from each("--dns", options.dns)
    yield from each("--dns-search", options.dns_search)
    yield from each("--dns-option", options.dns_options)
    yield from each("--add-host", options.hosts)


def network(asked: NetworkOption) -> str:
    """As `--network` has it: `NAME:ip=…,alias=…`."""
    wanted = {"ip": asked.ip, "ip6": asked.ip6, "mac": asked.mac}
    entries = [f"{key}={value}" for key, value in wanted.items() if value is not None]
    entries += [f"alias={alias}" for alias in asked.aliases]
    if asked.name in _NO_NETWORKS:
        return ",".join([f"name={asked.name}", *entries])
    return f"{asked.name}:{','.join(entries)}" if entries else asked.name


def _health(check: HealthCheck | None) -> Iterator[str]:
    if check is None:
        return
    line = check.command[2] if len(check.command) == 3 and check.command[:2] == _SHELL else ""
    if line.strip() and not line.lstrip().startswith("["):
        yield from option("--health-cmd", line)
    else:
        yield from option("--health-cmd", json.dumps(["CMD", *check.command], ensure_ascii=False))
    usual = HealthCheck(command=[])
    for field in ("interval", "timeout", "start_period", "start_interval"):
        if (value := getattr(check, field)) != getattr(usual, field):
            yield from option(f"--health-{field.replace('_', '-')}", time(value))
    if check.retries != usual.retries:
        yield from option("--health-retries", str(check.retries))


def _security(options: ContainerOptions) -> Iterator[str]:
    yield from each("--cap-add", options.cap_add)
    yield from each("--cap-drop", options.cap_drop)
    yield from flag("--privileged", options.privileged)
    if options.seccomp is not None:
        if options.seccomp not in ("unconfined", "log", "builtin"):
            raise NoEquivalent("Its seccomp profile was read from a file that the engine does not know.")
        yield from option("--security-opt", f"seccomp={options.seccomp}")
    if options.apparmor is not None:
        yield from option("--security-opt", f"apparmor={options.apparmor}")
    yield from each("--security-opt", (f"label={label}" for label in options.selinux))
    if options.no_new_privileges is not None:
        yield from option("--security-opt", f"no-new-privileges={str(options.no_new_privileges).lower()}")
    if options.unmasked:
        yield from option("--security-opt", "systempaths=unconfined")


def _namespaces(options: ContainerOptions) -> Iterator[str]:
    for type, how in options.namespaces.items():
        if type == "time":
            yield from option("--time", how)
        elif type in _NAMESPACES:
            yield from option(_NAMESPACES[type], how)
        elif type != "network":
            raise NoEquivalent(f"There is no option for namespaces of the type {type}.")
    yield from each("--uidmap", options.uid_map)
    yield from each("--gidmap", options.gid_map)
    for clock, seconds in options.time_offsets.items():
        yield from option(f"--{clock}", plain(seconds))


def _priorities(options: ContainerOptions) -> Iterator[str]:
    yield from each("--ulimit", options.ulimits)
    yield from each("--sysctl", (f"{name}={value}" for name, value in options.sysctls.items()))
    yield from option("--umask", options.umask)
    if options.oom_score_adj is not None:
        yield from option("--oom-score-adj", str(options.oom_score_adj))
    if options.scheduler is not None:
        yield from option("--scheduler", _scheduler(options.scheduler))
    yield from option("--ioprio", options.io_priority)
    yield from option("--personality", options.personality)


def _scheduler(scheduler: Scheduler) -> str:
    numbers = {name: getattr(scheduler, name) for name in ("nice", "priority", "runtime", "deadline", "period")}
    words = [f"{name}={number}" for name, number in numbers.items() if number]
    return ",".join([scheduler.policy, *words, *(f"flag={each}" for each in scheduler.flags)])


def _what_runs(options: ContainerOptions) -> list[str]:
    if options.bundle is not None:
        return option("--bundle", options.bundle)
    if options.rootfs is not None:
        command = ["--", *options.command] if options.command else []
        return [*option("--rootfs", options.rootfs), *command]
    image = options.image or (DEFAULT_IMAGE if options.command else None)
    return [*([image] if image else []), *options.command]
