"""A screen that lies over another and has all keys. Imports compositor and own_keys."""

from __future__ import annotations

from textual.screen import ModalScreen, ScreenResultType

from .compositor import LeanCompositor
from .own_keys import RebindingScreen


class Dialog(ModalScreen[ScreenResultType], RebindingScreen[ScreenResultType]):
    """ModalScreen comes first, or its styles would not hold. To open and close it only cells that differ are sent."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = LeanCompositor()
