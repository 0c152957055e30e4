"""`heliostui heap ls|show|map|events|free-list|record|play`: heaps of programs that use our allocator."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from engine.client.blocking import Connection
from engine.client.errors import RequestFailed
from engine.heap.library import POLICIES
from engine.places import places
from engine.protocol.heap import HeapMap, HeapOptions, HeapTarget, HeapView, Policy
from engine.protocol.messages import (
    ErrorCode,
    FreeList,
    GetFreeList,
    GetHeap,
    GetHeapMap,
    HeapFigures,
    HeapPicture,
    Heaps,
    ListHeaps,
)
from engine.protocol.quantities import size
from heliostui.commandline import heap_page
from heliostui.commandline.document import document
from heliostui.commandline.failures import complain
from heliostui.commandline.heap import heap_options
from heliostui.commandline.parser import add_container, add_format, add_words, checked, given_words

INTERVAL = 0.2  # seconds between two looks: nobody is told of what a program does with its heap
NARROWEST, WIDEST = 8, 512  # cells of a map's row
MOST_CELLS = 65_536  # of a map
EPILOG = """\
`run --heap` starts a container whose programs use our allocator; all but `record`
and `play` look at one. PID is as the container counts; without it the first
process is meant that has a heap of ours."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="ls|show|map|events|free-list|record|play", prog=parser.prog
    )
    listing = actions.add_parser("ls", help="list a container's processes and their heaps", allow_abbrev=False)
    add_format(listing)
    add_container(listing)
    showing = actions.add_parser("show", help="tell all figures of a heap", allow_abbrev=False)
    showing.add_argument("--json", action="store_true", help="as one JSON document")
    _add_exact(showing)
    _add_target(showing)
    _configure_map(actions.add_parser("map", help="draw a heap", allow_abbrev=False))
    following = actions.add_parser("events", help="tell what the allocator does, until Ctrl-C", allow_abbrev=False)
    following.add_argument("--json", action="store_true", help="one JSON document a line")
    _add_target(following)
    freeing = actions.add_parser("free-list", help="list free blocks in the order of their lists", allow_abbrev=False)
    freeing.add_argument("--bin", type=checked(_count), metavar="N", help="of this list only (default: of all)")
    freeing.add_argument("--limit", type=checked(_count), default=50, metavar="N", help="at most (default: 50)")
    freeing.add_argument("--skip", type=checked(_count), default=0, metavar="N", help="the first ones")
    freeing.add_argument("--json", action="store_true", help="as one JSON document")
    _add_target(freeing)
    _configure_record(actions.add_parser("record", help="write what a program asks for", allow_abbrev=False))
    _configure_play(actions.add_parser("play", help="put a trace through one policy or several", allow_abbrev=False))


def _configure_map(drawing: argparse.ArgumentParser) -> None:
    how = drawing.add_mutually_exclusive_group()
    how.add_argument("--watch", action="store_true", help="draw it again as it changes, until Ctrl-C")
    how.add_argument("--json", action="store_true", help="as one JSON document")
    drawing.add_argument("--cell", type=checked(_cell), metavar="SIZE", help="of one cell (default: so that all fits)")
    drawing.add_argument(
        "--at", type=checked(_address), metavar="0xADDRESS", help="tell what is there, and show its row"
    )
    drawing.add_argument("--rows", type=checked(_rows), metavar="N", help="at most (default: as many as fit)")
    _add_exact(drawing)
    _add_target(drawing)


def _configure_record(recording: argparse.ArgumentParser) -> None:
    recording.description = (
        "Run PROGRAM here with our allocator, and write what it asked of it as a trace for `heap play`: of its first "
        "process, not of those that it starts. Ends as PROGRAM does."
    )
    recording.usage = "heliostui heap record [-o FILE] [--] PROGRAM [ARG…]"
    recording.add_argument(
        "-o", "--output", type=Path, default=Path("heap.trace"), metavar="FILE", help="default: heap.trace"
    )
    add_words(recording, required=True, first="PROGRAM")


def _configure_play(playing: argparse.ArgumentParser) -> None:
    playing.add_argument("trace", type=Path, metavar="FILE", help="written by `record`, or by hand")
    playing.add_argument(
        "--policy", action="append", default=[], choices=POLICIES, help="which free block is taken (default: best)"
    )
    playing.add_argument(
        "--compare", type=checked(_policies), default=[], metavar="POLICY,POLICY…", help="several side by side"
    )
    playing.add_argument(
        "--heap", type=checked(heap_options), default=HeapOptions(), metavar="WORDS", help="as of `run`: slabs=off, …"
    )
    playing.add_argument("--json", action="store_true", help="as one JSON document")


def _add_target(parser: argparse.ArgumentParser) -> None:
    add_container(parser)
    parser.add_argument("pid", nargs="?", type=checked(_count), metavar="PID", help="of a process in it")


