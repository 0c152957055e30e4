"""What all plain values inside messages share. Imports msgspec only."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """A plain value inside messages."""
