"""Values of presence: who has a console open, who presents, and what the presenter looks at. Imports msgspec only.

A view says nothing in cells: each console draws it to its own size. All of it has bounds, for it comes from people and
is passed on to everybody.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from engine.protocol.value import Value

Name = Annotated[str, Meta(max_length=80)]
Count = Annotated[int, Meta(ge=0, le=1 << 40)]
Seconds = Annotated[float, Meta(ge=0, le=2.5e11)]  # as a date: up to the year 9892, which a clock can show
Text = Annotated[str, Meta(max_length=400)]
Weights = Annotated[dict[Name, Annotated[float, Meta(ge=0, le=1e6)]], Meta(max_length=32)]


class Place(Value, frozen=True):
    """Where a pane is. Numbers of lines are from 0, and mean the same at any height."""

    line: Count = 0  # the first that is shown
    lines: Count = 0  # how many there are
    end: bool = False  # it stays at the end as lines come
    cursor: Text = ""  # what is under the cursor: as JSON, a number or a key


class GraphPlace(Value, frozen=True):
    """What part of time graphs show; times are seconds since the epoch."""

    span: Seconds = 0.0  # how much of it, in seconds
    cursor: Seconds | None = None  # where a value is read
    until: Seconds | None = None  # the last moment that is shown, where that is not now
    current: Count = 0  # which graph has the keys
    enlarged: bool = False  # that one alone is shown


class View(Value, frozen=True):
    """What a console shows. What one does not have (a container, a terminal, a layout) it leaves as it is."""

    layout: Name = ""
    # of the layout's parts, by the kind of screen: borders that were moved
    weights: Annotated[dict[Name, Weights], Meta(max_length=8)] = {}
    hidden: Annotated[list[Name], Meta(max_length=16)] = []
    zoomed: Name = ""  # the region that has the screen for itself
    region: Name = ""  # the one that is used
    container: Name = ""  # the selected one, by id
    tab: Name = ""  # of its details
    terminal: Name = ""  # whose tab is shown in the region of terminals
    back: Count = 0  # lines that the terminal that is used is scrolled back
    filter: Text = ""  # of the list
    sort: Name = ""
    descending: bool = False
    place: Place | None = None  # of the pane of the details' tab
    graphs: Annotated[dict[Name, GraphPlace], Meta(max_length=4)] = {}  # by where they are


class Person(Value, frozen=True):
    """Somebody with a console. `name`: as they called themselves, with a number where several did."""

    id: str  # never used twice by one engine
    name: str
    role: Literal["operator", "viewer"]
    following: bool = False


class Presentation(Value, frozen=True):
    """Somebody shows the others what he looks at. `paused`: the presenter's line is lost."""

    presenter: str  # id
    presenter_name: str
    owner: str  # who began it, and may take it back
    owner_name: str
    paused: bool = False
    following: int = 0  # how many do
