"""Pictures of networks. Imports the application."""

from __future__ import annotations

from heliostui.screens.network_map import MapScreen
from heliostui.screenshots.photographer import Photographer


async def tell(by: Photographer) -> None:
    """Pictures of a container's network, of a line of it explained, and of the map."""
    await by.select("web")
    await by.press("w")
    table = by.main.details.network.table
    await by.until(lambda: table.shown("rules") and len(table.shown("sockets")) > 1)
    await by.until(lambda: any(row.cells[4].text.endswith("MB/s") for row in table.shown("addresses")))
    await by.press("tab", "down", "down")
    await by.until(lambda: table.selected is not None)
    await by.picture("network")
    await by.press("x")
    await by.until(lambda: by.app.screen is not by.main)
    await by.picture("endpoint")
    await by.press("escape", "escape")
    await by.select("client")
    await by.until(lambda: table.shown("dns"))
    await by.press("tab", "right", "right", "right", "right")
    await by.picture("names")
    await by.press("escape", "N")
    await by.until(lambda: isinstance(by.app.screen, MapScreen))
    screen = by.app.screen
    assert isinstance(screen, MapScreen)
    await by.until(lambda: screen.view.busy)
    await by.press("down", "right")
    await by.picture("map")
    await by.press("escape", "1")
