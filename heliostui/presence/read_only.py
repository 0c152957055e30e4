"""Consoles that only look, or follow: what every key that acts asks before it does. Imports Textual only."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.dom import DOMNode

NOTICE = "Read-only: nothing is changed or typed from this console."

CONFINED = "This console may write no files here."
FOLLOWING = "This console follows another one: F3 lets you look around, and act."


def is_read_only(app: App[Any]) -> bool:
    """Whether nothing may be changed from this console, or nothing now, because it moves with another one."""
    return bool(getattr(app, "read_only", False) or getattr(app, "following", ""))


def is_confined(app: App[Any]) -> bool:
    """Whether this console may write no files and start no programs on its own machine."""
    return bool(getattr(app, "confined", False))


def refused(node: DOMNode) -> bool:
    """Whether this console acts on nothing now; then it is said, once as long as it is to be read."""
    app = node.app
    if not is_read_only(app):
        return False
    notice = NOTICE if getattr(app, "read_only", False) else FOLLOWING
    if all(notification.message != notice for notification in app._notifications):
        app.notify(notice, timeout=4)
    return True
