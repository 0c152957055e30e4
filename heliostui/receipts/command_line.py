"""The command line that does what a request does: `heliostui …`, for every request that changes something.

Pure: imports the protocol, no Textual and nothing of the engine's. Raises NoEquivalent where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine.protocol import messages as m
from engine.protocol import ports
from engine.protocol.limits import Limits
from engine.protocol.receipts import Receipt
from heliostui.receipts.container_options import container_options
from heliostui.receipts.limit_options import limit_options
from heliostui.receipts.words import NoEquivalent, each, flag, option, pairs, plain, shell

PROGRAM = "heliostui"
NOT_KNOWN = "The request is of a kind that this version does not know."


def command_line(request: m.Request | m.StreamRequest) -> list[str]:
    """The words, `heliostui` first. Raises NoEquivalent."""
    make = _LINES.get(type(request))
    if make is None:
        raise NoEquivalent(NOT_KNOWN)
    return [PROGRAM, *make(request)]


def of_receipt(receipt: Receipt) -> list[str]:
    """The same of a receipt: containers by the names that they had then, and new ones by the name that they got."""
    if size := receipt.request.get("too_long"):
        raise NoEquivalent(f"The request had {size:,} bytes, which is more than the engine keeps of one.")
    try:
        request = msgspec.convert(receipt.request, m.AnyRequest)
    except msgspec.ValidationError:
        raise NoEquivalent(NOT_KNOWN) from None
    if isinstance(request, m.CreateContainer | m.RunContainer):
        if receipt.outcome == "done" and receipt.name and request.options.name is None:
            named = msgspec.structs.replace(request.options, name=receipt.name)
            request = msgspec.structs.replace(request, options=named)
    elif receipt.container is not None and receipt.name and getattr(request, "container", None):
        request = msgspec.structs.replace(request, container=receipt.name)
    return command_line(request)


def text(receipt: Receipt) -> str:
    """The command line as one types it, or why there is none, in brackets."""
    try:
        return shell(of_receipt(receipt))
    except NoEquivalent as error:
        return f"({error.reason})"


def to_run(receipt: Receipt) -> str:
    """The command line for a shell; why there is none, as a comment."""
    line = text(receipt)
    return f"# {''.join(c if c.isprintable() else ' ' for c in line)}" if line.startswith("(") else line


# --- containers ---


def _stop(request: m.StopContainer) -> list[str]:
    if request.timeout < 0:
        raise NoEquivalent("`heliostui stop` kills at some time: it can't wait for ever.")
    patience = [] if request.timeout == 10 else ["-t", plain(request.timeout)]
    return ["stop", *patience, request.container]


def _kill(request: m.KillContainer) -> list[str]:
    return ["kill", *([] if request.signal == "KILL" else option("--signal", request.signal)), request.container]


def _update(request: m.UpdateContainer) -> list[str]:
    if request.limits == Limits():
        raise NoEquivalent("It names no limit, and so changes none.")
    return ["update", *limit_options(request.limits), request.container]


def _exec(request: m.Exec) -> list[str]:
    return [
        "exec",
        *flag("-d", request.detach),
        *flag("-i", request.interactive),
        *flag("-t", request.tty),
        *each("--env", request.env),
        *option("--workdir", request.workdir),
        *option("--user", request.user),
        *flag("--privileged", request.privileged),
        *each("--namespace", request.namespaces),
        request.container,
        *request.command,
    ]


def _process(verb: str, request: m.SignalProcess | m.NiceProcess, last: str) -> list[str]:
    return [verb, *flag("--inside", request.inside), request.container, str(request.pid), last]


# --- terminals ---


def _open(request: m.OpenTerminal) -> list[str]:
    command = ["--", *request.command] if request.command else []
    inside = option("--in", request.container)
    env = each("--env", request.env) if inside else []  # on the host it is that of whoever opens it
    return ["terminal", "open", "-d", *inside, *env, *option("--workdir", request.workdir), *command]


def _job(request: m.ActOnJob) -> list[str]:
    whose = option("--in", request.container) if request.container is not None else [request.terminal or ""]
    sent = option("--signal", request.signal) if request.action == "signal" and request.signal != "TERM" else []
    return ["terminal", "job", *sent, request.action, str(request.pgid), *whose]


# --- networks and volumes ---


def _create_network(request: m.CreateNetwork) -> list[str]:
    return [
        "network",
        "create",
        *each("--subnet", request.subnets),
        *each("--gateway", request.gateways),
        *flag("--no-ipv6", not request.ipv6),
        *flag("--internal", request.internal),
        *option("--mtu", None if request.mtu is None else str(request.mtu)),
        *each("--label", pairs(request.labels)),
        request.name,
    ]


def _connect(request: m.ConnectNetwork) -> list[str]:
    asked = request.network
    return [
        "network",
        "connect",
        *option("--ip", asked.ip),
        *option("--ip6", asked.ip6),
        *option("--mac-address", asked.mac),
        *each("--alias", asked.aliases),
        asked.name,
        request.container,
    ]


_LINES: dict[type, Callable[[Any], list[str]]] = {
    m.StopEngine: lambda r: ["engine", "stop", *flag("--all", r.all)],
    m.CreateContainer: lambda r: ["create", *container_options(r.options)],
    m.RunContainer: lambda r: ["run", "-d", *container_options(r.options)],
    m.StartContainer: lambda r: ["start", r.container],
    m.Attach: lambda r: ["start", r.container],  # what it did, but for showing it, which needs a terminal
    m.StopContainer: _stop,
    m.KillContainer: _kill,
    m.PauseContainer: lambda r: ["pause", r.container],
    m.UnpauseContainer: lambda r: ["unpause", r.container],
    m.RemoveContainer: lambda r: ["rm", *flag("-f", r.force), *flag("-v", r.volumes), r.container],
    m.RenameContainer: lambda r: ["rename", r.container, r.name],
    m.UpdateContainer: _update,
    m.Exec: _exec,
    m.SignalProcess: lambda r: _process("signal", r, r.signal),
    m.NiceProcess: lambda r: _process("nice", r, str(r.nice)),
    m.CreateVolume: lambda r: ["volume", "create", *each("--label", pairs(r.labels)), *([r.name] if r.name else [])],
    m.RemoveVolume: lambda r: ["volume", "rm", r.name],
    m.PruneVolumes: lambda r: ["volume", "prune", *flag("--all", r.all)],
    m.CreateNetwork: _create_network,
    m.RemoveNetwork: lambda r: ["network", "rm", r.network],
    m.PruneNetworks: lambda r: ["network", "prune", "--force"],
    m.ConnectNetwork: _connect,
    m.DisconnectNetwork: lambda r: ["network", "disconnect", r.network, r.container],
    m.PublishPort: lambda r: ["publish", r.container, ports.text(r.port)],
    m.UnpublishPort: lambda r: ["unpublish", r.container, f"{r.port}/{r.protocol}"],
    m.OpenTerminal: _open,
    m.CloseTerminal: lambda r: ["terminal", "close", r.terminal],
    m.ActOnJob: _job,
}
"""Every request that leaves a receipt is here: a test sees to it."""
