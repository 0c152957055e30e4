"""What the main screen shows, as a value; and the main screen made to show the same, at its own size.

`look` and `show` are for any main screen; they give nobody's program the keys and act on nothing. Imports the protocol
and what the screen is made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.widgets import TabbedContent

from engine.protocol.presence import GraphPlace, Place, View
from heliostui.details import CONTENT
from heliostui.graphs.board import GraphBoard
from heliostui.tab_names import TABS
from heliostui.workspace.layouts import LAYOUTS, REGIONS
from widgets.line_view import LineView
from widgets.query import QueryError, parse
from widgets.terminal import TerminalView

if TYPE_CHECKING:
    from heliostui.screens.main import MainScreen


def look(screen: MainScreen) -> View:
    """What the screen shows now."""
    workspace, table, terminal = screen.workspace, screen.table, _terminal(screen)
    return View(
        layout=workspace.layout_name,
        weights=workspace.weights,
        hidden=sorted(workspace.hidden),
        zoomed=workspace.zoomed or "",
        region=workspace.wanted,
        container=screen.state.selected_id or "",
        tab=screen.details.tab,
        terminal=screen.terminals.current or "",
        back=terminal.scrolled_back if terminal else 0,
        filter=table.filter[:400],
        sort=table.sort_column,
        descending=table.descending,
        place=_place(_content(screen)),
        graphs={name: _graph(board) for name, board in _boards(screen).items()},
    )


def show(screen: MainScreen, view: View) -> list[str]:
    """Show the same, as far as it is here; what is not (yet), in words."""
    _arrange(screen, view)
    _list(screen, view)
    missing = []
    if view.container in screen.state.containers:
        screen.table.cursor = view.container
    elif view.container:
        missing.append("a container that is not here")
    if view.tab in TABS and screen.details.tab != view.tab:
        screen.details.show_tab(view.tab)
    if screen.terminals.tab(view.terminal) is not None:
        screen.terminals.show(view.terminal)
    elif view.terminal:
        missing.append("a terminal that is not here")
    _go(screen, view.region)
    for name, board in _boards(screen).items():
        if name in view.graphs:
            _show_graph(board, view.graphs[name])
    screen.call_after_refresh(_scroll, screen, view)  # tabs and sizes are settled then
    return missing


# --- the layout ---


def _arrange(screen: MainScreen, view: View) -> None:
    """The layout with its sizes, what is hidden and what is zoomed."""
    workspace = screen.workspace
    if view.layout not in LAYOUTS:
        return
    memory = workspace.remembered.of(view.layout)
    hidden, zoomed = [name for name in view.hidden if name in REGIONS], view.zoomed if view.zoomed in REGIONS else None
    wanted = msgspec.structs.replace(memory, weights=view.weights, hidden=hidden, zoomed=zoomed)
    if (workspace.layout_name, memory) != (view.layout, wanted):
        memory.weights, memory.hidden, memory.zoomed = wanted.weights, wanted.hidden, wanted.zoomed
        workspace.use(view.layout)


def _go(screen: MainScreen, region: str) -> None:
    """Use a region without giving a terminal in it the keys."""
    workspace = screen.workspace
    if region not in REGIONS or (workspace.wanted == region and workspace.region_of(screen.focused) == region):
        return
    if workspace.wanted != region:
        workspace.want(region)
    screen.state.shown_terminal = screen.terminals.current if region == "terminals" else None
    terminal = _terminal(screen)
    if terminal is not None:
        terminal.look()
    else:
        stops = [screen.table] if region == "containers" else screen.stops(region)
        screen.set_focus(next(iter(stops), None))


# --- the list ---


def _list(screen: MainScreen, view: View) -> None:
    table = screen.table
    try:
        parse(view.filter)
    except QueryError:  # cut off, or of another version
        return
    table.filter = view.filter
    if view.sort in {"", *(column.name for column in table.COLUMNS)}:
        table.sort_column, table.descending = view.sort, view.descending


# --- where a pane is ---


def _terminal(screen: MainScreen) -> TerminalView | None:
    """The terminal of the region that is used."""
    match screen.workspace.wanted:
        case "terminals":
            tab = screen.terminals.shown
            return tab.pane.view if tab is not None else None
        case "details" if screen.details.tab == "terminal":
            return screen.details.terminal.view
    return None


def _content(screen: MainScreen) -> Widget | None:
    """What the details' tab shows."""
    pane = screen.details.query_one(TabbedContent).active_pane
    found = [each for each in pane.query(CONTENT) if each.display] if pane is not None else []
    return next((each for each in found if isinstance(each, ScrollView)), None)


def _place(widget: Widget | None) -> Place | None:
    if widget is None:
        return None
    end = isinstance(widget, LineView) and widget.following
    cursor = getattr(widget, "cursor", None)
    return Place(
        line=0 if end else widget.scroll_offset.y,
        lines=0 if end else widget.virtual_size.height,
        end=end,
        cursor="" if cursor is None else msgspec.json.encode(cursor).decode()[:400],
    )


def _scroll(screen: MainScreen, view: View) -> None:
    """Go to the same lines; where there are fewer, to the same part of them."""
    terminal = _terminal(screen)
    if terminal is not None:
        terminal.scroll_back(view.back - terminal.scrolled_back)
    widget, place = _content(screen), view.place
    if widget is None or place is None:
        return
    _put_cursor(widget, place.cursor)
    if isinstance(widget, LineView):
        widget.following = place.end
    if not place.end:
        lines = widget.virtual_size.height
        line = place.line if place.line <= widget.max_scroll_y else round(lines * place.line / max(1, place.lines))
        widget.scroll_to(y=min(line, widget.max_scroll_y), animate=False, force=True)


def _put_cursor(widget: Any, told: str) -> None:
    """Put the cursor on what has the same number or key, if it is of the kind that this widget's cursor has."""
    here = getattr(widget, "cursor", None)
    if here is None or not told:
        return
    try:
        cursor = msgspec.json.decode(told, type=type(here) if not isinstance(here, tuple) else tuple[str, str])
    except msgspec.DecodeError:
        return
    if cursor != here and (not isinstance(cursor, int) or 0 <= cursor < max(1, widget.virtual_size.height)):
        widget.cursor = cursor


# --- graphs ---


def _boards(screen: MainScreen) -> dict[str, GraphBoard]:
    return {"graphs": screen.graphs.board, "stats": screen.details.stats.board}


def _graph(board: GraphBoard) -> GraphPlace:
    until = board.end if board.end is not None else board.now if board.paused else None
    return GraphPlace(
        span=board.seconds, cursor=board.cursor, until=until, current=board.current, enlarged=board.enlarged
    )


def _show_graph(board: GraphBoard, place: GraphPlace) -> None:
    if _graph(board) != place:
        board.go(place.span, place.cursor, place.until)
        if place.enlarged != board.enlarged:
            board.action_enlarge()
        if place.current != board.current and place.current < len(board.charts):
            board.select(place.current)
