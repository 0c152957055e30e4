"""The image `echo`: a single program, which sends back what it is sent over TCP (echo.c). May import this package."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from engine.images import skeleton
from engine.images.generation import digest
from engine.images.image import Image

RECIPE = "echo 1"
BUILT = os.path.join(os.path.dirname(__file__), "_echo*.so")


class Echo:
    """The recipe. `built` is where the program is, as a pattern; tests give another."""

    name = "echo"
    description = "A TCP service that sends back what it is sent: a single static program, for `heliostui demo echo`"
    command = ("/echo",)

    def __init__(self, built: str = BUILT) -> None:
        self.built = built

    def program(self) -> str | None:
        """The program, if there was a compiler when heliostui was installed."""
        return next(iter(sorted(glob.glob(self.built))), None)

    def unavailable(self) -> str:
        if self.program():
            return ""
        return "Its program, a part of heliostui in C, was not built: install gcc and reinstall heliostui."

    def watched(self) -> list[str]:
        return [self.program() or self.built]

    def digest(self) -> str:
        return digest(RECIPE, self.watched())

    def build(self, place: Path) -> None:
        """Make the generation in the empty directory `place`. Raises OSError."""
        layer = place / "layer"
        layer.mkdir()
        skeleton.lay(layer, "/usr/sbin/nologin")
        skeleton.write(layer / "echo", Path(self.program() or self.built).read_bytes(), 0o755)

    def image(self, place: Path) -> Image:
        return Image(self.name, self.description, layers=(str(place / "layer"),), command=self.command)
