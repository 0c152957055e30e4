"""What an image is to those who run one: directories to stack, defaults for the process. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENV = (f"PATH={PATH}", "LANG=C.UTF-8")


@dataclass(frozen=True)
class Graft:
    """A host directory overlaid at `destination`: `source` is the read-only lower layer, what is written stays above.

    Both are absolute. Grafts come parents first.
    """

    source: str
    destination: str


@dataclass(frozen=True)
class Image:
    """A root filesystem to be and how to run it. msgspec can write it to JSON and read it back.

    `layers` are absolute directories in overlay order, topmost first. `masked` are paths inside that a container must
    not see although a graft holds them: what the host does not let everybody read. `env` entries are `NAME=value`.
    """

    name: str
    description: str
    layers: tuple[str, ...]
    grafts: tuple[Graft, ...] = ()
    masked: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    env: tuple[str, ...] = ENV
    workdir: str = "/"
