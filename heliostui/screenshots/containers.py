"""Pictures of the details of one container, and of the dialogs. Imports the application."""

from __future__ import annotations

from heliostui.screenshots.photographer import Photographer
from widgets.launch_chart import Calls
from widgets.line_view import LineView


async def tell_empty(by: Photographer) -> None:
    """Before there is anything."""
    await by.until(lambda: by.main.state.empty)
    await by.picture("empty")


async def tell(by: Photographer) -> None:
    """One picture of each screen."""
    await by.select("orders")
    await by.press("2")
    await by.until(lambda: by.main.query_one("LogView", LineView).line_count() > 60)
    await by.picture("logs")
    await by.press("L")
    await by.until(lambda: by.main.query_one(Calls).call)
    await by.picture("launch")
    await by.press("i")
    await by.until(lambda: by.main.query_one("Document", LineView).line_count())
    await by.picture("inspect")
    await by.press("1")
    await by.select("workshop")
    await by.press("enter")
    await by.until(lambda: by.main.terminal_has_keys)
    await by.until(lambda: "#" in _terminal(by))
    keys = {" ": "space", "/": "slash", "-": "minus", "=": "equals_sign"}
    await by.press("ctrl+l", *(keys.get(key, key) for key in "ls --color=always /"), "enter")
    await by.until(lambda: "usr" in _terminal(by))
    await by.picture("terminal")
    await by.press("ctrl+right_square_bracket")
    await by.until(lambda: by.main.table.has_focus)
    await by.picture("console")
    for key, name in (("n", "new"), ("d", "remove"), ("question_mark", "help")):
        await by.press(key)
        await by.until(lambda: by.app.screen is not by.main)
        await by.picture(name)
        await by.press("escape")
        await by.until(lambda: by.app.screen is by.main)


async def tell_limits(by: Photographer) -> None:
    """Pictures of what a container may use, of what it uses, and of the fences around it."""
    await by.select("worker")
    await by.press("M")
    details = by.main.details
    limits, stats, lines = details.limits.table, details.stats, details.isolation.view.lines
    await by.until(lambda: limits.selected is not None)
    await by.press("tab", "end")
    while limits.selected is None or limits.selected.key != "cpus":
        await by.press("up")
    await by.press(*"0.5", "enter")
    await by.until(lambda: limits.selected is not None and limits.selected.value == "0.5")
    await by.picture("limits")
    await by.press("m")  # a digit would be the limit's
    await by.until(lambda: stats.metric)
    await by.pilot.pause(6)
    await by.picture("stats")
    await by.press("x")
    await by.until(lambda: by.app.screen is not by.main)
    await by.picture("explain")
    await by.press("escape", "I")
    await by.until(lines.line_count)
    await by.picture("isolation")
    await by.press("right", "right", "right")
    await by.picture("calls")
    await by.press("M")
    await by.until(lambda: limits.has_focus and limits.selected is not None and limits.selected.key == "cpus")
    await by.press(*"0.8", "enter")
    await by.until(lambda: limits.selected is not None and limits.selected.value == "0.8")
    await by.press("escape", "1")


def _terminal(by: Photographer) -> str:
    terminal = by.main.details.terminal.view.terminal
    return terminal.text() if terminal else ""
