"""Where the focus is, as a path: `web › Logs`, `Terminals › heliosh › Jobs`. Imports the panes' words only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heliostui.workspace.workspace import PAIR

if TYPE_CHECKING:
    from heliostui.workspace.regions import Regions

BETWEEN = " › "


def path(screen: Regions) -> list[str]:
    """The names from the outside to the inside."""
    container, tab = screen.state.selected, screen.shown_tab
    name = container.name if container is not None else ""
    if screen.workspace.welcoming and screen.workspace.wanted in PAIR:
        return []
    match screen.workspace.wanted:
        case "terminals":
            inside = "Jobs" if tab is not None and tab.looked_at == "jobs" else ""
            job = screen.selected_job.command if inside and screen.selected_job is not None else ""
            steps = ["Terminals", tab.name_shown if tab is not None else "", inside, job]
        case "details":
            metric = screen.details.metric if screen.details.has_focus_within else None
            steps = [name, screen.details.tab.capitalize(), metric or ""]
        case "graphs":
            whose = screen.graph_subjects
            steps = [whose[0].name if whose else "This machine", "Graphs"]
        case "heap":
            steps = [name, "Heap"]
        case _:
            steps = ["Containers", name]
    return [step for step in steps if step]


def crumbs(screen: Regions) -> Text:
    """The path, its end strong."""
    *before, last = path(screen) or [""]
    muted = screen.get_component_rich_style("status--muted", partial=True)
    return Text.assemble((BETWEEN.join([*before, ""]), muted), (last, "bold"), no_wrap=True, overflow="ellipsis")
