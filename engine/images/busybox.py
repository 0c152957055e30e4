"""The image `busybox`: a static busybox of this machine and links for all that it can do. May import this package."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

from engine.images import skeleton
from engine.images.generation import digest
from engine.images.image import Image

RECIPE = "busybox 1"
CANDIDATES = tuple(
    f"{directory}/{name}"
    for directory in ("/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin")
    for name in ("busybox", "busybox.static", "busybox-static")
)
PT_INTERP = 3


class Busybox:
    """The recipe. `candidates` are where a busybox may be; tests give others."""

    name = "busybox"
    description = "A small userland in a single static program"
    command = ("sh",)

    def __init__(self, candidates: tuple[str, ...] = CANDIDATES) -> None:
        self.candidates = candidates

    def program(self) -> str | None:
        """The first static busybox that everybody may run."""
        return next((path for path in self.candidates if is_static(path)), None)

    def unavailable(self) -> str:
        return "" if self.program() else "There is no static busybox on this machine: install busybox-static."

    def watched(self) -> list[str]:
        return list(self.candidates)

    def digest(self) -> str:
        return digest(RECIPE, [os.path.realpath(self.program() or "")])

    def build(self, place: Path) -> None:
        """Make the generation in the empty directory `place`. Raises OSError, subprocess.SubprocessError."""
        program = self.program()
        if program is None:
            raise FileNotFoundError(2, "no static busybox", self.candidates[0])
        listed = subprocess.run([program, "--list"], capture_output=True, check=True, timeout=10)
        layer = place / "layer"
        layer.mkdir()
        skeleton.lay(layer, "/bin/sh")
        for name in ("bin", "usr/bin"):
            skeleton.make_directory(layer / name)
        skeleton.write(layer / "bin/busybox", Path(program).read_bytes(), 0o755)
        for applet in listed.stdout.decode().split():
            if applet != "busybox":
                (layer / "bin" / applet).symlink_to("busybox")
        (layer / "usr/bin/env").symlink_to("../../bin/busybox")  # what `#!/usr/bin/env` asks for
        (layer / "sbin").symlink_to("bin")

    def image(self, place: Path) -> Image:
        return Image(self.name, self.description, layers=(str(place / "layer"),), command=self.command)


def is_static(path: str) -> bool:
    """Is `path` an ELF program that everybody may read and run, and that names no interpreter? (elf(5))"""
    try:
        if os.stat(path).st_mode & 0o005 != 0o005:
            return False
        with open(path, "rb") as file:
            header = file.read(64)
            if header[:4] != b"\x7fELF" or len(header) < 64:
                return False
            wide, order = header[4] == 2, "<" if header[5] == 1 else ">"
            (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), header, 32 if wide else 28)
            size, count = struct.unpack_from(order + "HH", header, 54 if wide else 42)
            file.seek(offset)
            table = file.read(size * count)
    except OSError:
        return False
    if size < 4 or len(table) < size * count:
        return False
    return all(struct.unpack_from(order + "I", table, size * i)[0] != PT_INTERP for i in range(count))
