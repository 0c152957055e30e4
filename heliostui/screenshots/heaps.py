"""Pictures of heaps and playgrounds. Imports the application."""

from __future__ import annotations

from textual.widgets import Select

from heliostui.heap.traces import BUILT_IN, POLICIES, PROGRAM, Trace
from heliostui.screens.heap import HeapScreen
from heliostui.screens.playground import PlaygroundScreen
from heliostui.screens.playground_forms import Beside, TakeTrace
from heliostui.screenshots.photographer import Photographer


async def tell(by: Photographer) -> None:
    """Heaps, then playgrounds."""
    await tell_heap(by)
    await tell_playground(by)


async def tell_heap(by: Photographer) -> None:
    """Pictures of a program's heap: below the table, explained, with its figures, and with its bytes."""
    await by.select("shop")
    await by.press("h")
    face = by.main.details.heap.face
    await by.until(lambda: face.map is not None)
    await by.press("tab", "f")
    await by.until(lambda: face.block is not None and face.block.bin is not None)
    await by.picture("heap-tab")
    await by.press("x")
    await by.until(lambda: by.app.screen is not by.main)
    await by.picture("heap-explained")
    await by.press("escape", "H")
    await by.until(lambda: isinstance(by.app.screen, HeapScreen))
    screen = by.app.screen
    assert isinstance(screen, HeapScreen)
    await by.until(lambda: screen.figures.drawn >= 4)
    await by.picture("heap")
    await by.press("v", "f")
    await by.until(lambda: screen.figures.happened > 20)
    await by.press("p", "enter")
    await by.until(screen.figures.bytes_view.line_count)
    await by.picture("heap-bytes")
    await by.press("escape", "escape", "1")


async def tell_playground(by: Photographer) -> None:
    """Pictures of a playground: a step explained, a prediction, and two policies beside each other."""
    await by.press("A")
    await by.until(lambda: isinstance(by.app.screen, PlaygroundScreen))
    screen = by.app.screen
    assert isinstance(screen, PlaygroundScreen)
    await by.until(lambda: screen.playground is not None)
    await take(by, screen, POLICIES)
    await go(by, screen, 9)
    await by.press("p", "space")
    await by.until(lambda: screen.asked is not None)
    await by.press("f")
    await by.press("enter")
    await by.until(lambda: screen.score.asked)
    await by.picture("playground-answer")
    await by.press("p", "space")
    await by.until(lambda: screen.playground is not None and screen.playground.step == 10)
    await by.picture("playground")
    await take(by, screen, PROGRAM)
    await by.press("b")
    await by.until(lambda: isinstance(by.app.screen, Beside))
    await by.press("ctrl+s")
    await by.until(lambda: len(screen.shown) == 2)
    await go(by, screen, 500)
    for side in screen.sides:
        side.face.view.zoom(4096)
    await by.picture("playground-two")
    await by.press("D")
    await by.until(lambda: by.app.screen is by.main)


async def take(by: Photographer, screen: PlaygroundScreen, trace: Trace) -> None:
    """Have a playground take operations that are built in."""
    await by.press("t")
    await by.until(lambda: isinstance(by.app.screen, TakeTrace))
    by.app.screen.query_one("#trace", Select).value = BUILT_IN.index(trace)
    await by.press("ctrl+s")
    await by.until(lambda: by.app.screen is screen)
    await by.until(lambda: screen.playground is not None and screen.playground.step == 0)


async def go(by: Photographer, screen: PlaygroundScreen, step: int) -> None:
    """Have it go to a step, and its pictures come."""
    await by.press("g", *str(step), "enter")
    await by.until(lambda: all(each.step == step for each in screen.shown))
    await by.pilot.pause(0.5)
