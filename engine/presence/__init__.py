"""Who has a console open, who presents what he looks at, and who follows. Imports the protocol and asyncio."""

from engine.presence.participation import Participation
from engine.presence.presence import Presence

__all__ = ["Participation", "Presence"]