def _add_exact(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--exact", action="store_true", help="freeze the container for a moment, if its heap changes all the time"
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValueError(f"'{text}' is no number: write a whole one")
    return int(text)


def _rows(text: str) -> int:
    if not _count(text):
        raise ValueError("a map has one row at least")
    return int(text)


def _cell(text: str) -> int:
    bytes_ = size(text)
    if bytes_ < 1 or bytes_ & (bytes_ - 1):
        raise ValueError(f"'{text}' is no size of a cell: write a power of two, as 64 or 4k")
    return bytes_


def _address(text: str) -> str:
    try:
        number = int(text, 16)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 64:
        raise ValueError(f"'{text}' is no address: write it as in 0x7f00deadb000")
    return hex(number)


def _policies(text: str) -> list[Policy]:
    """The policies of `best,first`. Raises ValueError."""
    named = {str(policy): policy for policy in POLICIES}
    if unknown := [word for word in text.split(",") if word not in named]:
        raise ValueError(f"'{unknown[0]}' is no policy: there are {', '.join(POLICIES)}")
    return [named[word] for word in text.split(",")]


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "record":
        from heliostui.commandline.heap_record import record

        return record(given_words(arguments), arguments.output)
    if arguments.action == "play":
        return _play(arguments)
    with Connection.connect(places()) as engine:
        match arguments.action:
            case "ls":
                found = engine.request(ListHeaps(container=arguments.container), Heaps).processes
                print(document(found) if arguments.format == "json" else heap_page.processes(found))
            case "show":
                request = GetHeap(target=_target(arguments), exact=arguments.exact)
                report = engine.request(request, HeapFigures).heap
                print(document(report) if arguments.json else heap_page.page(report))
            case "map":
                return _map(engine, arguments)
            case "events":
                return _events(engine, arguments)
            case _:
                _free_list(engine, arguments)
    return 0


def _target(arguments: argparse.Namespace) -> HeapTarget:
    return HeapTarget(container=arguments.container, pid=arguments.pid)


def _free_list(engine: Connection, arguments: argparse.Namespace) -> None:
    found = engine.request(
        GetFreeList(target=_target(arguments), bin=arguments.bin, skip=arguments.skip, limit=arguments.limit), FreeList
    )
    print(document(found) if arguments.json else heap_page.free_list(found.blocks, arguments.skip, found.count))


# --- the map ---


def _map(engine: Connection, arguments: argparse.Namespace) -> int:
    colour, at = sys.stdout.isatty() and not os.environ.get("NO_COLOR"), arguments.at

    def drawn(window: os.terminal_size) -> HeapMap:
        columns = min(WIDEST, max(NARROWEST, window.columns - heap_page.ADDRESS - 1))
        rows = arguments.rows or max(1, window.lines - 8 - bool(at))
        view = HeapView(
            columns=columns,
            rows=min(rows, MOST_CELLS // columns),
            cell=arguments.cell or 0,
            at=at,
            cursor=at,
        )
        return engine.request(GetHeapMap(target=_target(arguments), view=view, exact=arguments.exact), HeapPicture).map

    if not arguments.watch:
        found = drawn(shutil.get_terminal_size())
        print(document(found) if arguments.json else "\n".join(heap_page.picture(found, colour=colour, at=at)))
        return 0
    from heliostui.commandline.screen import Screen

    screen = Screen()
    return _until_it_ends(lambda: screen.show(lambda window: heap_page.picture(drawn(window), colour=colour, at=at)))


# --- events ---


def _events(engine: Connection, arguments: argparse.Namespace) -> int:
    last: int | None = None

    def look() -> None:
        nonlocal last
        view = HeapView(columns=NARROWEST, rows=1, events_after=last or 0)
        found = engine.request(GetHeapMap(target=_target(arguments), view=view), HeapPicture).map
        if last is not None:
            _tell(found, last, as_json=arguments.json)
        last = found.last_event

    return _until_it_ends(look)


def _tell(found: HeapMap, last: int, *, as_json: bool) -> None:
    news = [event for event in found.events if event.number > last]
    if (missed := found.last_event - last - len(news)) > 0 and not as_json:
        print(f"… {missed:,} events came too fast")
    for event in news:
        print(msgspec.json.encode(event).decode() if as_json else heap_page.event(event))
    sys.stdout.flush()


def _until_it_ends(look: Callable[[], None]) -> int:
    """Look again and again. Once there was something to be seen, the end of the program is no failure."""
    look()
    while True:
        time.sleep(INTERVAL)
        try:
            look()
        except RequestFailed as refusal:
            if refusal.code not in (ErrorCode.WRONG_STATE, ErrorCode.NO_HEAP, ErrorCode.NO_SUCH_CONTAINER):
                raise
            complain(refusal.message)
            return 0


# --- traces ---


def _play(arguments: argparse.Namespace) -> int:
    from heliostui.commandline.heap_play import Trace, compared, play

    trace = Trace(arguments.trace)
    policies = dict.fromkeys([*arguments.policy, *arguments.compare]) or [arguments.heap.policy]
    with Connection.connect(places()) as engine:
        played = [play(engine, trace, msgspec.structs.replace(arguments.heap, policy=each)) for each in policies]
    print(document(played) if arguments.json else compared(played))
    return 1 if any(each.ended for each in played) else 0
