"""What is started on a terminal of the host, and in which environment. Imports the protocol and the places."""

from __future__ import annotations

import os
import sys

from engine.containers.keeper import HostProgram
from engine.places import Places, usual
from engine.protocol.messages import OpenTerminal

# The best shell there is in a container.
SHELL = ["/bin/sh", "-c", "command -v bash >/dev/null && exec bash; command -v ash >/dev/null && exec ash; exec sh"]
TERMINAL = ["TERM=xterm-256color", "COLORTERM=truecolor"]  # what our terminal core is


def program(request: OpenTerminal, id: str, places: Places, *, rootless: bool) -> HostProgram:
    """The program with its environment: what the request gives, and what the shell and `heliostui` find us by."""
    given = dict(entry.split("=", 1) for entry in request.env)
    for name in ("PATH", "HOME"):
        if name not in given and name in os.environ:
            given[name] = os.environ[name]
    env = given | dict(entry.split("=", 1) for entry in TERMINAL)
    env |= {"HELIOSTUI_JOBS": "1", "HELIOSTUI_TERMINAL": id}
    # In a user namespace we look like root, whose places are not the user's.
    if rootless or (str(places.runtime), str(places.state)) != usual():
        env |= {"HELIOSTUI_RUNTIME": str(places.runtime), "HELIOSTUI_STATE": str(places.state)}
    ours = os.path.dirname(sys.executable)
    path = env.get("PATH", os.defpath).split(":")
    if ours not in path and os.path.exists(os.path.join(ours, "heliostui")):
        path.append(ours)
    env["PATH"] = ":".join(path)
    return HostProgram(
        command=request.command or shell(),
        env=[f"{name}={value}" for name, value in env.items()],
        workdir=request.workdir or _home(env.get("HOME")),
        columns=request.columns,
        lines=request.lines,
    )


def shell() -> list[str]:
    """heliosh, as it is installed beside us."""
    installed = os.path.join(os.path.dirname(sys.executable), "heliosh")
    return [installed] if os.access(installed, os.X_OK) else [sys.executable, "-P", "-m", "engine.shell"]


def _home(home: str | None) -> str:
    return home if home is not None and os.path.isdir(home) else "/"
