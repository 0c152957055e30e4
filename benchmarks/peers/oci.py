"""crun and runc, with bundles made from the very spec that our containers have. They get the root directory as it is,
without an overlay, and no terminal (it would need a console socket and somebody behind it)."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
from peers.process import run
from peers.root import TRUE

from engine.spec.structs import Spec


class Oci:
    """One of them; its state is kept in a directory of ours."""

    def __init__(self, name: str, program: str, directory: Path, options: list[str], specs: dict[str, Spec]) -> None:
        self.name = name
        self._id = f"heliostui-{directory.parent.name}-{name}".replace("_", "-")
        self._directory = directory
        self._command = [program, "--root", str(directory / "state"), *options]
        for bundle, spec in specs.items():
            (directory / bundle).mkdir(parents=True)
            (directory / bundle / "config.json").write_text(json.dumps(self._config(spec)))

    def _config(self, spec: Spec) -> object:
        config: dict[str, Any] = json.loads(msgspec.json.encode(spec))
        # Our file leaves defaults out; these two it must have (config.md).
        config["ociVersion"] = "1.0.2"
        config["process"] = {"cwd": spec.process.cwd, "user": {"uid": 0, "gid": 0}, **config["process"]}
        del config["linux"]["devices"]  # they make the default ones anyway; runc bars ours unless told twice
        config["linux"]["resources"] = {"devices": [{"allow": False, "access": "rwm"}]}  # what `runc spec` says
        config["linux"]["cgroupsPath"] = f"/{self._id}"
        return config

    def start(self, tty: bool) -> float:
        """Seconds from asking for the process to the first instruction of the program in the container."""
        begin = time.monotonic_ns()
        return (int(self._call("run", "--bundle", str(self._directory / "pipes"), self._id)) - begin) / 1e9

    def run(self) -> float:
        """Seconds to run /bin/true, to learn its exit status, and to remove the container."""
        begin = time.monotonic_ns()
        self._call("run", "--bundle", str(self._directory / "true"), self._id)
        return (time.monotonic_ns() - begin) / 1e9

    def begin_exec(self) -> None:
        """Have a container in which `exec` runs programs."""
        self._call("run", "--detach", "--bundle", str(self._directory / "sleep"), self._id)

    def exec(self) -> float:
        """Seconds to run /bin/true in a running container."""
        begin = time.monotonic_ns()
        self._call("exec", self._id, *TRUE)
        return (time.monotonic_ns() - begin) / 1e9

    def end_exec(self) -> None:
        """Remove that container."""
        self._call("delete", "--force", self._id)

    def close(self) -> None:
        """Remove what a failed round may have left."""
        subprocess.run([*self._command, "delete", "--force", self._id], capture_output=True, check=False)

    def _call(self, *words: str) -> str:
        return run([*self._command, *words], self._directory / "output")


def found(directory: Path, specs: dict[str, Spec]) -> list[Oci]:
    """Those that are installed and work here; says about each other one why not."""
    peers = []
    # With cgroup2 crun loads a device filter, for which some machines don't let it lock memory: then without cgroups.
    ways: dict[str, list[list[str]]] = {
        "crun": [["--cgroup-manager=cgroupfs"], ["--cgroup-manager=disabled"]],
        "runc": [[]],
    }
    for name, attempts in ways.items():
        program = shutil.which(name)
        if program is None:
            print(f"{name} is not installed (apt install {name}): left out.")
            continue
        for number, options in enumerate(attempts):
            peer = Oci(name, program, directory / f"{name}{number}", options, specs)
            try:
                peer.run()
            except RuntimeError as error:
                peer.close()
                print(f"{' '.join([name, *options])} does not work here: {error}")
            else:
                peers.append(peer)
                break
    return peers
