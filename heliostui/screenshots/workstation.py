"""Pictures of the workstation: its layouts, and what goes over the whole of it. Imports the application."""

from __future__ import annotations

from heliostui.graphs.pane import GraphsPane
from heliostui.screens.receipt import ReceiptScreen
from heliostui.screens.receipts import ReceiptsScreen
from heliostui.screenshots.jobs import start_jobs
from heliostui.screenshots.photographer import Photographer
from widgets.line_view import LineView

LAYOUTS = (
    ("f6", "monitor", "worker"),
    ("f7", "shell", "worker"),
    ("f8", "heap-layout", "shop"),
    ("f9", "lecture", "worker"),
    ("f5", "workstation", "orders"),
)


async def prepare(by: Photographer) -> None:
    """Have a terminal with jobs, which stays for all that is told after it, and limits that were changed."""
    await start_jobs(by)
    await by.press("ctrl+right_square_bracket", "alt+0")
    await by.until(lambda: by.main.table.has_focus)


async def tell(by: Photographer) -> None:
    """Each layout, with all that it can show."""
    for key, name, container in LAYOUTS:
        await by.press(key)
        await by.select(container)
        await _filled(by)
        await by.picture(name)
        if name == "heap-layout":
            await by.press("f5")


async def tell_tools(by: Photographer) -> None:
    """What is done in the list, in the details, and over all of it."""
    await by.select("worker")
    await tell_list(by)
    await tell_details(by)
    await tell_graphs(by)
    await tell_receipts(by)
    await tell_all(by)


async def tell_list(by: Photographer) -> None:
    """The filter, marks and what they are for, and the menu."""
    await by.press("slash", *"state:running", "space", "exclamation_mark", *"web")
    await by.until(lambda: all(row.state == "running" for row in by.main.table.rows))
    await by.picture("filter")
    await by.press("escape", "escape")
    await by.until(lambda: by.main.table.has_focus)
    await mark(by, "orders", "api", "web")
    await by.dialog("S", "bulk")
    await by.press("2")
    await by.until(lambda: by.main.query_one("LogView", LineView).line_count() > 60)
    await by.picture("merged-logs")
    await by.press("1", "escape")
    await by.select("worker")
    await by.dialog("full_stop", "menu")


async def mark(by: Photographer, *names: str) -> None:
    """Mark those of them that are there."""
    there = {row.name for row in by.main.table.rows}
    for name in names:
        if name in there:
            await by.select(name)
            await by.press("space")


async def tell_details(by: Photographer) -> None:
    """Processes, changed files, and a limit with its graph."""
    await by.press("u")
    await by.pilot.pause(2)
    await by.picture("processes")
    await by.press("U")
    await by.pilot.pause(1)
    await by.picture("changes")
    limits = by.main.details.limits.table
    await by.press("M")
    await by.until(lambda: limits.selected is not None)
    await by.press("tab", "home")
    while limits.selected is None or limits.selected.key != "cpus":
        await by.press("down")
    await by.press("enter", "down", "down", "down")
    await by.pilot.pause(3)
    await by.picture("knob")
    await by.press("up", "up", "up", "escape", "escape", "1")


async def tell_graphs(by: Photographer) -> None:
    """Graphs of several, and the cursor at a marker."""
    graphs = by.main.query_one(GraphsPane)
    await mark(by, "worker", "client", "web", "shop")
    await by.press("f6")
    by.main.focus_region("graphs")
    await by.until(lambda: len(graphs.board.subjects) > 1)
    await by.press("minus", "left", "left")
    await by.picture("overlay")


async def tell_receipts(by: Photographer) -> None:
    """What was done, and one of it."""
    await by.press("f2")
    await by.until(lambda: isinstance(by.app.screen, ReceiptsScreen))
    await by.pilot.pause(0.5)
    await by.picture("receipts")
    await by.press("enter")
    await by.until(lambda: isinstance(by.app.screen, ReceiptScreen))
    await by.pilot.pause(0.5)
    await by.picture("receipt")
    await by.press("escape", "escape")
    await by.until(lambda: by.app.screen is by.main)


async def tell_all(by: Photographer) -> None:
    """What lies over everything."""
    await by.press("f5")
    await by.dialog("semicolon", "jump")
    await by.dialog("ctrl+p", "palette")
    await by.dialog("ctrl+t", "themes")


async def tell_theme(by: Photographer) -> None:
    """The workstation in another theme."""
    await by.select("worker")
    await _filled(by)
    await by.picture("workstation")


async def _filled(by: Photographer) -> None:
    """Wait until what the layout shows has come."""
    main = by.main
    if "heap" in main.workspace.seen:
        await by.until(lambda: main.heap.face.map is not None)
    await by.pilot.pause(3)  # for samples of the graphs, and numbers of the list
