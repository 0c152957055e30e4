"""The one root directory that everybody's containers have: a static busybox, and a program that tells when it began."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from engine.images import Images
from engine.images.busybox import Busybox

HERE = Path(__file__).parent
CLOCK, TRUE, SLEEP = ["/bin/clock"], ["/bin/true"], ["/bin/sleep", "1000000"]


def missing() -> str:
    """Why it can't be made here; empty when it can."""
    if shutil.which("cc") is None:
        return "there is no C compiler (cc): install gcc"
    return Busybox().unavailable()


async def make_root(place: Path, images: Images) -> Path:
    """A copy of the busybox image with `clock` in it, at `place`."""
    image = await images.prepare("busybox")
    shutil.copytree(image.layers[0], place, symlinks=True)
    compile_c([str(HERE / "clock.c")], place / "bin/clock")
    return place


def compile_c(arguments: list[str], program: Path) -> None:
    """A static program, optimised."""
    subprocess.run(["cc", "-O2", "-static", "-o", str(program), *arguments], check=True)
