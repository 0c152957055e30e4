"""Opening an address with the user's own browser, where there is a screen to show one. Imports nothing of ours."""

from __future__ import annotations

import asyncio
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping

OPENERS = (("xdg-open",), ("gio", "open"))


def openable(url: str) -> bool:
    """Whether the address is one of the web. A program in a container means its own files by `file:`, not the user's,
    and `javascript:` would run as a page of ours."""
    return url.lower().startswith(("http://", "https://", "mailto:"))


def opener(url: str, environment: Mapping[str, str]) -> list[str] | None:
    """The command that opens the address; None without a display or a command for it.

    A `file:` address is never opened: a program in a container means its own files by it, not the user's.
    """
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")) or url.lower().startswith("file:"):
        return None
    return next(
        ([*command, url] for command in OPENERS if shutil.which(command[0], path=environment.get("PATH"))), None
    )


async def start(command: list[str]) -> bool:
    """Run the opener, apart from the terminal; whether it said it had done so. Raises OSError."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
    )
    return await process.wait() == 0
