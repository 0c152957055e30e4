"""Volumes: directories that outlive the containers that use them, and what else of the host a mount needs.

Imports the standard library, msgspec, the protocol, `engine.spec` and `engine.images.layers`.
"""

from engine.volumes.volumes import Claim, Volumes

__all__ = ["Claim", "Volumes"]
