"""What a failure's notice says of its receipt. Imports Textual and the client's errors."""

from __future__ import annotations

from typing import Any

from textual.screen import Screen

from engine.client.errors import ClientError, RequestFailed


def failure(screen: Screen[Any], error: ClientError) -> str:
    """The error's sentence; where the engine refused, with the key that opens the receipt."""
    bindings = (active.binding for active in screen.active_bindings.values())
    opens = next((binding for binding in bindings if binding.action == "receipts"), None)
    if opens is None or not isinstance(error, RequestFailed):
        return str(error)
    return f"{error}\nIts receipt: {screen.app.get_key_display(opens)}"
