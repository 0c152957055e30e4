"""What a session keeps of a terminal that the engine draws anew."""

from __future__ import annotations

from pathlib import Path

from engine.places import Places
from engine.protocol.messages import JoinTerminal
from engine.terminal import Terminal
from heliostui.link import Link
from heliostui.terminals.session import Session


async def test_what_was_seen_is_still_there_after_a_redraw(tmp_path: Path) -> None:
    posted: list[object] = []
    link = Link(Places(tmp_path, tmp_path), posted.append)
    session = Session(link, JoinTerminal(terminal="t1", columns=20, lines=4), posted.append)
    program = Terminal(20, 4)
    for n in range(10):
        program.feed(b"line %d\r\n" % n)
        await session._feed(b"line %d\r\n" % n, redraw=False)
    shown, before = session.terminal, program.scrolled
    program.feed(b"skipped\r\n" * 50 + b"last")
    await session._feed(program.redraw(program.scrolled - before), redraw=True)
    assert session.terminal is shown
    rows = range(-program.scrollback, program.lines)
    assert [shown.row(y).text for y in rows] == [program.row(y).text for y in rows]
    assert session.news == 10
    assert posted
