"""Tests of heaps in containers have the machine that tests of containers have."""

from __future__ import annotations

from tests.engine.containers.conftest import images, machine

__all__ = ["images", "machine"]
