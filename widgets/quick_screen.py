"""A screen that draws what a key brought about at once, and no more than can be seen, and takes the user's own keys.
Imports Textual, compositor and own_keys.

Textual draws at the next frame: a message, a timer and some turns of the loop after a widget has asked. The screen's
own methods are used for it, so that dialogs, notices and whatever lies over a widget are where they belong.
"""

from __future__ import annotations

from time import monotonic

from textual.geometry import Region
from textual.screen import UPDATE_PERIOD, ScreenResultType
from textual.widget import Widget

from .compositor import LeanCompositor
from .driver import KeyDriver
from .once import after
from .own_keys import RebindingScreen


class QuickScreen(RebindingScreen[ScreenResultType]):
    """Has `draw`. While what was written is under way, no frame is drawn that another would replace; on a slow line
    only some are drawn at all."""

    def __init__(self) -> None:
        super().__init__()
        self._compositor = LeanCompositor()
        self._drawn_at = 0.0
        self._waits = False  # for the line to be free

    def draw(self, widget: Widget, *regions: Region) -> None:
        """Draw these regions of a widget's content: now, if nothing was drawn within the time of a frame."""
        now = monotonic()
        idle = self.is_current and not (self._layout_required or self._repaint_required or self.app._batch_count)
        wait = now - self._drawn_at < UPDATE_PERIOD or self._line_wait > 0
        if not idle or wait or widget not in self._compositor.widgets:
            widget.refresh(*regions)
            return
        self._drawn_at = now
        widget._set_dirty(*regions)
        self._compositor.update_widgets(self._dirty_widgets | {widget})
        self._compositor_refresh()

    @property
    def _line_wait(self) -> float:
        """Seconds until a frame may go out, or it is to be asked again; 0: now."""
        driver = self.app._driver
        return driver.wait if isinstance(driver, KeyDriver) else 0.0

    def _on_timer_update(self) -> None:
        wait = self._line_wait
        if not wait:
            super()._on_timer_update()
            return
        self._update_timer.pause()
        if not self._waits:
            self._waits = True
            after(self, wait, self._look_again)

    def _look_again(self) -> None:
        self._waits = False
        self._update_timer.resume()
