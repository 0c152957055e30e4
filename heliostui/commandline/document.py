"""JSON for programs: one indented document."""

from __future__ import annotations

import msgspec


def document(value: object) -> str:
    """The value, of messages or their parts, as text without a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
