"""The command that opens the log of receipts. Imports actions, and the screen when it is wanted."""

from __future__ import annotations

from textual import work

from heliostui.actions import Actions


class ReceiptActions(Actions):
    """What the details follow rests while the log is over them."""

    @work(group="actions", exclusive=True)
    async def action_receipts(self) -> None:
        from heliostui.screens.receipts import ReceiptsScreen

        self.details.rest()
        await self.app.push_screen_wait(ReceiptsScreen(self.link))
        self.details.reconnect()
