"""Where heliostui keeps things: one runtime and one state directory per user. Imports platformdirs at most.

root:  /run/heliostui and /var/lib/heliostui. Others: `$XDG_RUNTIME_DIR/heliostui` and `$XDG_DATA_HOME/heliostui`.
`HELIOSTUI_RUNTIME` and `HELIOSTUI_STATE` move them, so that tests and second engines stay apart.
`HELIOSTUI_HOST` names another machine's engine.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

OPERATORS = "heliostui"  # the group whose members may use root's engine
VIEWERS = "heliostui-viewers"  # and the one whose members may look at it

LOCAL = "local"  # the host that is this machine
VIEWER = "HELIOSTUI_VIEWER"  # the variable that makes everything below it look only


@dataclass(frozen=True)
class Places:
    """The two directories of one engine; `runtime` is empty after a reboot, `state` is not.

    `viewer`: who comes here only looks. He tells the engine so, which holds him to it, and he starts none.
    """

    runtime: Path
    state: Path
    viewer: bool = False
    host: str | None = None
    """Another machine whose engine is meant (`ssh://…`); the directories are where the way there has its sockets."""

    @property
    def socket(self) -> Path:
        """The engine's unix socket."""
        return self.runtime / "engine.sock"

    @property
    def lock(self) -> Path:
        """Locked (flock) by the keeper for as long as it lives."""
        return self.runtime / "keeper.lock"

    @property
    def keeper_log(self) -> Path:
        """Where keeper and engine write what nobody was there to read."""
        return self.runtime / "engine.log"

    @property
    def containers(self) -> Path:
        """One directory per container."""
        return self.state / "containers"

    @property
    def images(self) -> Path:
        return self.state / "images"

    @property
    def heap(self) -> Path:
        """Our allocator for programs outside of containers, and for bundles that others run."""
        return self.state / "heap"


def places(host: str | None = None) -> Places:
    """The engine of the user who asks: this machine's, or the one at `host` (default: HELIOSTUI_HOST)."""
    host = host or os.environ.get("HELIOSTUI_HOST") or LOCAL
    runtime, state = os.environ.get("HELIOSTUI_RUNTIME"), os.environ.get("HELIOSTUI_STATE")
    if not (runtime and state):
        found = usual()
        runtime, state = runtime or found[0], state or found[1]
    # Absolute, because the keeper works in another directory.
    viewer = bool(os.environ.get(VIEWER))
    return Places(Path(runtime).absolute(), Path(state).absolute(), viewer=viewer, host=None if host == LOCAL else host)


def usual() -> tuple[str, str]:
    """Runtime and state directory where nothing else is said."""
    if os.geteuid() == 0:
        return "/run/heliostui", "/var/lib/heliostui"
    from platformdirs import PlatformDirs

    user = PlatformDirs("heliostui", appauthor=False)
    with warnings.catch_warnings(action="ignore"):  # that there is no XDG_RUNTIME_DIR: it has a place in /tmp then
        return user.user_runtime_dir, user.user_data_dir
