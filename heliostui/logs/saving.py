"""Saving a log to a file: asks for the path, refuses to overwrite unasked, writes in a thread. Imports the dialogs."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from textual.app import App

from heliostui.presence.read_only import CONFINED, is_confined
from heliostui.screens.dialog import Confirm, Prompt


def proposed(name: str, now: datetime) -> str:
    """Where it is saved unless somebody says otherwise."""
    return f"~/{name}-{now:%Y%m%d-%H%M%S}.log"


async def save(app: App[object], name: str, text: str) -> str | None:
    """Ask where to, and write it there. What was done, in a sentence; None when nothing was. Raises OSError."""
    return await save_text(app, f"Save the log of {name}", proposed(name, datetime.now()), text)


async def save_text(app: App[object], title: str, proposal: str, text: str, rights: int = 0o666) -> str | None:
    """The same of any text; `rights`: of a new file, less what the umask takes."""
    if is_confined(app):
        app.notify(CONFINED, severity="warning", timeout=4)
        return None
    given = await app.push_screen_wait(Prompt(title, "File", proposal))
    if given is None:
        return None
    path = _path(given)
    try:
        size = await asyncio.to_thread(_write, path, text, rights)
    except FileExistsError:
        was = _size(path)
        if was is None:
            raise
        question = Confirm(f"Overwrite {path.name}?", f"{path} has {was:,} bytes, which are lost.", "Overwrite")
        if not await app.push_screen_wait(question):
            return None
        size = await asyncio.to_thread(_replace, path, text, rights)
    return f"{size:,} bytes were written to {path}."


def _path(given: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(given)))


def _size(path: Path) -> int | None:
    """Of a file; None of something else, which nothing can take the place of."""
    return path.stat().st_size if path.is_file() else None


def _write(path: Path, text: str, rights: int) -> int:
    """Only where nothing is, not even a link; nothing half written stays. Raises OSError."""
    data = text.encode(errors="replace")
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, rights)) as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink(missing_ok=True)
            raise
    return len(data)


def _replace(path: Path, text: str, rights: int) -> int:
    """Whole, or not at all."""
    beside = path.with_name(f".{token_hex(8)}")
    size = _write(beside, text, rights)
    try:
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    return size
