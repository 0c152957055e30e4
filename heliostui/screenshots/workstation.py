"""Pictures of the workstation: its layouts, and what goes over the whole of it. Imports the application."""

from __future__ import annotations

from heliostui.screenshots.photographer import Photographer

LAYOUTS = (("f6", "monitor"), ("f7", "shell"), ("f8", "heap-layout"), ("f9", "lecture"), ("f5", "workstation"))


async def tell(by: Photographer) -> None:
    await by.select("worker")
    for key, name in LAYOUTS:
        await by.press(key)
        await by.pilot.pause(3)
        await by.picture(name)


async def tell_contrast(by: Photographer) -> None:
    await by.select("worker")
    await by.pilot.pause(3)
    await by.picture("contrast")
