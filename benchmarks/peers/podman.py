"""Podman with storage, state and networks of its own in a directory, and crun as its runtime."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from peers.process import run

NO_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]  # its own may be more than we may give


class Podman:
    """Containers of a directory of files, as ours in the same comparison."""

    name = "podman"

    def __init__(self, directory: Path, root: Path) -> None:
        self._output = directory / "podman.out"
        self._root = str(root)
        places = {"root": "storage", "runroot": "run", "tmpdir": "tmp", "network-config-dir": "networks"}
        self._podman = [str(shutil.which("podman")), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]
        self._podman += ["--events-backend", "none", "--runtime", "crun"]
        for option, place in places.items():
            self._podman += [f"--{option}", str(directory / place)]

    def run(self, *options: str) -> float:
        """Seconds to run /bin/true and clear it away. RuntimeError says why it can't."""
        begin = time.monotonic()
        run([*self._podman, "run", "--rm", *NO_LIMITS, *options, "--rootfs", self._root, "/bin/true"], self._output)
        return time.monotonic() - begin


def missing() -> str:
    """Why it can't be here; empty: it is."""
    lacking = [program for program in ("podman", "crun", "conmon") if shutil.which(program) is None]
    return f"{', '.join(lacking)} not installed" if lacking else ""
